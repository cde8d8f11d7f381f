"""The metadata that QGIS' Deepness and GeoDeep read."""

import json

import pytest

from keras_rsseg.errors import ArgumentError
from keras_rsseg.export import deepness_properties
from tests.scenes.exported.onnx_files import make_facts


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
