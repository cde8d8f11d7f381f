"""Names and colours that a map shows."""

import numpy as np
import pytest

from keras_rsseg.data.palette import Palette
from keras_rsseg.scenes.maps.class_map import Legend
from keras_rsseg.scenes.maps.class_map import count_classes
from keras_rsseg.scenes.maps.class_map import open_class_map
from keras_rsseg.scenes.maps.class_map import read_legend
from tests.scenes.class_maps import NAMES
from tests.scenes.class_maps import PALETTE
from tests.scenes.class_maps import random_classes
from tests.scenes.class_maps import write_classes
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import write_scene


class TestLegend:
    def test_what_is_missing_is_made_up(self):
        legend = Legend()
        legend.complete(20)
        assert legend.names[:2] == ["class_0", "class_1"]
        assert len(set(legend.colors)) == 20
        assert all(0 <= c <= 255 for color in legend.colors for c in color)

    def test_what_is_given_is_kept(self):
        colors = [(0, 0, 0), (255, 9, 1)]
        for palette in (colors, Palette(colors)):
            legend = Legend(("land", "water"), palette)
            legend.complete(2)
            assert legend.names == ["land", "water"]
            assert legend.colors == colors
        assert legend.colormap() == {
            0: (0, 0, 0, 255),
            1: (255, 9, 1, 255),
            255: (0, 0, 0, 0),
        }

    def test_void_is_transparent_before_classes_are_known(self):
        assert Legend().colormap() == {255: (0, 0, 0, 0)}

    @pytest.mark.parametrize(
        "arguments, match",
        [
            ((["a", "a"],), "name a class twice"),
            ((["a", "b"], [(0, 0, 0)]), "`class_names` 2, `palette` 1"),
            ((["a", "b"], None, 3), "`class_names` 2, the model 3"),
            ((None, [(0, 0, 256)]), "0 to 255"),
            ((None, [(0, 0)]), "red, green, blue"),
        ],
    )
    def test_what_disagrees(self, arguments, match):
        with pytest.raises(ValueError, match=match):
            Legend(*arguments)

    def test_a_model_of_other_classes(self):
        with pytest.raises(ValueError, match="returned 3 classes.*have 2"):
            Legend(["a", "b"]).complete(3)


def test_reads_names_colors_and_counts(tmp_path):
    ids = random_classes(600, 30)
    path = write_classes(tmp_path / "map.tif", ids)
    with open_class_map(path) as dataset:
        legend = read_legend(dataset)
        counts = count_classes(dataset)
    assert legend.names == NAMES
    assert legend.colors == PALETTE
    np.testing.assert_array_equal(
        counts, np.bincount(ids.ravel(), minlength=256)
    )


def test_makes_up_what_is_missing(tmp_path):
    path = tmp_path / "map.tif"
    write_classes(path, [[0, 4], [255, 2]], names=None, palette=None)
    with open_class_map(path) as dataset:
        legend = read_legend(dataset)
    assert legend.names == [f"class_{index}" for index in range(5)]
    assert len(set(legend.colors)) == 5


def test_refuses_what_is_no_map(tmp_path):
    scene = write_scene(tmp_path / "scene.tif", random_scene(8, 8))
    other = write_classes(tmp_path / "other.tif", np.zeros((4, 4)), nodata=9)
    text = tmp_path / "text.tif"
    text.write_text("no raster")
    for path, message in (
        (scene, "3 bands"),
        (other, "nodata 9"),
        (text, "not a raster"),
    ):
        with pytest.raises(ValueError, match=message):
            with open_class_map(path):
                pass
    with pytest.raises(FileNotFoundError, match="none.tif"):
        with open_class_map(tmp_path / "none.tif"):
            pass
