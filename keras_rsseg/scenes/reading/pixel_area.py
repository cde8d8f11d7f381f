"""Polygons on the grid of a raster: which pixels they contain."""

from collections.abc import Sequence

import numpy as np

from keras_rsseg.rasters.windows import Window

# Pixels by which the sides of an area may miss pixel borders.
_ROUNDING = 0.01


class PixelArea:
    """Polygons on the grid of a raster.

    A pixel is inside if its centre is inside one of the polygons, by the
    even-odd rule. The result for a pixel depends on the polygons' corners
    only, so it is the same in every window, which GDAL's rasteriser does not
    guarantee; and only sides that cross the window's rows cost time.

    Args:
        polygons: list of polygons, each a list of rings, float arrays
            `(N, 2)` of columns and rows, where the centre of the first pixel
            is at (0.5, 0.5). Rings are closed automatically.

    Example:

    ```python
    from keras_rsseg.scenes.reading.pixel_area import PixelArea

    square = [[1, 0], [3, 0], [3, 2], [1, 2]]
    area = PixelArea([[square]]).read(0, 0, 2, 4)
    area.astype(int)  # [[0, 1, 1, 0], [0, 1, 1, 0]]
    ```
    """

    def __init__(self, polygons: Sequence[Sequence[np.ndarray]]):
        self._sides = [_sides(rings) for rings in polygons]
        corners = [np.concatenate(rings) for rings in polygons]
        # First and last of columns and rows: (polygons, 2), (polygons, 2).
        self._first = np.array([xy.min(axis=0) for xy in corners])
        self._last = np.array([xy.max(axis=0) for xy in corners])

    def __len__(self) -> int:
        return len(self._sides)

    @property
    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """First and last column and row: `((col, row), (col, row))`."""
        return self._first.min(axis=0), self._last.max(axis=0)

    def read(self, row: int, col: int, height: int, width: int) -> np.ndarray:
        """Return which pixels of a window are inside.

        Args:
            row: first row.
            col: first column.
            height: number of rows.
            width: number of columns.

        Returns:
            A boolean array `(height, width)`.
        """
        inside = np.zeros((height, width), bool)
        corner = np.array([col, row])
        # Pixel centres from first to last; none if a polygon lies between two.
        first = np.maximum(np.ceil(self._first - 0.5), corner)
        last = np.minimum(np.floor(self._last + 0.5), corner + (width, height))
        for index in np.flatnonzero((first < last).all(axis=1)):
            left, top = (first[index] - corner).astype(int)
            right, bottom = (last[index] - corner).astype(int)
            inside[top:bottom, left:right] |= _fill(
                self._sides[index],
                row + top,
                col + left,
                bottom - top,
                right - left,
            )
        return inside

    def count_outside(self, height: int, width: int) -> int:
        """Return how many polygons lie outside a raster of that size."""
        outside = (self._last <= 0) | (self._first >= (width, height))
        return int(outside.any(axis=1).sum())

    def window(self, height: int, width: int) -> Window:
        """Return the smallest window of a raster of that size around it.

        Args:
            height: number of rows.
            width: number of columns.
        """
        first, last = self.bounds
        # Coordinates are not exact: an area drawn along pixel borders
        # should not gain a row or column.
        left, top = np.maximum(np.floor(first + _ROUNDING), 0).astype(int)
        right, bottom = np.ceil(last - _ROUNDING).astype(int)
        right = min(max(right, left + 1), width)
        bottom = min(max(bottom, top + 1), height)
        return Window(int(top), int(left), int(bottom - top), int(right - left))

    def meets(self, height: int, width: int) -> bool:
        """Return whether any pixel of a raster of that size is inside."""
        first, last = self.bounds
        left, top = np.maximum(np.floor(first), 0).astype(int)
        right = min(width, int(np.ceil(last[0])))
        bottom = min(height, int(np.ceil(last[1])))
        step = 1024
        return any(
            self.read(
                row, col, min(step, bottom - row), min(step, right - col)
            ).any()
            for row in range(top, bottom, step)
            for col in range(left, right, step)
        )


def _sides(rings: Sequence[np.ndarray]) -> np.ndarray:
    """Sides not level, `(N, 4)`: x, y of the upper end, then the lower."""
    sides = []
    for ring in rings:
        ring = np.asarray(ring, "float64")
        side = np.concatenate([ring, np.roll(ring, -1, axis=0)], axis=1)
        upward = side[:, 1] > side[:, 3]
        side[upward] = side[upward][:, [2, 3, 0, 1]]
        sides.append(side[side[:, 1] < side[:, 3]])
    return np.concatenate(sides)


def _fill(
    sides: np.ndarray, row: int, col: int, height: int, width: int
) -> np.ndarray:
    """Pixels of a window with an odd number of sides to their left."""
    first = np.ceil(sides[:, 1] - 0.5).clip(row, row + height).astype(int)
    end = np.ceil(sides[:, 3] - 0.5).clip(row, row + height).astype(int)
    crossing = first < end
    x0, y0, x1, y1 = sides[crossing].T
    first, count = first[crossing], (end - first)[crossing]
    # One entry for each side and row.
    side = np.repeat(np.arange(len(count)), count)
    begin = np.cumsum(count) - count
    rows = first[side] + np.arange(len(side)) - begin[side]
    slope = (x1 - x0) / (y1 - y0)
    x = x0[side] + (rows + 0.5 - y0[side]) * slope[side]
    columns = np.ceil(x - 0.5).clip(col, col + width).astype(int) - col
    places = (rows - row) * (width + 1) + columns
    flips = np.zeros(height * (width + 1), "uint8")
    np.bitwise_xor.at(flips, places, 1)
    flips = flips.reshape(height, width + 1)[:, :width]
    return np.bitwise_xor.accumulate(flips, axis=1).view(bool)
