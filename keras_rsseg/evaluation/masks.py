"""Masks: what they hold, and where their boundaries lie."""

from collections.abc import Sequence
from typing import Any
from typing import cast

import numpy as np
from rasterio.enums import ColorInterp

from keras_rsseg.data.boundaries import check_ids_array
from keras_rsseg.data.boundaries import near_boundary
from keras_rsseg.data.palette import Palette
from keras_rsseg.data.palette import as_palette
from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import MaskError
from keras_rsseg.rasters.opener import is_path
from keras_rsseg.rasters.opener import name_of
from keras_rsseg.rasters.opener import open_raster
from keras_rsseg.void import VOID

# Colours, "ids", or unspecified.
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

    Files of one band with a colour map can be either: some tools write the
    same colours under other ids in every file, others ids with colours for
    show. With a given palette they hold colours. With the model's they do if
    a class's colour stands under another id.

    Args:
        masks: list of paths or arrays.
        palette: `Palette`, `"ids"`, or `None` for the model's.
        model: the model; its `palette` is used if it has one.

    Returns:
        A `Palette` or `None`.

    Raises:
        MaskError: if some masks hold colours and others ids, or it is
            unclear which.
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
    """What the ids that occur in a colour map are."""
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


def erode_boundaries(mask: np.ndarray, radius: float = 3) -> np.ndarray:
    """Make the pixels near a boundary between two classes void.

    A pixel becomes void if a pixel of another class lies within `radius` of
    it, measured between the pixels' centres: every class is eroded by a disc
    of that radius, as the ISPRS benchmarks do to leave out what annotators
    cannot place more precisely. A straight boundary loses `radius` pixels on
    either side. Void is not a class, and the image's border not a boundary.

    Args:
        mask: integer array `(H, W)` of class ids, 255 void.
        radius: positive number, pixels.

    Returns:
        A new array of the mask's shape and dtype.

    Raises:
        ArgumentError: if `mask` is not an integer array of rank 2, or `radius`
            is not positive.

    Example:

    ```python
    mask = np.array([[0, 0, 0, 1, 1, 1]], "uint8")
    keras_rsseg.evaluation.erode_boundaries(mask, 1)
    # [[0, 0, 255, 255, 1, 1]]
    ```

    Reference:
        - [ISPRS, 2D semantic labeling: "full reference" and "eroded
          boundaries"](https://www.isprs.org/education/benchmarks/UrbanSemLab/semantic-labeling.aspx)
    """
    mask = check_ids_array(mask)
    eroded = mask.copy()
    eroded[near_boundary(mask, radius)] = VOID
    return eroded
