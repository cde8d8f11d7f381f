"""Dilation of many binary maps at once, by exact discs."""

import math
from collections.abc import Sequence

import numpy as np
from keras import ops

from keras_rsseg.typing import Tensor

BITS = 31  # of an int32, without its sign


def dilate_bits(bits: Tensor, radii: Sequence[int]) -> list[Tensor]:
    """Dilates every bit of a map by discs.

    Each bit of the integers is a binary map, and a bitwise "or" processes all
    of them in the time of one. The result for radius `r` has a bit set
    wherever the input has it at a Euclidean distance of at most `r` pixels.

    Args:
        bits: int32 tensor `(B, H, W)`, not negative. Sizes can be unknown.
        radii: sequence of ints >= 0, in pixels.

    Returns:
        list of int32 tensors `(B, H, W)`, one for each radius.

    Example:

    ```python
    from keras_rsseg.ops.dilation import dilate_bits

    bits = np.zeros((1, 5, 5), "int32")
    bits[0, 2, 2] = 5
    near, far = dilate_bits(bits, radii=(1, 2))
    near[0, 1]  # [0, 0, 5, 0, 0]
    far[0, 1]  # [0, 5, 5, 5, 0]
    ```
    """
    bits = ops.convert_to_tensor(bits)
    batch, height, width = ops.shape(bits)
    reach = max(radii)
    padded = ops.pad(bits, ((0, 0), (reach, reach), (reach, reach)))
    steps = _steps(radii)

    def union(x, moved, offsets):
        size = (batch, ops.shape(x)[1], width)
        for offset in offsets:
            x = ops.bitwise_or(x, ops.slice(moved, (0, *offset), size))
        return x

    def step(i, maps):
        # Unrolled, XLA would recompute each map wherever it is used.
        widening, *rows = _numbers(steps, i)
        wide, *discs = maps
        sides = [(0, reach - widening), (0, reach + widening)]
        wide = _unless_none(widening, wide, union, padded, sides)
        for k, row in enumerate(rows):
            ends = [(reach - row, 0), (reach + row, 0)]
            discs[k] = _unless_none(row, discs[k], union, wide, ends)
        return (wide, *discs)

    wide = padded[:, :, reach : reach + width]
    _, *discs = ops.fori_loop(0, len(steps), step, (wide, *[bits] * len(radii)))
    return discs


def _steps(radii):
    """How to stack the rows of all discs while the map is widened once.

    Returns:
        NumPy int32, one row per step: by how many pixels to widen the map
        along its rows, then for each disc the row, above and below, that
        has this half width (-1: none).
    """
    steps = []
    for half_width in range(max(radii) + 1):
        rows = [
            [
                row
                for row in range(radius + 1)
                if math.isqrt(radius**2 - row**2) == half_width
            ]
            for radius in radii
        ]
        for k in range(max(1, *map(len, rows))):
            row_of_each = [r[k] if k < len(r) else -1 for r in rows]
            steps.append([-1 if k else half_width, *row_of_each])
    return np.array(steps, "int32")


def _numbers(steps, i):
    """A row of the table: Python ints if the loop runs in Python."""
    if isinstance(i, int):
        return steps[i].tolist()
    row = ops.convert_to_tensor(steps)[i]
    return [row[k] for k in range(steps.shape[1])]


def _unless_none(number, x, function, *arguments):
    """`function(x, ...)`, or `x` if the number is -1."""
    if isinstance(number, int):
        return x if number < 0 else function(x, *arguments)
    return ops.where(number < 0, x, function(x, *arguments))
