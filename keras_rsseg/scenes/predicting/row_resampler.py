"""Resample a raster, whole or as it comes in rows."""

import numpy as np

from keras_rsseg.scenes.predicting.blending import BLOCK_ROWS

_BLOCK_VALUES = 1 << 22


def linear_taps(in_length, out_length, start=0, stop=None):
    """Return which inputs each output of a resampled axis is made of.

    A triangle one input pixel wide to each side (bilinear) or, where the
    output has fewer pixels, one output pixel wide (so nothing is skipped).
    Pixel centres are at halves; borders repeat.

    Args:
        in_length: length of the axis.
        out_length: length that it gets.
        start: first output that is wanted.
        stop: first output after it that is not; `None` for the end.

    Returns:
        `(indices, weights)`, int64 and float32 arrays `(outputs, taps)`;
        the weights of an output sum to 1.

    Example:

    >>> indices, weights = linear_taps(2, 4)
    >>> weights.round(2).tolist()
    [[0.25, 0.75], [0.75, 0.25], [0.25, 0.75], [0.75, 0.25]]
    """
    stop = out_length if stop is None else stop
    if in_length == out_length:
        indices = np.arange(start, stop)[:, None]
        return indices, np.ones(indices.shape, "float32")
    scale = in_length / out_length
    reach = max(1.0, scale)
    centers = (np.arange(start, stop) + 0.5) * scale - 0.5
    first = np.floor(centers - reach).astype("int64") + 1
    indices = first[:, None] + np.arange(int(np.ceil(2 * reach)))
    weights = 1 - np.abs(indices - centers[:, None]) / reach
    weights = np.maximum(weights, 0)
    weights /= weights.sum(axis=1, keepdims=True)
    return indices.clip(0, in_length - 1), weights.astype("float32")


def input_range(in_length, out_length, start, stop):
    """Return the first input of a range of outputs, and the end of them.

    Args:
        in_length: length of the axis.
        out_length: length that it gets.
        start: first output.
        stop: first output that does not belong to the range.

    Returns:
        `(first, end)`, ints.
    """
    first, _ = linear_taps(in_length, out_length, start, start + 1)
    last, _ = linear_taps(in_length, out_length, stop - 1, stop)
    return int(first[0, 0]), int(last[0, -1]) + 1


def resample(array, size):
    """Resample a raster that is in memory.

    Args:
        array: float32 array `(channels, in_height, in_width)`.
        size: `(height, width)` that it gets.

    Returns:
        A float32 array `(channels, height, width)`.
    """
    for axis, length in enumerate(size, 1):
        if array.shape[axis] != length:
            taps = linear_taps(array.shape[axis], length)
            array = _mix(array, *taps, axis)
    return array


class RowResampler:
    """Resamples a part of a raster as its rows come, from the top.

    Only the rows that coming outputs need are kept. An output is the same to
    the last bit whatever the part is, and however its input is cut.

    Args:
        in_size: `(height, width)` of the whole raster.
        out_size: `(height, width)` that it gets.
        rows: `(start, stop)` of the wanted outputs. The first input row is
            that of `input_range`.
        columns: `(start, stop)` of the wanted outputs. Input columns are
            those of `input_range`.
    """

    def __init__(self, in_size, out_size, rows, columns):
        self._same = tuple(in_size) == tuple(out_size)
        self._done, self._stop = rows
        self._first = self._done
        self._top = input_range(in_size[0], out_size[0], *rows)[0]
        self._kept = None
        if not self._same:
            self._rows = linear_taps(in_size[0], out_size[0], *rows)
            indices, weights = linear_taps(in_size[1], out_size[1], *columns)
            left = input_range(in_size[1], out_size[1], *columns)[0]
            self._columns = indices - left, weights

    def push(self, block):
        """Take over the next input rows, float32 `(channels, rows, width)`."""
        kept = self._kept
        self._kept = block if kept is None else np.concatenate([kept, block], 1)

    def take(self, stop):
        """Hand on the outputs above `stop` whose last input row has come.

        Args:
            stop: first output row that is not wanted yet.

        Yields:
            Float32 arrays `(channels, rows, width)`.
        """
        if self._kept is None:
            return
        stop = min(stop, self._ready())
        while self._done < stop:
            end = min(self._done + self._step(), stop)
            yield self._outputs(end)
            self._done = end
        self._forget()

    def _ready(self):
        """First output whose last input row has not come."""
        end = self._top + self._kept.shape[1]
        if self._same:
            return min(end, self._stop)
        last = self._rows[0][:, -1]
        return self._first + int(np.searchsorted(last, end))

    def _outputs(self, end):
        if self._same:
            return self._kept[:, self._done - self._top : end - self._top]
        part = slice(self._done - self._first, end - self._first)
        rows, weights = (taps[part] for taps in self._rows)
        mixed = _mix(self._kept, rows - self._top, weights, 1)
        return _mix(mixed, *self._columns, 2)

    def _step(self):
        """Rows at a time: enough for speed, little in memory."""
        if self._same:
            return BLOCK_ROWS
        width = max(self._kept.shape[2], len(self._columns[0]))
        step = _BLOCK_VALUES // (width * len(self._kept))
        return min(max(step, 1), BLOCK_ROWS)

    def _forget(self):
        if self._done >= self._stop:
            self._kept = None
            return
        needed = self._done
        if not self._same:
            needed = int(self._rows[0][self._done - self._first, 0])
        count = self._kept.shape[1]
        unused = min(needed - self._top, count)
        self._top += unused
        self._kept = None if unused == count else self._kept[:, unused:].copy()


def _mix(array, indices, weights, axis):
    shape = (-1, 1) if axis == 1 else (-1,)
    total = 0
    for tap in range(indices.shape[1]):
        part = np.take(array, indices[:, tap], axis=axis)
        total = total + part * weights[:, tap].reshape(shape)
    return total
