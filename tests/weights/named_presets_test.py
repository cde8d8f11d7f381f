"""A named preset is complete: weights, classes, bands and card."""

import functools
import hashlib
import shlex

import keras
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

import keras_rsseg
from keras_rsseg.hub.publish import load_checked
from keras_rsseg.hub.publish import read_facts
from tests.test_case import TestCase
from tests.weights.convert_hrnet_test import build_tiny
from tests.weights.convert_hrnet_test import torch_state
from weights import convert_hrnet
from weights import convert_pfsegnets
from weights.named_presets import CONVERSIONS
from weights.named_presets import arguments_of

pfsegnets = functools.partial(arguments_of, "convert_pfsegnets")


def run(script, command):
    app = typer.Typer()
    app.command()(script.main)
    return CliRunner().invoke(app, shlex.split(command))


class TestCommand(TestCase):
    @pytest.fixture(autouse=True)
    def tiny(self, monkeypatch):
        monkeypatch.setattr(convert_hrnet, "build", build_tiny)

    def test_writes_a_preset_that_could_be_uploaded(self, tmp_path):
        model = build_tiny("hrnet_w18", 6, align_corners=True)
        np.savez(tmp_path / "checkpoint.npz", **torch_state(model))
        name = "hrnet_w18_vaihingen"
        facts = keras_rsseg.list_presets()[name]
        command = facts["how_to_get"]["convert"].removeprefix("python -m ")
        command = command.replace("CHECKPOINT.pth", "checkpoint.npz")
        script, *words = command.split()
        assert script == "weights.convert"
        words[words.index("--variant")] = "--preset"
        words[words.index("checkpoint.npz")] = str(tmp_path / "checkpoint.npz")
        words[words.index("--output") + 1] = str(tmp_path / name)
        result = run(convert_hrnet, shlex.join(words))
        assert result.exit_code == 0, result.output
        task = load_checked(tmp_path / name)
        assert task.class_names == list(facts["class_names"])
        assert task.palette == list(facts["palette"])
        assert task.bands == ("nir", "red", "green")
        assert task.ground_sample_distance == 0.09
        assert task.backbone.image_encoder.align_corners
        for new, old in zip(task.weights, model.weights, strict=True):
            np.testing.assert_array_equal(
                *map(keras.ops.convert_to_numpy, (new, old))
            )
        card = read_facts(tmp_path / name)
        assert card["score"] is None
        assert "none was released" in card["weights_source"]
        assert facts["how_to_get"]["convert"] in card["training"]
        digest = hashlib.sha256((tmp_path / "checkpoint.npz").read_bytes())
        assert digest.hexdigest() in card["training_details"]

    def test_paper_score_stays_the_papers(self, tmp_path, monkeypatch):
        from weights.named_presets import write_card

        (tmp_path / "x.pth").write_bytes(b"")
        write_card("pfnet_r50_isaid", tmp_path, tmp_path / "x.pth")
        card = read_facts(tmp_path)
        assert card["score"] is None
        assert card["paper_score"]["mean_iou"] == 0.669
        assert "none stated" in card["licence"]

    @pytest.mark.parametrize(
        "options, words",
        [
            ("", "give `preset`, or `variant`"),
            ("--preset pfnet_r50_isaid", "must be one of hrnet_w18_vaihingen"),
            ("--preset hrnet_w18_vaihingen --num-classes 6", "leave those out"),
        ],
    )
    def test_what_is_missing_or_too_much(self, tmp_path, options, words):
        result = run(
            convert_hrnet, f"--checkpoint x.npz --output {tmp_path}/x {options}"
        )
        assert result.exit_code == 1 and words in result.output


class TestNames:
    def test_those_that_the_registry_says_can_be_converted(self):
        listed = {
            name: facts["how_to_get"]["convert"]
            for name, facts in keras_rsseg.list_presets().items()
            if "convert" in facts.get("how_to_get", {})
        }
        assert set(listed) == set(CONVERSIONS)
        for name, command in listed.items():
            assert f"weights.convert --variant {name} " in command

    @pytest.mark.parametrize("name", CONVERSIONS)
    def test_variant_is_one_of_its_script(self, name):
        script, variant, options = CONVERSIONS[name]
        module = {"convert_hrnet": convert_hrnet}.get(script, convert_pfsegnets)
        assert variant in set(module.Variant)
        facts = keras_rsseg.list_presets()[name]
        same, arguments = arguments_of(script, name, None, None)
        assert same == variant
        assert arguments["num_classes"] == len(facts["class_names"])

    def test_potsdam_is_as_it_was_evaluated(self):
        _, arguments = pfsegnets("pfnet_r50_potsdam", None, None)
        assert arguments["max_pool_size"] == 9
        _, arguments = pfsegnets(
            "pfnet_r50_potsdam", None, None, max_pool_size=14
        )
        assert arguments["max_pool_size"] == 14
        _, arguments = pfsegnets(
            "pfnet_r50_vaihingen", None, None, max_pool_size=None
        )
        assert "max_pool_size" not in arguments
