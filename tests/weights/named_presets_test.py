"""A named preset is complete: weights, classes, bands and card."""

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
from tests.weights.tiny_hrnet import TINY
from tests.weights.tiny_hrnet import torch_state
from tests.weights.tiny_hrnet import use_tiny_hrnet
from weights import convert
from weights.named_presets import CONVERSIONS
from weights.variants import variants


def run(command):
    app = typer.Typer()
    app.command()(convert.main)
    return CliRunner().invoke(app, shlex.split(command))


class TestCommand(TestCase):
    @pytest.fixture(autouse=True)
    def tiny(self, monkeypatch):
        use_tiny_hrnet(monkeypatch)

    def test_writes_a_preset_that_could_be_uploaded(self, tmp_path):
        model = TINY.build(6, align_corners=True)
        np.savez(tmp_path / "checkpoint.npz", **torch_state(model))
        name = "hrnet_w18_vaihingen_ifwm"
        facts = keras_rsseg.list_presets()[name]
        command = facts["how_to_get"]["convert"]
        command = command.replace("CHECKPOINT.pth", "checkpoint.npz")
        python, option, module, *words = command.split()
        assert (python, option, module) == ("python", "-m", "weights.convert")
        words[words.index("checkpoint.npz")] = str(tmp_path / "checkpoint.npz")
        words[words.index("--output") + 1] = str(tmp_path / name)
        result = run(shlex.join(words))
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
    def test_variant_is_known(self, name):
        facts = keras_rsseg.list_presets()[name]
        variant, preset, arguments = convert.arguments_of(None, name)
        assert (variant, preset) == (CONVERSIONS[name].variant, name)
        assert variants()[variant].task.__name__ == facts["task"]
        assert arguments["num_classes"] == len(facts["class_names"])

    def test_potsdam_is_as_it_was_evaluated(self):
        def options(preset, **others):
            return convert.arguments_of(None, preset, **others)[2]

        assert options("pfnet_r50_potsdam")["max_pool_size"] == 9
        chosen = options("pfnet_r50_potsdam", max_pool_size=14)
        assert chosen["max_pool_size"] == 14
        vaihingen = options("pfnet_r50_vaihingen", max_pool_size=None)
        assert "max_pool_size" not in vaihingen

    def test_a_preset_is_a_variant_too(self):
        name = "pfnet_r50_potsdam"
        arguments = convert.arguments_of(name, None)
        assert arguments[:2] == ("pfnet_r50", name)
