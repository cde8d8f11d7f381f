"""A scene on a grid of another size, resampled by GDAL's warper."""

import contextlib
from collections.abc import Callable
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from rasterio.enums import Resampling
from rasterio.io import MemoryFile
from rasterio.transform import Affine
from rasterio.vrt import WarpedVRT

from keras_rsseg.rasters.opener import open_raster
from keras_rsseg.rasters.opener import strict_reading
from keras_rsseg.rasters.output_files import new_raster
from keras_rsseg.rasters.vrt import pixel_view
from keras_rsseg.rasters.windows import Window
from keras_rsseg.rasters.windows import reading_windows

if TYPE_CHECKING:
    from keras_rsseg.scenes.reading.scene_reader import SceneReader

# Approximate number of pixels processed together.
_MOST_PIXELS = 1 << 22


class _Warped(WarpedVRT):
    """A view whose bands are looked up once; see `Raster.indexes`."""

    @property
    def indexes(self) -> range:
        return range(1, self.count + 1)


class ResampledView:
    """What the datasets of one resampled scene have in common.

    The warper sees a virtual raster of the bands to read, in pixel
    coordinates, so the scene may be rotated, south-up or not georeferenced
    at all. If GDAL cannot tell which pixels hold data, it gets a mask, for
    which the scene is read once more; the mask is kept compressed in memory.

    Args:
        reader: `SceneReader` of the scene.
        height: number of rows of the new grid.
        width: number of columns of the new grid.
        window: the part of the scene that will be read, `None` for all. The
            mask covers only that.
    """

    def __init__(
        self,
        reader: "SceneReader",
        height: int,
        width: int,
        window: Window | None = None,
    ):
        # Pixels of the scene per pixel of this grid, down and across.
        self.factors = reader.height / height, reader.width / width
        self._size = height, width
        self._window = window or Window(0, 0, reader.height, reader.width)
        self._reader = reader
        self._mask: MemoryFile | None = None

    def __enter__(self) -> "ResampledView":
        reader = self._reader
        if reader.validity.needs_mask:
            self._mask = MemoryFile(ext=".tif")
            try:
                _write_mask(reader, self._mask, self._window)
            except BaseException:
                self._mask.close()
                raise
        bands, alpha = list(reader.bands), reader.validity.alpha
        if self._mask is None and alpha is not None:
            bands.append(alpha)
        name = self._mask and self._mask.name
        with strict_reading(reader.name, "source"):
            self._xml = pixel_view(reader.dataset, bands, name, self._window)
        self._nodata = None if self._mask else reader.validity.nodata
        return self

    def __exit__(self, *exception: object) -> None:
        if self._mask is not None:
            self._mask.close()

    @contextlib.contextmanager
    def open(self) -> Iterator[WarpedVRT]:
        """Yield a dataset: the bands to read, and one that is 0 for no data."""
        height, width = self._size
        down, along = self.factors
        finer = max(self.factors) <= 1
        with (
            open_raster(self._xml) as pixels,
            _Warped(
                pixels,
                transform=Affine(along, 0, 0, 0, -down, 0),
                height=height,
                width=width,
                resampling=Resampling.bilinear if finer else Resampling.average,
                src_nodata=self._nodata,
                add_alpha=pixels.count == len(self._reader.bands),
            ) as warped,
        ):
            yield warped


def any_in_cells(
    read: Callable[[int, int, int, int], np.ndarray],
    factors: tuple[float, float],
    row: int,
    col: int,
    height: int,
    width: int,
) -> np.ndarray:
    """Return which cells of a grid hold a pixel for which `read` is true.

    Args:
        read: callable `(row, col, height, width)` to a boolean array.
        factors: pixels per cell, down and across, any positive floats.
        row: first row of cells.
        col: first column of cells.
        height: number of rows of cells.
        width: number of columns of cells.

    Returns:
        A boolean array `(height, width)`.
    """
    columns = _pixel_ranges(col, width, factors[1])
    left, right = columns[0, 0], columns[-1, 1]
    found = np.zeros((height, width), bool)
    step = int(max(1, _MOST_PIXELS / (right - left) / factors[0]))
    for first in range(0, height, step):
        part = found[first : first + step]
        rows = _pixel_ranges(row + first, len(part), factors[0])
        top, bottom = rows[0, 0], rows[-1, 1]
        pixels = read(top, left, bottom - top, right - left)
        if pixels.any():
            pixels = _any_in_ranges(pixels, rows - top, axis=0)
            part[:] = _any_in_ranges(pixels, columns - left, axis=1)
    return found


def _any_in_ranges(
    pixels: np.ndarray, ranges: np.ndarray, axis: int
) -> np.ndarray:
    # `reduceat` accepts no index beyond the last.
    more = np.zeros_like(pixels.take([0], axis))
    pixels = np.concatenate([pixels, more], axis=axis)
    places = ranges.ravel()
    return np.logical_or.reduceat(pixels, places, axis=axis).take(
        np.arange(0, len(places), 2), axis
    )


def _pixel_ranges(first: int, count: int, factor: float) -> np.ndarray:
    """First pixel and end of each cell along an axis, `(count, 2)`."""
    bounds = np.arange(first, first + count + 1) * factor
    # 3 / 7 * 7 may exceed 3 by rounding, and must not become 4.
    start = np.floor(bounds[:-1] + 1e-6)
    end = np.ceil(bounds[1:] - 1e-6)
    return np.stack([start, end], axis=1).astype(int)


def _write_mask(reader: "SceneReader", file: MemoryFile, place: Window) -> None:
    profile = {
        "driver": "GTiff",
        "count": 1,
        "dtype": "uint8",
        "height": place.height,
        "width": place.width,
        "tiled": True,
        "blockxsize": 512,
        "blockysize": 512,
        "compress": "deflate",
        "zlevel": 1,
        "bigtiff": "if_safer",
    }
    with new_raster(file, **profile) as mask:
        for window in reading_windows(place.height, place.width):
            row, col, *size = window
            valid = reader.read_data(place.row + row, place.col + col, *size)
            valid = valid.astype("uint8") * 255
            mask.write(valid, 1, window=window.to_rasterio())
