"""Names of presets are unique, complete and lead to a working model."""

import pathlib

import numpy as np
import pytest

import keras_rsseg
from keras_rsseg.hub import preset_folder
from keras_rsseg.hub import registry


@pytest.fixture
def presets(monkeypatch):
    """An empty registry in place of the package's."""
    presets = {}
    monkeypatch.setattr(registry, "_PRESETS", presets)
    return presets


def test_the_default_is_listed():
    facts = keras_rsseg.list_presets()[keras_rsseg.DEFAULT_PRESET]
    assert {"handle", "task", "description"} <= set(facts)


def test_what_is_listed_may_be_changed():
    keras_rsseg.list_presets()[keras_rsseg.DEFAULT_PRESET]["handle"] = "x"
    keras_rsseg.list_presets().clear()
    facts = keras_rsseg.list_presets()[keras_rsseg.DEFAULT_PRESET]
    assert facts["handle"] != "x"


def test_a_name_is_given_once(presets):
    registry.register_presets({"a": {"handle": "hf://org/a"}})
    with pytest.raises(ValueError, match="'a' is taken"):
        registry.register_presets({"a": {"handle": "hf://org/b"}})
    assert presets["a"]["handle"] == "hf://org/a"


def test_a_preset_lives_somewhere(presets):
    with pytest.raises(ValueError, match="'a' has no handle"):
        registry.register_presets({"a": {"description": "nowhere"}})
    assert not presets


def test_names_handles_and_folders_are_resolved(presets, tmp_path):
    registry.register_presets(
        {
            "far": {"handle": "hf://org/far"},
            "near": {"handle": "package://folder"},
        }
    )
    resolve = preset_folder.resolve_preset
    assert resolve("far") == "hf://org/far"
    assert (
        resolve("near")
        .replace("\\", "/")
        .endswith("keras_rsseg/presets/folder")
    )
    assert resolve("hf://org/other") == "hf://org/other"
    assert resolve(tmp_path) == str(tmp_path)
    with pytest.raises(ValueError, match="far, near.*'fat'"):
        resolve("fat")


def test_the_embedded_preset_loads_and_predicts():
    name = "hrnet_w18_dubai"
    if not pathlib.Path(preset_folder.resolve_preset(name)).is_dir():
        pytest.skip(f"{name} is not in the package yet")
    model = keras_rsseg.from_preset(name)
    assert isinstance(model, keras_rsseg.HRNet)
    assert model.class_names == [
        "building",
        "land",
        "road",
        "vegetation",
        "water",
    ]
    assert len(model.palette) == model.num_classes == 5
    assert model.ground_sample_distance == 0.8
    assert model.bands == ("red", "green", "blue")
    tiles = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), "uint8")
    logits = model.predict_on_batch(tiles)
    assert logits.shape == (1, 64, 64, 5)
    assert np.isfinite(logits).all() and np.ptp(logits) > 1
