"""Resample a raster that comes and goes as rows."""

import numpy as np

from keras_rsseg.scenes.blending import BLOCK_ROWS

_BLOCK_VALUES = 1 << 22


def linear_taps(in_length, out_length):
    """Return which inputs each output of a resampled axis is made of.

    A triangle one input pixel wide to each side (bilinear) or, where the
    output has fewer pixels, one output pixel wide (so nothing is skipped).
    Pixel centres are at halves; borders repeat.

    Args:
        in_length: length of the axis.
        out_length: length that it gets.

    Returns:
        `(indices, weights)`, int64 and float32 arrays `(out_length, taps)`;
        the weights of an output sum to 1.

    Example:

    >>> indices, weights = linear_taps(2, 4)
    >>> weights.round(2).tolist()
    [[0.25, 0.75], [0.75, 0.25], [0.25, 0.75], [0.75, 0.25]]
    """
    scale = in_length / out_length
    reach = max(1.0, scale)
    centers = (np.arange(out_length) + 0.5) * scale - 0.5
    first = np.floor(centers - reach).astype("int64") + 1
    indices = first[:, None] + np.arange(int(np.ceil(2 * reach)))
    weights = 1 - np.abs(indices - centers[:, None]) / reach
    weights = np.maximum(weights, 0)
    weights /= weights.sum(axis=1, keepdims=True)
    return indices.clip(0, in_length - 1), weights.astype("float32")


def resample_rows(blocks, in_size, out_size):
    """Resample blocks of rows, each output row from all it is made of.

    Only the rows that coming outputs need are kept. How the input is cut
    into blocks makes no difference.

    Args:
        blocks: iterable of float32 arrays `(channels, rows, in_width)`,
            `in_height` rows together.
        in_size: `(in_height, in_width)`.
        out_size: `(out_height, out_width)`.

    Yields:
        Float32 arrays `(channels, rows, out_width)`, `out_height` rows
        together.
    """
    rows, row_weights = linear_taps(in_size[0], out_size[0])
    columns, column_weights = linear_taps(in_size[1], out_size[1])
    kept, top, done = None, 0, 0
    for block in blocks:
        kept = block if kept is None else np.concatenate([kept, block], 1)
        # Outputs whose last input row has come.
        ready = int(np.searchsorted(rows[:, -1], top + kept.shape[1]))
        step = _BLOCK_VALUES // (max(in_size[1], out_size[1]) * len(kept))
        step = min(max(step, 1), BLOCK_ROWS)
        while done < ready:
            part = slice(done, min(done + step, ready))
            mixed = _mix(kept, rows[part] - top, row_weights[part], 1)
            yield _mix(mixed, columns, column_weights, 2)
            done = part.stop
        if done < len(rows):
            unused = rows[done, 0] - top
            kept, top = kept[:, unused:].copy(), top + unused


def _mix(array, indices, weights, axis):
    shape = (-1, 1) if axis == 1 else (-1,)
    total = 0
    for tap in range(indices.shape[1]):
        part = np.take(array, indices[:, tap], axis=axis)
        total = total + part * weights[:, tap].reshape(shape)
    return total
