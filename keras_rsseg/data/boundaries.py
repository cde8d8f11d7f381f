"""The pixels near boundaries between classes, and masks without them."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_rsseg.checks import as_number
from keras_rsseg.checks import is_integer
from keras_rsseg.errors import ArgumentError
from keras_rsseg.void import VOID

# Strips of this many pixels stay in cache.
_STRIP_PIXELS = 1 << 18

# From two class ids to the width of the rim on either side, pixels.
BoundaryVoid = Mapping[tuple[int, int], float]


def void_boundaries(
    mask: np.ndarray, boundary_void: BoundaryVoid
) -> np.ndarray:
    """Make pixels near the boundaries between some pairs of classes void.

    For labels that are sharp on most boundaries but loose on some, such as
    those of plots drawn as one building: a loss then learns nothing from the
    pixels that cannot be trusted. A pixel of either class of a pair becomes
    void if a pixel of the other lies within the width, measured between pixel
    centres. A straight boundary loses that many pixels on either side. All
    other classes stay, void is not a class, and each pair is found in the
    original mask.

    `tile_dataset` and `tile_records` do the same with their argument
    `boundary_void`, before anything is cut.

    Args:
        mask: integer array `(H, W)` of class ids, 255 void.
        boundary_void: dict from pairs of class ids, in either order, to
            widths in pixels, at least 1.

    Returns:
        A new array of the mask's shape and dtype.

    Raises:
        ArgumentError: if `mask` is not an integer array of rank 2, or a pair
            or a width is invalid.

    Example:

    ```python
    mask = np.array([[0, 0, 0, 1, 1, 1, 2, 2, 2]], "uint8")
    keras_rsseg.data.void_boundaries(mask, {(0, 1): 2})
    # [[0, 255, 255, 255, 255, 1, 2, 2, 2]]
    ```
    """
    mask = check_ids_array(mask)
    near = np.zeros(mask.shape, bool)
    for pair, width in as_boundary_void(boundary_void).items():
        first, second = (mask == class_id for class_id in pair)
        # Most masks do not hold all classes.
        if first.any() and second.any():
            alone = np.where(first | second, mask, mask.dtype.type(VOID))
            near |= near_boundary(alone, width)
    voided = mask.copy()
    voided[near] = VOID
    return voided


def as_boundary_void(
    boundary_void: Any, num_classes: int | None = None
) -> dict[tuple[int, int], float]:
    """Return the argument `boundary_void` as a dict, checked.

    Args:
        boundary_void: see `void_boundaries`; `None` for no pairs.
        num_classes: number of classes, `None` for any.

    Returns:
        A dict from pairs of ascending ids to floats.

    Raises:
        ArgumentError: if a pair is not two classes or occurs twice, or a
            width is below 1.
    """
    if boundary_void is None:
        return {}
    if not isinstance(boundary_void, Mapping):
        raise ArgumentError(
            "`boundary_void` must be a dict from pairs of class ids to "
            f"widths in pixels, as in {{(0, 1): 3}}. Received: "
            f"{boundary_void!r}"
        )
    last = (VOID if num_classes is None else num_classes) - 1
    widths: dict[tuple[int, int], float] = {}
    for pair, width in boundary_void.items():
        if not _is_pair(pair, last):
            raise ArgumentError(
                "`boundary_void` must name pairs of two classes, ids from 0 "
                f"to {last}. Received: {pair!r}"
            )
        number = as_number(width)
        if not 1 <= number < math.inf:
            raise ArgumentError(
                "`boundary_void` must give widths of at least 1 pixel. "
                f"Received: {width!r} for {pair!r}"
            )
        low, high = sorted(map(int, pair))
        if (low, high) in widths:
            raise ArgumentError(
                "`boundary_void` must name each pair of classes once. "
                f"Received: {(low, high)} and {(high, low)}"
            )
        widths[low, high] = number
    return widths


def _is_pair(pair: Any, last: int) -> bool:
    return (
        isinstance(pair, tuple)
        and len(pair) == 2
        and all(is_integer(value) and 0 <= value <= last for value in pair)
        and pair[0] != pair[1]
    )


def check_ids_array(mask: Any) -> np.ndarray:
    """Return a mask as an integer array of rank 2, or raise."""
    mask = np.asarray(mask)
    if mask.ndim != 2 or mask.dtype.kind not in "ui":
        raise ArgumentError(
            "`mask` must be an integer array (H, W). Received: "
            f"{mask.dtype} {mask.shape}"
        )
    return mask


def near_boundary(mask: np.ndarray, radius: float = 3) -> np.ndarray:
    """Return which pixels have a pixel of another class near them.

    Args:
        mask: integer array `(H, W)` of class ids, 255 void.
        radius: positive number, pixels between the centres.

    Returns:
        A bool array like `mask`: `True` where a pixel of another class lies
        within `radius`. Void is not a class, and the border of the mask is
        not a boundary.

    Raises:
        ArgumentError: if `radius` is not positive.
    """
    if not radius > 0:
        raise ArgumentError(
            f"`radius` must be a positive number. Received: {radius!r}"
        )
    height, width = mask.shape
    offsets = _half_disc(radius)
    reach = max(row for row, _ in offsets)
    has_void = (mask == VOID).any()
    near = np.zeros(mask.shape, bool)
    rows = max(_STRIP_PIXELS // max(width, 1), 1)
    for top in range(0, height, rows):
        # Pairs of pixels whose upper one lies in the strip.
        strip = slice(top, top + rows + reach)
        _mark(near[strip], mask[strip], offsets, rows, has_void)
    return near


def _half_disc(radius):
    """Offsets (row, column) in a disc, one of each opposite pair."""
    reach = math.floor(radius)
    return [
        (row, col)
        for row in range(reach + 1)
        for col in range(-reach, reach + 1)
        if 0 < row**2 + col**2 <= radius**2 and (row or col > 0)
    ]


def _mark(near, mask, offsets, rows, has_void):
    """Mark both pixels of each pair of different classes, in place."""
    labelled = mask != VOID
    height, width = mask.shape
    for row, col in offsets:
        stop = min(rows, height - row)
        if stop <= 0 or abs(col) >= width:
            continue
        left, right = max(-col, 0), width - max(col, 0)
        upper = slice(0, stop), slice(left, right)
        lower = slice(row, row + stop), slice(left + col, right + col)
        differ = mask[upper] != mask[lower]
        if has_void:
            differ &= labelled[upper]
            differ &= labelled[lower]
        near[upper] |= differ
        near[lower] |= differ
