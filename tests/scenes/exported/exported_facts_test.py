"""Exported files keep their model's facts, or are refused."""

import json

import pytest

from keras_rsseg.errors import PresetError
from keras_rsseg.scenes.exported.exported_facts import ExportedFacts
from tests.scenes.exported.onnx_files import make_facts


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"image_size": (64, 48), "batch_size": 2, "difference": 1e-6},
        {"class_names": None, "palette": None, "value_range": None},
        {"bands": 6, "data_format": "channels_first", "input_scale": 255.0},
    ],
)
def test_the_text_says_it_all(changes):
    facts = make_facts(**changes)
    assert ExportedFacts.from_json(facts.to_json(), "m.onnx") == facts


def test_shapes_follow_layout_and_size():
    facts = make_facts(image_size=(64, 48), batch_size=2)
    assert facts.input_shape == (2, 64, 48, 3)
    first = make_facts(bands=6, data_format="channels_first")
    assert first.input_shape == (None, 6, None, None)
    assert first.output_shape == (None, 3, None, None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "Only files that `keras_rsseg.export_model` wrote do"),
        ("no JSON", "cannot be read. JSONDecodeError"),
        ("[1, 2]", "cannot be read. TypeError"),
        ('{"system": "PFNet"}', "cannot be read. KeyError"),
        ('{"layout": 1, "colour": 7}', "cannot be read. TypeError"),
    ],
)
def test_other_texts_are_refused(text, said):
    with pytest.raises(PresetError, match="m.onnx") as caught:
        ExportedFacts.from_json(text, "m.onnx")
    assert said in str(caught.value)


def test_a_later_layout_is_named():
    values = {**json.loads(make_facts().to_json()), "layout": 2}
    with pytest.raises(PresetError, match="layout 2. This version reads"):
        ExportedFacts.from_json(json.dumps(values), "m.onnx")
