"""Pictures of scenes: any dtype, few pixels, what is not valid clear."""

import numpy as np
import pytest
from rasterio.enums import ColorInterp

from keras_rsseg.scenes.pictures.map_picture import scene_picture
from keras_rsseg.scenes.reading.scene_source import open_scene
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import write_scene


def picture_of(path, max_size=100, bands=None):
    with open_scene(path) as dataset:
        return scene_picture(dataset, max_size, bands)


def test_uint8_is_shown_as_it_is(tmp_path):
    pixels = random_scene(20, 30)
    pixels[:, :4] = 0
    path = write_scene(tmp_path / "scene.tif", pixels, nodata=0)
    picture = picture_of(path)
    np.testing.assert_array_equal(picture[..., :3], np.moveaxis(pixels, 0, 2))
    np.testing.assert_array_equal(picture[:4], 0)
    np.testing.assert_array_equal(picture[4:, :, 3], 255)


def test_large_scenes_are_averaged(tmp_path):
    pixels = random_scene(64, 96)
    path = write_scene(tmp_path / "scene.tif", pixels)
    picture = picture_of(path, max_size=24)
    assert picture.shape == (16, 24, 4)
    means = pixels.reshape(3, 16, 4, 24, 4).mean(axis=(2, 4))
    assert np.abs(np.moveaxis(picture[..., :3], 2, 0) - means).max() <= 1


@pytest.mark.parametrize("dtype", ["uint16", "int16", "float32"])
def test_other_dtypes_are_stretched(tmp_path, dtype):
    pixels = random_scene(20, 30).astype(dtype) * 40
    # A single bright pixel does not make the others dark.
    pixels[:, 3, 3] = 32_000
    pixels[:, 5:9] = -99 if dtype == "int16" else 0
    nodata = -99 if dtype == "int16" else 0
    picture = picture_of(
        write_scene(tmp_path / "scene.tif", pixels, nodata=nodata)
    )
    assert (picture[5:9] == 0).all()
    shown = np.delete(picture[..., :3], np.s_[5:9], axis=0)
    assert shown.min() == 0 and shown.max() == 255
    assert 110 < np.median(shown) < 145


def test_nan_and_infinite_pixels_are_not_valid(tmp_path):
    pixels = random_scene(9, 9).astype("float32")
    pixels[1, 2, 3] = np.nan
    pixels[0, 4, 5] = np.inf
    picture = picture_of(write_scene(tmp_path / "scene.tif", pixels))
    expected = np.full((9, 9), 255)
    expected[2, 3] = expected[4, 5] = 0
    np.testing.assert_array_equal(picture[..., 3], expected)


def test_chooses_the_bands_to_show(tmp_path):
    pixels = np.stack([np.full((4, 4), value, "uint8") for value in range(5)])
    path = write_scene(tmp_path / "scene.tif", pixels)
    import rasterio

    def first(bands=None):
        return picture_of(path, bands=bands)[0, 0, :3].tolist()

    assert first() == [0, 1, 2]
    assert first([5, 2, 1]) == [4, 1, 0]
    assert first(4) == [3, 3, 3]
    with pytest.raises(ValueError, match="one band or three"):
        first([1, 2])
    with rasterio.open(path, "r+") as dataset:
        dataset.descriptions = ("blue", "green", "red", "nir", "swir")
    assert first() == [2, 1, 0]


def test_two_bands_and_alpha(tmp_path):
    pixels = np.stack([np.full((4, 4), value, "uint8") for value in (7, 255)])
    pixels[1, 0] = 0
    path = write_scene(tmp_path / "scene.tif", pixels)
    import rasterio

    assert picture_of(path)[1, 1].tolist() == [7, 7, 7, 255]
    with rasterio.open(path, "r+") as dataset:
        dataset.colorinterp = (ColorInterp.gray, ColorInterp.alpha)
    assert picture_of(path)[:2, 0].tolist() == [[0] * 4, [7, 7, 7, 255]]
