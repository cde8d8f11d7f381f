"""The PNG shows the map's own colours, and beside its scene a legend."""

import sys

import numpy as np
import pytest

from keras_rsseg.data.reading import read_image
from keras_rsseg.scenes.pictures.preview import write_preview
from keras_rsseg.scenes.predict_scene import predict_scene
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import threshold_classes
from tests.scenes.scene_files import threshold_model
from tests.scenes.scene_files import write_scene

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
    with pytest.raises(ValueError, match="a map of classes"):
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
