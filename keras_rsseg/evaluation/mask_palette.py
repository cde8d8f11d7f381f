"""Whether masks hold colours or class ids, and what the colours mean."""

from collections.abc import Sequence
from typing import Any
from typing import cast

import numpy as np
from rasterio.enums import ColorInterp

from keras_rsseg.data.palette import Palette
from keras_rsseg.data.palette import as_palette
from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import MaskError
from keras_rsseg.rasters.opener import is_path
from keras_rsseg.rasters.opener import name_of
from keras_rsseg.rasters.opener import open_raster

# Colours, "ids", or nothing said.
MaskPalette = Palette | str | None

# What `palette` may be instead, for masks with a misleading colour map.
IDS = "ids"
_COLORS, _UNCLEAR = "colours", "unclear"


def check_palette(palette: Any) -> MaskPalette:
    """Return a `palette` argument as a `Palette`, `"ids"` or `None`."""
    if not isinstance(palette, str):
        return as_palette(palette)
    if palette != IDS:
        raise ArgumentError(
            f"`palette` must be colours, {IDS!r} or None. Received: {palette!r}"
        )
    return palette


def palette_of(
    masks: Sequence[Any], palette: MaskPalette, model: Any
) -> Palette | None:
    """Return the palette to read masks with, `None` for class ids.

    Files of one band with a colour map can be either: tools write the same
    colours under other ids in every file, and ids with colours for show. By
    a palette that was given they hold colours. By the model's they do where
    a class's colour stands under another id.

    Args:
        masks: list of paths or arrays.
        palette: `Palette`, `"ids"`, or `None` for the model's.
        model: the model; its `palette` is used where it has one.

    Returns:
        A `Palette` or `None`.

    Raises:
        MaskError: if some masks hold colours and others ids, or it cannot
            be told.
    """
    colors = getattr(model, "palette", None) if palette is None else palette
    if colors is None or palette == IDS:
        return None
    given = palette is not None
    colors = cast(Palette, as_palette(cast(Any, colors)))
    contents = [_content(mask, colors, given) for mask in masks]
    if _COLORS in contents:
        _check_alike(contents, masks)
        return colors
    if _UNCLEAR in contents:
        name = name_of(masks[contents.index(_UNCLEAR)])
        raise MaskError(
            f"The colour map of {name} has colours of classes and others in "
            "their place: it could hold colours or class ids. Give `palette` "
            f"(on the command line --palette): colours, or {IDS!r}"
        )
    return None


def _content(mask, palette, given):
    """`"colours"`, `"ids"`, `"either"` or `"unclear"`."""
    if not is_path(mask):
        colored = np.ndim(mask) == 3 and np.shape(mask)[-1] in (3, 4)
        return _COLORS if colored else IDS
    with open_raster(mask, "masks") as dataset:
        if dataset.count in (3, 4):
            return _COLORS
        if dataset.colorinterp != (ColorInterp.palette,):
            return IDS
        if given:
            return _COLORS
        table = dataset.colormap(1)
        used = np.unique(dataset.read(1)).tolist()
    return _content_of_map({index: table[index] for index in used}, palette)


def _content_of_map(entries, palette):
    """What the ids of a colour map, those that occur, are."""
    ids = {color: index for index, color in enumerate(palette.colors)}
    listed = {
        index: ids[tuple(color[:3])]
        for index, color in entries.items()
        if tuple(color[:3]) in ids and color[3]
    }
    if any(index != class_id for index, class_id in listed.items()):
        return _COLORS
    others = [
        index
        for index in entries
        if index not in listed and index < palette.num_classes
    ]
    return _UNCLEAR if listed and others else "either"


def _check_alike(contents, masks):
    if IDS in contents:
        names = [
            name_of(masks[place], f"masks[{place}]")
            for place in (contents.index(_COLORS), contents.index(IDS))
        ]
        raise MaskError(
            "Masks must all hold colours or all class ids. Received: "
            f"{names[0]} with colours, {names[1]} with ids"
        )
