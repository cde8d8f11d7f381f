"""Areas on a raster: of its pixels on the ground, and within polygons."""

from collections.abc import Sequence

import numpy as np
from rasterio._err import CPLE_BaseError
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.warp import transform

from keras_rsseg.rasters.windows import Window
from keras_rsseg.rasters.windows import reading_windows
from keras_rsseg.scenes.reading.ground_size import ground_pixel_size
from keras_rsseg.scenes.reading.ground_size import metres_per_degree
from keras_rsseg.scenes.reading.ground_size import scene_georeference

# Sampling points along each side at which pixels are measured.
_NODES = 65
# Relative difference below which pixels count as equal: far less than the
# errors of a map, and a whole scene in UTM need not be read again.
_EQUAL = 0.002
_IDS = 256
# Height of the smallest row in units, and how much larger others may be.
_UNITS, _MOST_TIMES = 1 << 10, 1 << 12
# Pixels by which the sides of an area may miss pixel borders.
_ROUNDING = 0.01


class GroundAreas:
    """The ground area of each pixel of a raster, on the ellipsoid.

    In degrees or web mercator, pixels become smaller towards the poles; in
    other projections, towards some side. They are measured at 65 x 65 points
    and interpolated in between: exact to 0.1 % from pole to pole.

    Args:
        rows: float array, rows at which pixels were measured, ascending.
        columns: likewise for columns.
        areas: float array `(rows, columns)`, square metres.
    """

    def __init__(
        self, rows: np.ndarray, columns: np.ndarray, areas: np.ndarray
    ):
        self._rows, self._columns, self._areas = rows, columns, areas
        # One area if all are equal, one per row if those of a row are.
        if np.ptp(areas) <= _EQUAL * areas.max():
            middle = areas[len(rows) // 2, len(columns) // 2]
            self._areas = np.full((1, 1), middle)
        elif (np.ptp(areas, axis=1) <= _EQUAL / 10 * areas.max()).all():
            self._areas = areas[:, len(columns) // 2, None]

    @classmethod
    def of(cls, dataset: DatasetReader) -> "GroundAreas | None":
        """Measure the pixels of a raster.

        Args:
            dataset: an open rasterio dataset.

        Returns:
            `GroundAreas`, or `None` if the pixel size is unknown.
        """
        size = ground_pixel_size(dataset)
        if size is None:
            return None
        rows, columns = map(_places, dataset.shape)
        areas = _measured(dataset, rows, columns)
        known = np.isfinite(areas) & (areas > 0)
        if not known.any():
            areas = np.full(areas.shape, size[0] * size[1])
        else:
            # Beyond the earth's limb there is nothing to measure.
            areas[~known] = areas[known].mean()
        return cls(rows, columns, areas)

    @property
    def are_equal(self) -> bool:
        """Whether all pixels have the same area."""
        return self._areas.size == 1

    def read(self, window: Window) -> np.ndarray:
        """Return the areas of a window's pixels.

        Args:
            window: which pixels.

        Returns:
            A float array `(height, width)`, or `(height, 1)` if the pixels
            of a row are equal.
        """
        row, col, height, width = window
        areas = _interpolated(
            self._areas, self._rows, row + np.arange(height) + 0.5
        )
        return _interpolated(
            areas.T, self._columns, col + np.arange(width) + 0.5
        ).T

    def of_classes(
        self, classes: DatasetReader, counts: np.ndarray
    ) -> np.ndarray:
        """Return the area of each class, reading the map if necessary.

        Args:
            classes: an open class map.
            counts: int array `(256,)`, the number of pixels of each id.

        Returns:
            A float array `(256,)`, square metres.
        """
        if self.are_equal:
            return counts * self._areas.item()
        found = np.zeros(_IDS)
        for window in reading_windows(*classes.shape):
            ids = classes.read(1, window=window.to_rasterio())
            areas = np.broadcast_to(self.read(window), ids.shape)
            found += np.bincount(ids.ravel(), areas.ravel(), _IDS)
        return found

    def of_polygons(self, polygons: np.ndarray) -> np.ndarray:
        """Return the areas of polygons.

        Args:
            polygons: array of shapely polygons, in pixels (column, row).

        Returns:
            A float array of square metres.
        """
        import shapely

        if self.are_equal:
            return shapely.area(polygons) * self._areas.item()
        spacing = [np.diff(self._rows), np.diff(self._columns)]
        longest = min(step.min() for step in spacing if step.size)
        # `_stretch` bends long sides.
        polygons = shapely.segmentize(polygons, max(longest, 1))
        return shapely.area(shapely.transform(polygons, self._stretch))

    def row_lines(self, height: int) -> tuple[np.ndarray, float]:
        """Return row borders such that heights are proportional to areas.

        They are integers, so that geometry on them is exact. If areas differ
        within a row, their mean is used.

        Args:
            height: number of rows.

        Returns:
            `(lines, unit)`: an int64 array `(height + 1,)`, and the area in
            square metres of one column by one of these units.
        """
        means = self._areas.mean(axis=1, keepdims=True)
        rows = np.arange(height) + 0.5
        areas = _interpolated(means, self._rows, rows).ravel()
        # At the poles there is hardly any area.
        unit = max(areas.min(), areas.max() / _MOST_TIMES) / _UNITS
        steps = np.maximum(np.rint(areas / unit), 1).astype("int64")
        steps = np.broadcast_to(steps, height)
        return np.concatenate([[0], np.cumsum(steps)]), float(unit)

    def _stretch(self, points: np.ndarray) -> np.ndarray:
        """Shift points along columns so that areas become those on the ground.

        A row moves to the summed areas of the pixels above it in a column:
        this stretches the map along columns by the area of its pixels.
        """
        x, y = points.T
        rows = np.array([0.0, *self._rows, self._rows[-1] + 0.5])
        areas = np.concatenate([self._areas[:1], self._areas, self._areas[-1:]])
        steps = np.diff(rows)[:, None]
        sums = np.cumsum(steps * (areas[1:] + areas[:-1]) / 2, axis=0)
        sums = np.concatenate([np.zeros_like(sums[:1]), sums])
        index = np.searchsorted(rows, y, side="right") - 1
        index = index.clip(0, len(steps) - 1)
        down = y - rows[index]
        slope = np.diff(areas, axis=0) / np.maximum(steps, 1e-9)
        left, share = _node(self._columns, x, areas.shape[1])
        height = 0.0
        for column, weight in ((left, 1 - share), (left + 1, share)):
            column = np.minimum(column, areas.shape[1] - 1)
            here = areas[index, column] + slope[index, column] * down / 2
            height = height + weight * (sums[index, column] + here * down)
        return np.stack([x, np.asarray(height)], axis=1)


def _places(length: int) -> np.ndarray:
    """Pixel centres from the first to the last of a side."""
    return np.linspace(0.5, length - 0.5, min(length, _NODES))


def _measured(
    dataset: DatasetReader, rows: np.ndarray, columns: np.ndarray
) -> np.ndarray:
    """Areas of the pixels there, NaN where they are off the earth."""
    crs, matrix = scene_georeference(dataset)
    row, col = np.meshgrid(rows, columns, indexing="ij")
    sides = ((0.0, -0.5), (0.0, 0.5), (-0.5, 0.0), (0.5, 0.0))
    down = np.stack([row + side[0] for side in sides])
    along = np.stack([col + side[1] for side in sides])
    x = matrix.a * along + matrix.b * down + matrix.c
    y = matrix.d * along + matrix.e * down + matrix.f
    try:
        places = transform(crs, "EPSG:4326", x.ravel(), y.ravel())
    except (CPLE_BaseError, RasterioError, ValueError):
        return np.full(row.shape, np.nan)
    lon, lat = (np.array(part).reshape(x.shape) for part in places)
    with np.errstate(invalid="ignore"):
        east, north = metres_per_degree(lat.mean(axis=0))
        turn = (lon[1::2] - lon[::2] + 180) % 360 - 180
        right, back = turn * east
        up, left = (lat[1::2] - lat[::2]) * north
        # The angle between the two sides is not always a right angle.
        return np.abs(right * left - back * up)


def _node(
    places: np.ndarray, wanted: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """The sampling point before each position, and the weight of the next."""
    if count == 1:
        return np.zeros(len(wanted), int), np.zeros(len(wanted))
    at = np.interp(wanted, places, np.arange(len(places)))
    first = np.floor(at).astype(int)
    return first, at - first


def _interpolated(
    values: np.ndarray, places: np.ndarray, wanted: np.ndarray
) -> np.ndarray:
    """Values `(points, n)` interpolated between points; one point is enough."""
    if len(values) == 1:
        return values
    first, share = _node(places, wanted, len(values))
    after = np.minimum(first + 1, len(values) - 1)
    share = share[:, None]
    return values[first] * (1 - share) + values[after] * share


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
    from keras_rsseg.scenes.reading.ground_areas import PixelArea

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
