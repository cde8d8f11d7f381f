"""Pictures of scenes: any dtype, few pixels, transparent where invalid."""

import sys

import numpy as np
import pytest
from rasterio.enums import ColorInterp

from keras_rsseg.data.reading import read_image
from keras_rsseg.scenes.maps.map_figure import scene_picture
from keras_rsseg.scenes.maps.preview import write_preview
from keras_rsseg.scenes.predict_scene import predict_scene
from keras_rsseg.scenes.reading.scene_reader import open_scene
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import threshold_classes
from tests.scenes.scene_files import threshold_model
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


PALETTE = [(200, 0, 0), (0, 200, 0), (0, 0, 200), (90, 80, 70)]


@pytest.fixture
def classes(tmp_path):
    pixels = random_scene(50, 80)
    pixels[:, :5] = 0
    predict_scene(
        threshold_model,
        write_scene(tmp_path / "scene.tif", pixels, nodata=0),
        tmp_path / "map.tif",
        palette=PALETTE,
        progress=False,
    )
    return tmp_path / "map.tif", threshold_classes(pixels)


def test_colors_are_the_palettes_and_void_is_clear(tmp_path, classes):
    path, ids = classes
    write_preview(path, tmp_path / "map.png")
    image = read_image(tmp_path / "map.png")
    assert image.shape == (50, 80, 4)
    np.testing.assert_array_equal(
        image[5:, :, :3], np.array(PALETTE, "uint8")[ids[5:]]
    )
    np.testing.assert_array_equal(image[5:, :, 3], 255)
    np.testing.assert_array_equal(image[:5], 0)


def test_large_maps_become_small_pictures(tmp_path, classes):
    write_preview(classes[0], tmp_path / "map.png", max_size=20)
    image = read_image(tmp_path / "map.png")
    assert image.shape == (13, 20, 4)
    listed = {(*color, 255) for color in PALETTE} | {(0, 0, 0, 0)}
    assert {tuple(color) for color in image.reshape(-1, 4)} <= listed


def test_bad_paths(tmp_path, classes):
    with pytest.raises(ValueError, match=".png"):
        write_preview(classes[0], tmp_path / "map.jpg")
    with pytest.raises(FileNotFoundError, match="no folder"):
        write_preview(classes[0], tmp_path / "nowhere" / "map.png")
    with pytest.raises(ValueError, match="a class map"):
        write_preview(tmp_path / "scene.tif", tmp_path / "map.png")


def test_beside_its_scene(tmp_path, classes):
    path = write_preview(
        classes[0], tmp_path / "map.png", tmp_path / "scene.tif"
    )
    image = read_image(path)[..., :3]
    # Larger than the two: there is a title, a legend, a scale bar.
    assert image.shape[0] > 400 and image.shape[1] > 1200
    colors = {tuple(color) for color in image.reshape(-1, 3)[::7].tolist()}
    assert set(PALETTE) <= colors


def test_without_matplotlib_the_pictures_alone(
    tmp_path, classes, monkeypatch, caplog
):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    path = tmp_path / "map.png"
    write_preview(classes[0], path, tmp_path / "scene.tif")
    assert "keras-rsseg[plot]" in caplog.text
    image = read_image(path)
    write_preview(classes[0], path)
    np.testing.assert_array_equal(image[:, -80:], read_image(path))
    scene = read_image(tmp_path / "scene.tif")
    np.testing.assert_array_equal(image[5:, :80, :3], scene[5:])
    assert (image[:, 80:88] == 0).all()


def test_a_map_of_another_scene(tmp_path, classes):
    other = write_scene(tmp_path / "other.tif", random_scene(50, 81))
    with pytest.raises(ValueError, match="on its grid"):
        write_preview(classes[0], tmp_path / "map.png", other)
    assert not (tmp_path / "map.png").exists()
