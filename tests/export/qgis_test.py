"""The metadata that QGIS' Deepness and GeoDeep read."""

import json

import numpy as np
import pytest

from keras_rsseg.errors import ArgumentError
from keras_rsseg.export import deepness_properties
from tests.scenes.exported.onnx_files import make_facts
from tests.scenes.exported.onnx_files import write_onnx
from tests.scenes.scene_files import write_scene


def test_every_value_is_json_of_the_kind_that_the_plugin_parses():
    text = deepness_properties(make_facts(tile_size=512, overlap=128))
    values = {name: json.loads(value) for name, value in text.items()}
    assert values == {
        "model_type": "Segmentor",
        "class_names": {"0": "dark", "1": "grey", "2": "bright"},
        "resolution": 50.0,
        "tile_size": 512,
        "tiles_overlap": 25,
        # Anything above would make rare classes class 0.
        "seg_thresh": 0.0,
        "seg_small_segment": 0,
        "standardization_mean": [0.0, 0.0, 0.0],
        "standardization_std": [1.0, 1.0, 1.0],
    }
    assert isinstance(values["tiles_overlap"], int)


def test_names_are_made_up_and_an_unknown_resolution_is_left_out():
    facts = make_facts(class_names=None, ground_sample_distance=None)
    text = deepness_properties(facts)
    assert json.loads(text["class_names"])["2"] == "class_2"
    assert "resolution" not in text


def test_models_of_other_values_are_refused():
    with pytest.raises(ArgumentError, match="values of \\(0, 10000\\)"):
        deepness_properties(make_facts(value_range=(0, 10_000)))


# What it calls is deprecated in rasterio, and it asks for a GPU first.
@pytest.mark.filterwarnings("ignore")
def test_geodeep_maps_a_scene_with_such_a_file(tmp_path):
    geodeep = pytest.importorskip("geodeep")
    onnx = pytest.importorskip("onnx")
    facts = make_facts(
        image_size=(32, 32),
        batch_size=1,
        data_format="channels_first",
        output="probabilities",
        input_scale=255.0,
    )
    path = write_onnx(tmp_path / "m.onnx", facts)
    model = onnx.load(path)
    onnx.helper.set_model_props(model, deepness_properties(facts))
    onnx.save(model, path)
    # Quarters of a scene: dark, grey, and two of bright.
    classes = np.kron([[0, 1], [2, 2]], np.ones((40, 40), int))
    values = np.array([10, 100, 240], "uint8")[classes]
    pixels = np.stack([values] * 3)
    scene = write_scene(
        tmp_path / "s.tif", pixels, tiled=True, blockxsize=16, blockysize=16
    )
    mask = geodeep.segment(str(scene), str(path))
    # Corners are rounded by its median filter.
    assert np.mean(mask == classes) > 0.98
    found = json.loads(geodeep.segment(str(scene), str(path), "geojson"))
    names = {each["properties"]["class"] for each in found["features"]}
    assert names == {"dark", "grey", "bright"}
