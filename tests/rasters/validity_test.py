"""Pixels without data are found, whatever way the file declares them."""

import numpy as np
import pytest

from keras_rsseg.data.reading import may_lack_data
from keras_rsseg.data.reading import read_valid
from keras_rsseg.rasters.windows import Window
from tests.data.files import random_image
from tests.data.files import write_raster

HOLE = np.zeros((8, 9), bool)
HOLE[2:5, 3:6] = True


def with_hole(kind, path):
    image = random_image(8, 9)
    if kind == "nodata":
        image[HOLE] = 0
        return write_raster(path, image, nodata=0)
    if kind == "alpha":
        alpha = np.where(HOLE, 0, 255).astype("uint8")[..., None]
        image = np.concatenate([image, alpha], axis=-1)
        return write_raster(path, image, photometric="RGB", alpha="yes")
    image = image.astype("float32")
    image[HOLE, 1] = np.nan
    return image if kind == "array" else write_raster(path, image)


@pytest.mark.parametrize("kind", ["nodata", "alpha", "nan", "array"])
def test_a_hole_is_found(tmp_path, kind):
    source = with_hole(kind, tmp_path / "a.tif")
    assert may_lack_data(source, [1, 2, 3])
    valid = read_valid(source, bands=[1, 2, 3])
    np.testing.assert_array_equal(valid, ~HOLE)
    window = Window(3, 4, 8, 8)
    expected = np.zeros((8, 8), bool)
    expected[:5, :5] = ~HOLE[3:, 4:]
    np.testing.assert_array_equal(
        read_valid(source, window, [1, 2, 3]), expected
    )


def test_an_alpha_band_that_is_read_is_data(tmp_path):
    source = with_hole("alpha", tmp_path / "a.tif")
    assert read_valid(source).all() and not may_lack_data(source)
    assert read_valid(source, bands=[1, 4]).all()


def test_one_band_without_data_is_not_enough(tmp_path):
    image = random_image(4, 4)
    image[1, 1, 0] = 0
    path = write_raster(tmp_path / "a.tif", image, nodata=0)
    assert read_valid(path).all()


def test_plain_images_need_no_look(tmp_path):
    image = random_image(4, 4)
    assert not may_lack_data(image)
    assert not may_lack_data(write_raster(tmp_path / "a.png", image))
    assert not may_lack_data(write_raster(tmp_path / "a.tif", image))
