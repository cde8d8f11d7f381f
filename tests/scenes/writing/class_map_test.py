"""A map tells its classes; other rasters are refused."""

import numpy as np
import pytest

from keras_rsseg.scenes.writing.class_map import count_classes
from keras_rsseg.scenes.writing.class_map import open_class_map
from keras_rsseg.scenes.writing.class_map import read_legend
from tests.scenes.class_maps import NAMES
from tests.scenes.class_maps import PALETTE
from tests.scenes.class_maps import random_classes
from tests.scenes.class_maps import write_classes
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import write_scene


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
