"""From the pixels of a mask, ids or colours, to the class ids of a network."""

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_rsseg.checks import is_integer
from keras_rsseg.data.palette import Palette
from keras_rsseg.data.palette import UnlistedColors
from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import MaskError
from keras_rsseg.sample_checks import check_whole
from keras_rsseg.void import VOID

# Beyond this, float64 misses some whole numbers; no id is that large.
_LARGEST = 2.0**53


def stored_to_ids(
    pixels: np.ndarray,
    nodata: float | None,
    name: str,
    mapping: Mapping[Any, int],
) -> np.ndarray:
    """Return the class ids of a mask without colours.

    Args:
        pixels: array `(H, W, 1)` of whole numbers, of any dtype.
        nodata: the value that the file declares as no data, which is void
            unless `mapping` names it, or `None`. NaN is also void.
        name: name of the mask, for errors.
        mapping: from stored ids to class ids; those not named stay.

    Returns:
        A uint8 array `(H, W)`.

    Raises:
        MaskError: if there are several bands, fractions, or ids outside 0..255.
    """
    if pixels.shape[-1] != 1:
        raise MaskError(
            f"{name} has {pixels.shape[-1]} bands: a colour-coded mask needs "
            "`palette`; a mask of class ids has one band."
        )
    values = pixels[..., 0]
    if values.dtype.kind not in "uibf":
        raise MaskError(
            f"{name} must hold integer class ids. Received: {values.dtype}"
        )
    lacking = _lacking(values, None if nodata in mapping else nodata)
    values = map_ids(_whole(values, lacking, name), mapping)
    if lacking is not None:
        values = np.where(lacking, values.dtype.type(VOID), values)
    if values.dtype != np.uint8:
        if values.size and (values.min() < 0 or values.max() > VOID):
            wrong = np.unique(values[(values < 0) | (values > VOID)])
            raise MaskError(
                f"{name} holds ids outside 0..{VOID}: {wrong[:10].tolist()}. "
                "`ids` maps them on reading, such as "
                f"`ids={{{wrong[0]}: 0}}`"
            )
        values = values.astype("uint8")
    return values


def _lacking(values: np.ndarray, nodata: float | None) -> np.ndarray | None:
    """Where the class is unknown, `None` for nowhere."""
    lacking = np.isnan(values) if values.dtype.kind == "f" else None
    if nodata is None:
        return lacking
    equal = values == nodata
    return equal if lacking is None else equal | lacking


def _whole(
    values: np.ndarray, lacking: np.ndarray | None, name: str
) -> np.ndarray:
    """Whole numbers as integers of a dtype that holds 255."""
    if values.dtype.kind == "b":
        return values.astype("uint8")
    if values.dtype == np.int8:
        return values.astype("int16")
    if values.dtype.kind != "f":
        return values
    if lacking is not None:
        values = np.where(lacking, values.dtype.type(VOID), values)
    check_whole(values, name)
    return np.clip(values.astype("float64"), -_LARGEST, _LARGEST).astype(
        "int64"
    )


def colors_to_ids(
    pixels: np.ndarray,
    palette: Palette,
    unlisted: UnlistedColors | None,
    name: str,
    mapping: Mapping[Any, int],
) -> np.ndarray:
    """Return the class ids of a colour-coded mask.

    Args:
        pixels: uint8 array `(H, W, 3)` or `(H, W, 4)`. Transparent pixels
            are void.
        palette: `Palette`.
        unlisted: collects colours that the palette lacks, or `None`.
        name: name of the mask, for errors.
        mapping: from the palette's ids to class ids; those not named stay.

    Returns:
        A uint8 array `(H, W)`.

    Raises:
        MaskError: if pixels are not colours.
    """
    if pixels.shape[-1] not in (3, 4) or pixels.dtype != np.uint8:
        raise MaskError(
            f"`palette` was given, so {name} must be a uint8 RGB or RGBA "
            f"mask. Received: {pixels.dtype}, {pixels.shape[-1]} band(s)"
        )
    if pixels.shape[-1] == 3:
        return map_ids(palette.to_ids(pixels, unlisted, name), mapping)
    hidden = pixels[..., 3] == 0
    colors = pixels[..., :3].copy()
    # Colours under transparent pixels are not reported.
    colors[hidden] = palette.colors[0]
    ids = map_ids(palette.to_ids(colors, unlisted, name), mapping)
    ids[hidden] = VOID
    return ids


# From a mask value, or a polygon's attribute, to a class id or 255.
IdMapping = Mapping[Any, int]


def as_id_mapping(ids: IdMapping | None) -> dict[Any, int]:
    """Return an `ids` argument as a dict, checked.

    Args:
        ids: dict from stored values to class ids, 255 for void, or `None`.

    Raises:
        ArgumentError: if it is anything else.
    """
    if ids is None:
        return {}
    if not isinstance(ids, Mapping) or not all(
        is_integer(value) and 0 <= value <= VOID for value in ids.values()
    ):
        raise ArgumentError(
            "`ids` must be a dict from mask values to class ids, 0 to "
            f"{VOID - 1} and {VOID} for void, such as {{0: 0, 255: 1}}. "
            f"Received: {ids!r}"
        )
    return {key: int(value) for key, value in ids.items()}


def ids_of_classes(
    ids: IdMapping | None,
    class_attribute: str | None,
    class_names: Sequence[str] | None,
) -> IdMapping | None:
    """Return the ids of polygons whose attribute holds class names.

    Args:
        ids: an `ids` argument; its entries are kept.
        class_attribute: name of the attribute, or `None`.
        class_names: names of the classes, or `None` where they have none.

    Example:

    ```python
    from keras_rsseg.data.mask_values import ids_of_classes

    ids_of_classes(None, "kind", ["road", "roof"])  # {"road": 0, "roof": 1}
    ```
    """
    if ids is not None or class_attribute is None or class_names is None:
        return ids
    return {name: index for index, name in enumerate(class_names)}


def map_ids(values: np.ndarray, ids: Mapping[Any, int]) -> np.ndarray:
    """Return the class ids of stored ids; ids not named stay.

    Args:
        values: integer array of any shape.
        ids: what `as_id_mapping` returned.

    Returns:
        `values` itself, or an array of its shape with at least as many bits.
    """
    if not ids:
        return values
    if values.dtype == np.uint8:
        table = np.arange(VOID + 1, dtype="uint8")
        for key, value in ids.items():
            if is_integer(key) and 0 <= key <= VOID:
                table[int(key)] = value
        return table[values]
    found, places = np.unique(values, return_inverse=True)
    mapped = np.array([ids.get(value, value) for value in found.tolist()])
    return mapped[places].reshape(values.shape)
