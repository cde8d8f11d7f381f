"""Blend tiles row by row, and resample the rows."""

from collections.abc import Iterator

import numpy as np

from keras_rsseg.errors import ArgumentError

# Rows passed on at a time: enough for speed, few enough for memory.
BLOCK_ROWS = 64

_BLOCK_VALUES = 1 << 22


def tile_weights(size: int) -> np.ndarray:
    """Return the weights of a tile along one axis, a Hann window.

    Sampled at pixel centres, so it is symmetric and nowhere zero: each
    pixel that any tile covers gets a result.

    Args:
        size: length of the tile, in pixels.

    Returns:
        A float32 array `(size,)`, in (0, 1].

    Example:

    ```python
    from keras_rsseg.scenes.predicting.blending import tile_weights

    tile_weights(4).round(3).tolist()  # [0.146, 0.854, 0.854, 0.146]
    ```
    """
    phase = (np.arange(size) + 0.5) * (np.pi / size)
    return (np.sin(phase) ** 2).astype("float32")


class RowBlender:
    """Weighted mean of overlapping tiles, released row by row.

    Holds only `tile_size` rows of sums, so memory does not depend on the
    height of the scene. Tiles must come row by row, from the top; they are
    summed in that order, whatever the batches were. Classes are the first
    axis, which makes NumPy several times faster if there are few.

    Args:
        width: width of the scene, or of the part of it to compute, in
            pixels.
        tile_size: length of a tile, in pixels.
        num_classes: number of classes.
        row: first row to compute.
        col: first column to compute.
    """

    def __init__(
        self,
        width: int,
        tile_size: int,
        num_classes: int,
        row: int = 0,
        col: int = 0,
    ) -> None:
        self.tile_size = tile_size
        self.top = row
        self._columns = col, col + width
        weights = tile_weights(tile_size)
        self._weights = weights[:, None] * weights
        # Row r of the scene lies at r % tile_size.
        self._sums = np.zeros((num_classes, tile_size, width), "float32")
        self._totals = np.zeros((tile_size, width), "float32")

    def add(
        self, row: int, col: int, probabilities: np.ndarray, valid: np.ndarray
    ) -> None:
        """Add a tile. Rows above it must have been taken already.

        Args:
            row: first row of the tile in the scene.
            col: first column of the tile in the scene.
            probabilities: float32 array `(classes, h, w)`; `h` and `w` at
                most the tile's size. Pixels outside the part to compute, or
                in rows already taken, are left out.
            valid: boolean array `(h, w)`; invalid pixels get weight zero.
        """
        if row > self.top:
            raise ArgumentError(
                f"Tiles must start at row {self.top}, the first not yet "
                f"taken, or above. Received: row={row}"
            )
        height, width = valid.shape
        left, right = self._columns
        inside = (
            slice(self.top - row, height),
            slice(max(left - col, 0), min(right - col, width)),
        )
        weights = self._weights[:height, :width][inside] * valid[inside]
        probabilities = probabilities[:, *inside]
        first = max(col - left, 0)
        columns = slice(first, first + weights.shape[1])
        for rows, part in self._places(self.top, len(weights)):
            share = weights[part]
            self._sums[:, rows, columns] += probabilities[:, part] * share
            self._totals[rows, columns] += share

    def take(self, stop: int) -> Iterator[np.ndarray]:
        """Pass on the rows above `stop`, which no later tile will touch.

        Args:
            stop: first row to keep.

        Yields:
            Float32 arrays `(classes, rows, width)` of at most `BLOCK_ROWS`
            rows: probabilities, all zero where there was no valid tile.
        """
        while self.top < stop:
            count = min(stop - self.top, BLOCK_ROWS, self.tile_size)
            for rows, _ in self._places(self.top, count):
                sums, totals = self._sums[:, rows], self._totals[rows]
                # Where a total is zero, so are its sums.
                yield sums / np.where(totals > 0, totals, 1)
                sums[:] = 0
                totals[:] = 0
            self.top += count

    def _places(self, row: int, count: int) -> Iterator[tuple[slice, slice]]:
        """Where rows lie in the ring buffer, and which of them."""
        start = row % self.tile_size
        first = min(count, self.tile_size - start)
        yield slice(start, start + first), slice(0, first)
        if first < count:
            yield slice(0, count - first), slice(first, count)


def linear_taps(
    in_length: int, out_length: int, start: int = 0, stop: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the inputs of each output of a resampled axis.

    The kernel is a triangle that extends one input pixel to each side
    (bilinear) or, if the output has fewer pixels, one output pixel (so that
    no input is skipped). Pixel centres are at halves; borders repeat.

    Args:
        in_length: length of the axis.
        out_length: its new length.
        start: first output.
        stop: end of the outputs (exclusive); `None` for the last one.

    Returns:
        `(indices, weights)`, int64 and float32 arrays `(outputs, taps)`;
        the weights of an output sum to 1.

    Example:

    ```python
    from keras_rsseg.scenes.predicting.blending import linear_taps

    indices, weights = linear_taps(2, 4)
    weights.round(2).tolist()
    # [[0.25, 0.75], [0.75, 0.25], [0.25, 0.75], [0.75, 0.25]]
    ```
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


def input_range(
    in_length: int, out_length: int, start: int, stop: int
) -> tuple[int, int]:
    """Return the range of inputs that a range of outputs needs.

    Args:
        in_length: length of the axis.
        out_length: its new length.
        start: first output.
        stop: end of the outputs (exclusive).

    Returns:
        `(first, end)`, ints.
    """
    first, _ = linear_taps(in_length, out_length, start, start + 1)
    last, _ = linear_taps(in_length, out_length, stop - 1, stop)
    return int(first[0, 0]), int(last[0, -1]) + 1


def resample(array: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resample a raster in memory.

    Args:
        array: float32 array `(channels, in_height, in_width)`.
        size: its new `(height, width)`.

    Returns:
        A float32 array `(channels, height, width)`.
    """
    for axis, length in enumerate(size, 1):
        if array.shape[axis] != length:
            taps = linear_taps(array.shape[axis], length)
            array = _mix(array, *taps, axis)
    return array


class RowResampler:
    """Resamples a part of a raster as its rows arrive, from the top.

    Only the rows that later outputs need are kept. An output is identical to
    the last bit for every part, however the input is divided.

    Args:
        in_size: `(height, width)` of the whole raster.
        out_size: its new `(height, width)`.
        rows: `(start, stop)` of the output rows. `input_range` gives the
            first input row.
        columns: `(start, stop)` of the output columns. `input_range` gives
            the input columns.
    """

    def __init__(
        self,
        in_size: tuple[int, int],
        out_size: tuple[int, int],
        rows: tuple[int, int],
        columns: tuple[int, int],
    ) -> None:
        self._same = tuple(in_size) == tuple(out_size)
        self._done, self._stop = rows
        self._first = self._done
        self._top = input_range(in_size[0], out_size[0], *rows)[0]
        self._kept: np.ndarray | None = None
        if not self._same:
            self._rows = linear_taps(in_size[0], out_size[0], *rows)
            indices, weights = linear_taps(in_size[1], out_size[1], *columns)
            left = input_range(in_size[1], out_size[1], *columns)[0]
            self._columns = indices - left, weights

    def push(self, block: np.ndarray) -> None:
        """Add the next input rows, float32 `(channels, rows, width)`."""
        kept = self._kept
        self._kept = block if kept is None else np.concatenate([kept, block], 1)

    def take(self, stop: int) -> Iterator[np.ndarray]:
        """Pass on the outputs above `stop` whose last input row has arrived.

        Args:
            stop: end of the output rows to take (exclusive).

        Yields:
            Float32 arrays `(channels, rows, width)`.
        """
        kept = self._kept
        if kept is None:
            return
        stop = min(stop, self._ready(kept))
        while self._done < stop:
            end = min(self._done + self._step(kept), stop)
            yield self._outputs(kept, end)
            self._done = end
        self._forget(kept)

    def _ready(self, kept: np.ndarray) -> int:
        """First output whose last input row has not arrived."""
        end = self._top + kept.shape[1]
        if self._same:
            return min(end, self._stop)
        last = self._rows[0][:, -1]
        return self._first + int(np.searchsorted(last, end))

    def _outputs(self, kept: np.ndarray, end: int) -> np.ndarray:
        if self._same:
            return kept[:, self._done - self._top : end - self._top]
        part = slice(self._done - self._first, end - self._first)
        rows, weights = (taps[part] for taps in self._rows)
        mixed = _mix(kept, rows - self._top, weights, 1)
        return _mix(mixed, *self._columns, 2)

    def _step(self, kept: np.ndarray) -> int:
        """Rows at a time: enough for speed, few enough for memory."""
        if self._same:
            return BLOCK_ROWS
        width = max(kept.shape[2], len(self._columns[0]))
        step = _BLOCK_VALUES // (width * len(kept))
        return min(max(step, 1), BLOCK_ROWS)

    def _forget(self, kept: np.ndarray) -> None:
        if self._done >= self._stop:
            self._kept = None
            return
        needed = self._done
        if not self._same:
            needed = int(self._rows[0][self._done - self._first, 0])
        count = kept.shape[1]
        unused = min(needed - self._top, count)
        self._top += unused
        self._kept = None if unused == count else kept[:, unused:].copy()


def _mix(
    array: np.ndarray, indices: np.ndarray, weights: np.ndarray, axis: int
) -> np.ndarray:
    shape = (-1, 1) if axis == 1 else (-1,)
    total: np.ndarray | int = 0
    for tap in range(indices.shape[1]):
        part = np.take(array, indices[:, tap], axis=axis)
        total = total + part * weights[:, tap].reshape(shape)
    return np.asarray(total)
