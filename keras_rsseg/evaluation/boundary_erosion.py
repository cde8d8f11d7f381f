"""The eroded ground truth of the ISPRS benchmarks, from a whole one."""

import math

import numpy as np

from keras_rsseg.errors import ArgumentError
from keras_rsseg.void import VOID

# Strips of this many pixels stay in cache.
_STRIP_PIXELS = 1 << 18


def erode_boundaries(mask: np.ndarray, radius: float = 3) -> np.ndarray:
    """Make the pixels near a boundary between two classes void.

    A pixel becomes void if a pixel of another class lies within `radius` of
    it, measured between the pixels' centres: every class is eroded by a disc
    of that radius, as the ISPRS benchmarks do to leave out what annotators
    cannot place better. A straight boundary loses `radius` pixels on either
    side. Void is no class and the border of the image no boundary.

    Args:
        mask: integer array `(H, W)` of class ids, 255 void.
        radius: positive number, pixels.

    Returns:
        A new array of the mask's shape and dtype.

    Raises:
        ArgumentError: if `mask` is no integer array of rank 2, or `radius`
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
    mask = np.asarray(mask)
    if mask.ndim != 2 or mask.dtype.kind not in "ui":
        raise ArgumentError(
            "`mask` must be an integer array (H, W). Received: "
            f"{mask.dtype} {mask.shape}"
        )
    eroded = mask.copy()
    eroded[near_boundary(mask, radius)] = VOID
    return eroded


def near_boundary(mask: np.ndarray, radius: float = 3) -> np.ndarray:
    """Return where `erode_boundaries` makes pixels void, a bool array."""
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
    """Offsets (row, column) in a disc, one of each opposite two."""
    reach = math.floor(radius)
    return [
        (row, col)
        for row in range(reach + 1)
        for col in range(-reach, reach + 1)
        if 0 < row**2 + col**2 <= radius**2 and (row or col > 0)
    ]


def _mark(near, mask, offsets, rows, has_void):
    """Mark both pixels of each pair of two classes, in place."""
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
