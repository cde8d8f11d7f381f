"""Windows that extend beyond a raster, and those it is read in."""

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st

from keras_rsseg.errors import RasterError
from keras_rsseg.rasters.opener import open_raster
from keras_rsseg.rasters.windows import Window
from keras_rsseg.rasters.windows import block_cache
from keras_rsseg.rasters.windows import has_no_blocks
from keras_rsseg.rasters.windows import intersect
from keras_rsseg.rasters.windows import pad
from keras_rsseg.rasters.windows import reading_windows
from tests.rasters.raster_files import GRID

NUMBERS = st.integers(-9, 9)
SIZES = st.integers(1, 9)


@given(NUMBERS, NUMBERS, SIZES, SIZES, SIZES, SIZES)
def test_a_window_is_a_part_of_the_padded_whole(
    row, col, height, width, rows, cols
):
    image = np.arange(1, rows * cols + 1).reshape(rows, cols)
    window = Window(row, col, height, width)
    whole = np.pad(image, 20)
    expected = whole[row + 20 :, col + 20 :][:height, :width]
    if not expected.any():
        with pytest.raises(ValueError, match="lies outside the image"):
            intersect(window, image.shape)
        return
    inner, place, shape = intersect(window, image.shape)
    found = pad(image[inner.slices], place, shape, 0)
    np.testing.assert_array_equal(found, expected)


def test_a_window_as_rasterio_has_it():
    window = Window(1, 2, 3, 4).to_rasterio()
    assert (window.row_off, window.col_off) == (1, 2)
    assert (window.height, window.width) == (3, 4)


@given(SIZES, SIZES, SIZES, SIZES)
def test_reading_windows_cover_each_pixel_once(height, width, rows, columns):
    seen = np.zeros((height, width), int)
    for window in reading_windows(height, width, rows, columns):
        assert 0 < window.height <= rows and 0 < window.width <= columns
        seen[window.slices] += 1
    assert (seen == 1).all()


def test_the_cache_is_bounded_unless_the_user_has(tmp_path):
    with open_raster(write_sparse(tmp_path / "sparse.tif")) as dataset:
        with block_cache(dataset, 100):
            assert rasterio.env.getenv()["GDAL_CACHEMAX"] == 64 << 20
        with rasterio.Env(GDAL_CACHEMAX=1 << 20), block_cache(dataset, 100):
            assert rasterio.env.getenv()["GDAL_CACHEMAX"] == 1 << 20


def write_sparse(path):
    """Two of four blocks are stored."""
    profile = {
        "driver": "GTiff",
        "count": 1,
        "height": 32,
        "width": 32,
        "dtype": "uint8",
        "nodata": 0,
        "tiled": True,
        "blockxsize": 16,
        "blockysize": 16,
        "compress": "deflate",
        "sparse_ok": True,
        **GRID,
    }
    with rasterio.open(path, "w", **profile) as file:
        ones = np.ones((16, 32), "uint8")
        file.write(ones, 1, window=Window(16, 0, 16, 32).to_rasterio())
    return path


class TestSparseFiles:
    def test_what_is_not_stored(self, tmp_path):
        with open_raster(write_sparse(tmp_path / "sparse.tif")) as dataset:
            assert has_no_blocks(dataset, [1], Window(0, 0, 16, 32))
            assert has_no_blocks(dataset, [1], Window(3, 5, 1, 1))
            assert not has_no_blocks(dataset, [1], Window(0, 0, 17, 1))
            assert not has_no_blocks(dataset, [1], Window(16, 0, 16, 16))
            assert not has_no_blocks(dataset, [], Window(0, 0, 16, 16))

    def test_an_index_that_cannot_be_read_is_no_sparse_file(self, tmp_path):
        """It would become an empty map."""
        path = write_sparse(tmp_path / "sparse.tif")
        data = bytearray(path.read_bytes())
        # The position of the blocks' lengths: tag 325, with four values.
        (entry,) = (
            place
            for place in range(8, len(data) - 12, 2)
            if data[place : place + 2] == b"\x45\x01"
            and data[place + 4 : place + 8] == b"\x04\0\0\0"
        )
        data[entry + 8 : entry + 12] = (1 << 30).to_bytes(4, "little")
        path.write_bytes(data)
        with pytest.raises(RasterError, match="sparse.tif"):
            with open_raster(path) as dataset:
                has_no_blocks(dataset, [1], Window(0, 0, 16, 32))
