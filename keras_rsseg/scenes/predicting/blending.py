"""Blend overlapping tiles, keeping only the rows in flight."""

import numpy as np

# Rows handed on at a time: enough for speed, little in memory.
BLOCK_ROWS = 64


def tile_weights(size):
    """Return the weights of a tile along one axis, a Hann window.

    Sampled at pixel centres, so it is symmetric and nowhere zero: each
    pixel that any tile covers has an answer.

    Args:
        size: length of the tile, pixels.

    Returns:
        A float32 array `(size,)`, in (0, 1].

    Example:

    >>> tile_weights(4).round(3).tolist()
    [0.146, 0.854, 0.854, 0.146]
    """
    phase = (np.arange(size) + 0.5) * (np.pi / size)
    return (np.sin(phase) ** 2).astype("float32")


class RowBlender:
    """Weighted mean of overlapping tiles, released row by row.

    Holds `tile_size` rows of sums and no more, so memory does not depend
    on the height of the scene. Tiles must come row by row, from the top;
    sums are formed in that order, whatever the batches were. Classes come
    first, which makes NumPy several times faster on few of them.

    Args:
        width: width of the scene, or of the part of it that is wanted,
            pixels.
        tile_size: length of a tile, pixels.
        num_classes: number of classes.
        row: first row that is wanted.
        col: first column that is wanted.
    """

    def __init__(self, width, tile_size, num_classes, row=0, col=0):
        self.tile_size = tile_size
        self.top = row
        self._columns = col, col + width
        weights = tile_weights(tile_size)
        self._weights = weights[:, None] * weights
        # Row r of the scene lies at r % tile_size.
        self._sums = np.zeros((num_classes, tile_size, width), "float32")
        self._totals = np.zeros((tile_size, width), "float32")

    def add(self, row, col, probabilities, valid):
        """Add a tile. Rows above it must have been taken before.

        Args:
            row: first row of the tile in the scene.
            col: first column of the tile in the scene.
            probabilities: float32 array `(classes, h, w)`; `h` and `w` at
                most the tile's size. What lies outside the wanted part, or
                above the first row that was not taken yet, is left out.
            valid: boolean array `(h, w)`; other pixels get weight zero.
        """
        if row > self.top:
            raise ValueError(
                f"Tiles must start at row {self.top}, the first that was not "
                f"taken yet, or above. Received: row={row}"
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

    def take(self, stop):
        """Hand on the rows above `stop`, which no later tile will touch.

        Args:
            stop: first row to keep.

        Yields:
            Float32 arrays `(classes, rows, width)` of at most `BLOCK_ROWS`
            rows: probabilities, all zero where no valid tile lay.
        """
        while self.top < stop:
            count = min(stop - self.top, BLOCK_ROWS, self.tile_size)
            for rows, _ in self._places(self.top, count):
                sums, totals = self._sums[:, rows], self._totals[rows]
                # Where a total is zero its sums are too.
                yield sums / np.where(totals > 0, totals, 1)
                sums[:] = 0
                totals[:] = 0
            self.top += count

    def _places(self, row, count):
        """Where rows lie in the ring, and which part of them."""
        start = row % self.tile_size
        first = min(count, self.tile_size - start)
        yield slice(start, start + first), slice(0, first)
        if first < count:
            yield slice(0, count - first), slice(first, count)
