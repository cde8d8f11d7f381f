"""Names of presets are unique, complete and lead to a working model."""

import pathlib
import re
import shlex

import numpy as np
import pytest

import keras_rsseg
from examples.networks import SYSTEMS
from keras_rsseg.hub import preset_folder
from keras_rsseg.hub import registry
from keras_rsseg.hub.preset_check import read_facts
from tests.models.segmenter_tester import for_few_steps

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def presets(monkeypatch):
    """An empty registry in place of the package's."""
    presets = {}
    monkeypatch.setattr(registry, "_PRESETS", presets)
    return presets


def test_the_default_is_listed():
    facts = keras_rsseg.list_presets()[keras_rsseg.DEFAULT_PRESET]
    assert {"handle", "task", "description"} <= set(facts)
    assert facts["where"] == "package"


def test_what_is_listed_may_be_changed():
    name = keras_rsseg.DEFAULT_PRESET
    before = keras_rsseg.list_presets()[name]
    changed = keras_rsseg.list_presets()
    changed[name]["score"]["mean_iou"] = 1
    changed[name]["handle"] = "x"
    changed.clear()
    assert keras_rsseg.list_presets()[name] == before


def test_a_name_is_given_once(presets):
    registry.register_presets({"a": {"handle": "hf://org/a"}})
    with pytest.raises(ValueError, match="'a' is taken"):
        registry.register_presets({"a": {"handle": "hf://org/b"}})
    assert presets["a"]["handle"] == "hf://org/a"


def test_a_preset_lives_somewhere(presets):
    with pytest.raises(ValueError, match="'a' has no handle"):
        registry.register_presets({"a": {"description": "nowhere"}})
    assert not presets


@pytest.mark.parametrize(
    "facts, unknown",
    [
        ({"license": "MIT"}, "license"),
        ({"how_to_get": {"download": "x"}}, "download"),
    ],
)
def test_facts_that_nobody_reads(presets, facts, unknown):
    with pytest.raises(ValueError, match=rf"unknown facts \['{unknown}'\]"):
        registry.register_presets({"a": {"handle": "hf://o/a", **facts}})
    assert not presets


def test_names_and_folders_are_resolved(presets, tmp_path):
    registry.register_presets(
        {
            "far": {"handle": "hf://org/far"},
            "near": {"handle": "package://folder"},
        }
    )
    resolve = preset_folder.resolve_preset
    folder, downloaded = resolve("near")
    assert folder.as_posix().endswith("keras_rsseg/presets/folder")
    assert not downloaded
    assert resolve(tmp_path) == (tmp_path, False)
    with pytest.raises(ValueError, match="far, near.*'fat'"):
        resolve("fat")
    with pytest.raises(ValueError, match="must be hf://org/name"):
        resolve("hf://name")
    with pytest.raises(ValueError, match="`revision` is for presets of the"):
        resolve(tmp_path, "v1")


def test_where_a_preset_is(presets):
    entries = {
        "convert": {"how_to_get": {"train": "x", "convert": "y"}},
        "train": {"how_to_get": {"train": "x"}},
        "hub": {"published": True, "how_to_get": {"train": "x"}},
        "": {},
    }
    handle = "hf://keras-rsseg-tests/none"
    registry.register_presets(
        {name: {"handle": handle, **facts} for name, facts in entries.items()}
    )
    listed = keras_rsseg.list_presets()
    assert {name: facts["where"] for name, facts in listed.items()} == {
        name: name for name in entries
    }


CONVERTED = (
    *("pfnet_r50_isaid", "pfnet_r101_isaid", "pfnet_r50_vaihingen"),
    *("pfnet_r50_potsdam", "semantic_fpn_r50_isaid"),
    *("semantic_fpn_r50_vaihingen", "semantic_fpn_r50_potsdam"),
    *("ccnet_r50_isaid", "danet_r50_isaid", "deeplab_v3_r50_isaid"),
    *("hrnet_w18_vaihingen", "hrnet_w18_whu_building"),
)
TRAINED = (
    *("hrnet_ifwm_w18_vaihingen", "hrnet_ifwm_w18_whu_building"),
    *("pfnet_r50_dubai", "semantic_fpn_r50_dubai", "hrnet_w18_dubai"),
    *("hrnet_ifwm_w18_dubai", "pfnet_hrnet_ifwm_w18_dubai"),
)


class TestOwnPresets:
    """What the package says of its own presets is true."""

    def test_all_systems_and_data_sets(self):
        assert set(keras_rsseg.list_presets()) == {*CONVERTED, *TRAINED}

    @pytest.mark.parametrize("name", [*CONVERTED, *TRAINED])
    def test_facts(self, name):
        facts = keras_rsseg.list_presets()[name]
        assert issubclass(
            getattr(keras_rsseg, facts["task"]), keras_rsseg.models.Segmenter
        )
        assert len(facts["palette"]) == len(facts["class_names"])
        assert facts["where"]
        if name != keras_rsseg.DEFAULT_PRESET:
            assert facts["handle"] == f"hf://keras-rsseg/{name}"
        # Nobody but the authors can have scored what they have not released.
        if name in CONVERTED:
            assert "score" not in facts
        # A score is a measurement, with the command that repeats it.
        if "score" in facts:
            assert {"by", "command", "data"} <= set(facts["score"])
            assert set(facts["score"]["classes"]) == set(facts["class_names"])
        for key in ("dataset", "protocol", "licence", "weights_source"):
            assert facts[key], key
        assert facts["parameters"] > 1e6

    def test_legends_are_those_of_the_data_sets(self):
        datasets = pytest.importorskip("keras_rsseg.datasets")
        for facts in keras_rsseg.list_presets().values():
            known = datasets.facts(facts["dataset"].partition("/")[0])
            for key in (
                "class_names",
                "palette",
                "bands",
                "ground_sample_distance",
            ):
                assert facts[key] == getattr(known, key), (facts, key)

    def test_commands_run_scripts_that_are_there(self):
        for name, facts in keras_rsseg.list_presets().items():
            commands = list(facts.get("how_to_get", {}).values())
            commands += [facts["training"]] if "training" in facts else []
            assert commands, name
            for command in commands:
                program, script, *options = shlex.split(command)
                assert program == "python"
                text = (ROOT / script).read_text()
                if "recipe.main" in text:
                    text += (ROOT / "examples/recipe.py").read_text()
                for option in options:
                    if option.startswith("--"):
                        spelt = option, option[2:].replace("-", "_") + ":"
                        assert any(each in text for each in spelt), command
                assert re.search(rf"--output {name}\b", command)
                if "--system" in options:
                    assert options[options.index("--system") + 1] in SYSTEMS
                if "--preset" in options:
                    assert options[options.index("--preset") + 1] == name

    def test_paper_scores_say_whose_they_are(self):
        facts = keras_rsseg.list_presets()["pfnet_r50_isaid"]
        assert facts["paper_score"]["mean_iou"] == 0.669
        assert "Li et al." in facts["paper_score"]["source"]

    def test_default_could_be_published(self):
        name = keras_rsseg.DEFAULT_PRESET
        folder, _ = preset_folder.resolve_preset(name)
        facts = keras_rsseg.list_presets()[name]
        assert read_facts(folder, facts)["score"]["mean_iou"] == 0.7069


def test_the_embedded_preset_loads_and_predicts():
    name = "hrnet_ifwm_w18_dubai"
    model = for_few_steps(keras_rsseg.from_preset(name))
    facts = keras_rsseg.list_presets()[name]
    assert isinstance(model, keras_rsseg.HRNet)
    assert model.backbone.image_encoder.fusion == "ifwm"
    assert model.class_names == list(facts["class_names"])
    assert model.class_names == [
        "building",
        "land",
        "road",
        "vegetation",
        "water",
    ]
    assert len(model.palette) == model.num_classes == 5
    assert model.palette == list(facts["palette"])
    assert model.ground_sample_distance == facts["ground_sample_distance"]
    assert model.ground_sample_distance == 0.8
    assert model.bands == facts["bands"] == ("red", "green", "blue")
    assert 20e6 < facts["size"] < 25e6
    tiles = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), "uint8")
    logits = model.predict_on_batch(tiles)
    assert logits.shape == (1, 64, 64, 5)
    assert np.isfinite(logits).all() and np.ptp(logits) > 1
