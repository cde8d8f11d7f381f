"""ArcGIS finds names, colours and counts beside a map."""

import os

import numpy as np
import pytest

from keras_rsseg.scenes.maps.attribute_table import write_attribute_table
from keras_rsseg.scenes.predict_scene import predict_scene
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import threshold_classes
from tests.scenes.scene_files import threshold_model
from tests.scenes.scene_files import write_scene

pyogrio = pytest.importorskip("pyogrio")

NAMES = ["building", "Straße, 街", "road", "x" * 300]
COLORS = [(60, 16, 152), (0, 0, 0), (255, 255, 255), (1, 2, 3)]


@pytest.fixture
def classes(tmp_path):
    scene = write_scene(tmp_path / "scene.tif", random_scene(40, 30))
    path = tmp_path / "map.tif"
    options = {"class_names": NAMES, "palette": COLORS, "tile_size": 32}
    predict_scene(threshold_model, scene, path, progress=False, **options)
    return path


def test_it_is_read_as_dbase(classes):
    path = write_attribute_table(classes)
    assert path.name == "map.tif.vat.dbf"
    meta, _, _, columns = pyogrio.raw.read(path)
    table = dict(zip(meta["fields"], columns, strict=True))
    assert list(table) == [
        *("Value", "Count", "ClassName", "Red", "Green", "Blue")
    ]
    assert table["Value"].tolist() == [0, 1, 2, 3]
    counts = np.bincount(threshold_classes(random_scene(40, 30)).ravel())
    assert table["Count"].tolist() == counts.tolist()
    assert table["ClassName"].tolist() == [*NAMES[:3], "x" * 254]
    rgb = zip(table["Red"], table["Green"], table["Blue"], strict=True)
    assert list(rgb) == COLORS
    with pytest.raises(FileExistsError, match="overwrite"):
        write_attribute_table(classes)
    before = path.read_bytes()
    write_attribute_table(classes, overwrite=True)
    assert path.read_bytes() == before


def test_one_of_an_older_map_goes(classes):
    write_attribute_table(classes)
    predict_scene(
        threshold_model,
        classes.with_name("scene.tif"),
        classes,
        overwrite=True,
        progress=False,
    )
    assert sorted(os.listdir(classes.parent)) == ["map.tif", "scene.tif"]
