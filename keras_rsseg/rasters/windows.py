"""Rectangles of pixels, and reading a raster by them."""

import contextlib
import os
from collections.abc import Iterator
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import rasterio
from rasterio import windows
from rasterio.io import DatasetReader
from rasterio.transform import Affine

from keras_rsseg.errors import ArgumentError

# Size of the windows to read a whole raster by: they cut few blocks.
_ROWS, _COLUMNS = 512, 4096

# Bytes of GDAL's block cache: smallest and largest.
_CACHE = 64 << 20, 1 << 30


class Window(NamedTuple):
    """A rectangle of pixels: first row, first column, height, width.

    `row` and `col` may be negative and the far sides may lie beyond the
    image; readers fill what is outside with 0 (images) or void (masks).

    Example:

    ```python
    window = keras_rsseg.data.Window(row=512, col=0, height=256, width=256)
    image = np.zeros((1024, 1024, 3), "uint8")
    image[window.slices].shape  # (256, 256, 3)
    ```
    """

    row: int
    col: int
    height: int
    width: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """The window as `(rows, columns)` slices, if inside the image."""
        return (
            slice(self.row, self.row + self.height),
            slice(self.col, self.col + self.width),
        )

    def to_rasterio(self) -> windows.Window:
        """Return the window as rasterio takes it, if inside the image."""
        return windows.Window(self.col, self.row, self.width, self.height)

    def place(self, matrix: Affine) -> Affine:
        """Return the transform of the window, given that of the image."""
        a, b, c, d, e, f, *_ = matrix
        x = a * self.col + b * self.row + c
        y = d * self.col + e * self.row + f
        return Affine(a, b, x, d, e, y)


def intersect(
    window: Window | None, size: tuple[int, int]
) -> tuple[Window, tuple[int, int], tuple[int, int]]:
    """Return the part of an image in a window that may reach beyond it.

    Args:
        window: `Window`, or `None` for the whole image.
        size: `(height, width)` of the image.

    Returns:
        The `Window` inside the image, the `(row, col)` at which it lies in
        the tile, and the tile's `(height, width)`.

    Raises:
        ArgumentError: if the window lies wholly outside.
    """
    if window is None:
        window = Window(0, 0, *size)
    row, col, height, width = window
    top, left = max(row, 0), max(col, 0)
    bottom, right = min(row + height, size[0]), min(col + width, size[1])
    if top >= bottom or left >= right:
        raise ArgumentError(
            f"`window` {tuple(window)} (row, col, height, width) lies outside "
            f"the image of {size[0]}x{size[1]} pixels"
        )
    inner = Window(top, left, bottom - top, right - left)
    return inner, (top - row, left - col), (height, width)


def pad(
    pixels: np.ndarray,
    place: tuple[int, int],
    shape: tuple[int, int],
    fill: int,
) -> np.ndarray:
    """Return pixels placed in a tile that is filled with a value.

    Args:
        pixels: array `(h, w, ...)`.
        place: `(row, col)` in the tile.
        shape: `(height, width)` of the tile.
        fill: the value around them.
    """
    if pixels.shape[:2] == tuple(shape):
        return pixels
    padded = np.full((*shape, *pixels.shape[2:]), fill, pixels.dtype)
    height, width = pixels.shape[:2]
    padded[Window(*place, height, width).slices] = pixels
    return padded


def reading_windows(
    height: int, width: int, rows: int = _ROWS, columns: int = _COLUMNS
) -> Iterator[Window]:
    """Yield windows to read a whole raster by, with bounded memory.

    Args:
        height: number of rows of the raster.
        width: number of columns of the raster.
        rows: most rows of a window.
        columns: most columns of a window.

    Yields:
        `Window`s, row by row.
    """
    for row in range(0, height, rows):
        for col in range(0, width, columns):
            yield Window(
                row, col, min(rows, height - row), min(columns, width - col)
            )


@contextlib.contextmanager
def block_cache(dataset: DatasetReader, rows: int) -> Iterator[None]:
    """Bound GDAL's block cache to this many rows of a raster.

    By default GDAL caches up to 5 % of the machine's memory, which looks like
    a leak. Enough is kept to decode no block twice for neighbouring tiles. A
    limit set by the user is left alone.

    Args:
        dataset: an open rasterio dataset.
        rows: number of rows read at a time.
    """
    options = rasterio.env.getenv() if rasterio.env.hasenv() else {}
    if "GDAL_CACHEMAX" in {**os.environ, **options}:
        yield
        return
    with rasterio.Env(GDAL_CACHEMAX=cache_size(dataset, rows)):
        yield


def cache_size(dataset: DatasetReader, rows: int) -> int:
    """Return the bytes that `block_cache` lets GDAL keep.

    Args:
        dataset: an open rasterio dataset.
        rows: number of rows read at a time.
    """
    width = sum(np.dtype(dtype).itemsize for dtype in dataset.dtypes)
    size = 2 * rows * dataset.width * width
    return min(max(size, _CACHE[0]), _CACHE[1])


def has_no_blocks(
    dataset: DatasetReader, bands: Sequence[int], window: Window
) -> bool:
    """Return whether a sparse GeoTIFF stores nothing of a window.

    Looks at the file's index of blocks: reading missing blocks would cost as
    much as reading stored ones. An unreadable index looks the same, so one
    missing pixel is read.

    Args:
        dataset: an open rasterio dataset.
        bands: numbers of the bands, from 1; `[]` to skip the check.
        window: which pixels.

    Returns:
        A bool; `False` if the index does not say.

    Raises:
        RasterReadError: if the index cannot be read.
    """
    if dataset.driver != "GTiff" or not bands:
        return False
    height, width = dataset.block_shapes[bands[0] - 1]
    row, col, rows, columns = window
    stored = any(
        dataset.get_tag_item(f"BLOCK_OFFSET_{x}_{y}", "TIFF", bidx=band)
        for band in bands
        for y in range(row // height, -(-(row + rows) // height))
        for x in range(col // width, -(-(col + columns) // width))
    )
    if not stored:
        dataset.read(list(bands), window=windows.Window(col, row, 1, 1))
    return not stored
