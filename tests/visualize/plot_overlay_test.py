"""The map over its scene."""

import numpy as np
import pytest

from keras_rsseg.visualize import plot_overlay
from tests.scenes.class_maps import PALETTE
from tests.scenes.class_maps import random_classes
from tests.scenes.class_maps import write_classes
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import write_scene

pytest.importorskip("matplotlib")


@pytest.fixture
def both(tmp_path):
    ids = random_classes(40, 60, cell=5)
    pixels = random_scene(40, 60).astype("uint16") * 9
    scene = write_scene(tmp_path / "scene.tif", pixels)
    return scene, write_classes(tmp_path / "map.tif", ids), ids


def test_lays_the_map_over_the_scene(tmp_path, both):
    scene, classes, ids = both
    figure = plot_overlay(scene, classes, opacity=0.3, title="overlay")
    (panel,) = figure.axes
    below, above = panel.images
    assert below.get_alpha() is None and above.get_alpha() == 0.3
    assert below.get_extent() == above.get_extent()
    colors = above.get_array()
    for index, color in enumerate(PALETTE):
        assert (colors[ids == index] == (*color, 255)).all()
    assert (colors[ids == 255, 3] == 0).all()
    assert len(figure.legends) == 1 and len(panel.patches) == 1
    figure.savefig(tmp_path / "overlay.png")
    assert (tmp_path / "overlay.png").stat().st_size > 5000


def test_shows_one_band(both):
    figure = plot_overlay(*both[:2], bands=2)
    shown = figure.axes[0].images[0].get_array()
    np.testing.assert_array_equal(shown[..., 0], shown[..., 2])


def test_bad_opacity(both):
    with pytest.raises(ValueError, match="opacity"):
        plot_overlay(*both[:2], opacity=50)
