"""STAC items of exported files, as pystac reads them."""

import datetime
import json
import re

import pytest

from keras_rsseg.export import stac_item
from tests.scenes.exported.onnx_files import make_facts

TIME = datetime.datetime(2026, 3, 4, 5, 6, 7, tzinfo=datetime.UTC)
# The extension's pattern.
NAME = re.compile("^[a-zA-Z][a-zA-Z0-9_.-]+[a-zA-Z0-9]$")


def test_item_says_what_goes_in_and_comes_out():
    facts = make_facts(image_size=(32, 32), batch_size=1)
    item = json.loads(json.dumps(stac_item(facts, "a/m.onnx", 1234, TIME)))
    properties = item["properties"]
    assert properties["datetime"] == "2026-03-04T05:06:07Z"
    assert properties["mlm:framework"] == "ONNX"
    assert properties["mlm:total_parameters"] == 1234
    (entry,) = properties["mlm:input"]
    assert entry["input"]["shape"] == [1, 32, 32, 3]
    assert entry["bands"][2] == {"name": "blue"}
    assert entry["description"].endswith("From 0 to 255")
    (output,) = properties["mlm:output"]
    assert output["result"]["dim_order"][-1] == "class"
    assert output["classification:classes"][1] == {
        "value": 1,
        "name": "grey",
        "title": "grey",
        "color_hint": "787878",
    }
    assert item["assets"]["model"]["href"] == "./m.onnx"


@pytest.mark.parametrize("preset", [None, "hf://me/my preset!", "7"])
def test_names_have_the_letters_of_the_extension(preset):
    facts = make_facts(
        preset=preset, class_names=["bare soil", "Straße", "road/rail"]
    )
    item = stac_item(facts, "m 1.onnx", time=TIME)
    assert NAME.match(item["properties"]["mlm:name"])
    classes = item["properties"]["mlm:output"][0]["classification:classes"]
    assert all(re.match("^[0-9A-Za-z_-]+$", c["name"]) for c in classes)
    assert classes[1]["title"] == "Straße"


def test_open_sizes_and_layouts():
    facts = make_facts(bands=4, data_format="channels_first", input_scale=255.0)
    item = stac_item(facts, "saved", time=TIME)
    (entry,) = item["properties"]["mlm:input"]
    assert entry["input"]["shape"] == [-1, 4, -1, -1]
    assert entry["bands"][3] == {"name": "band_4"}
    assert "divided by 255" in entry["description"]
    assert item["properties"]["mlm:framework"] == "TensorFlow"


def test_pystac_reads_it():
    pystac = pytest.importorskip("pystac")
    mlm = pytest.importorskip("pystac.extensions.mlm")
    item = pystac.Item.from_dict(stac_item(make_facts(), "m.onnx", 7, TIME))
    extension = mlm.MLMExtension.ext(item)
    assert extension.mlm_name == "thresholds"
    assert extension.architecture == "PFNet"
    assert [each.name for each in extension.input[0].bands] == [
        "red",
        "green",
        "blue",
    ]
    assert extension.output[0].result.shape == [-1, -1, -1, 3]


@pytest.mark.parametrize(
    "changes",
    [
        {"image_size": (32, 32), "batch_size": 1},
        {"bands": 4, "data_format": "channels_first", "input_scale": 255.0},
        {"class_names": None, "palette": None, "value_range": None},
    ],
)
def test_the_schemas_accept_it(changes):
    stac_validator = pytest.importorskip("pystac.validation.stac_validator")
    schema = pytest.importorskip("stac_model.schema")
    pytest.importorskip("jsonschema")
    item = json.loads(json.dumps(stac_item(make_facts(**changes), "m.onnx", 7)))
    # Both come with their packages: nothing is downloaded.
    stac_validator.JsonSchemaSTACValidator().validate_core(
        item, "Feature", "1.1.0"
    )
    # It knows version 1 of the classes, which had no titles.
    for entry in item["properties"]["mlm:output"][0]["classification:classes"]:
        del entry["title"]
    found = schema.MLModelProperties.model_validate(item["properties"])
    assert found.framework == "ONNX"
    assert found.output[0].result.dim_order[0] == "batch"
    with pytest.raises(ValueError, match="mlm:tasks"):
        schema.MLModelProperties.model_validate(
            {**item["properties"], "mlm:tasks": ["mapping"]}
        )
