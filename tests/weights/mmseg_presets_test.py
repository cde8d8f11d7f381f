"""The aerial checkpoints of mmsegmentation become presets unchanged."""

import dataclasses
import functools
import re

import numpy as np
import pytest

import keras_rsseg
from keras_rsseg.hub.publish import load_checked
from keras_rsseg.hub.publish import read_facts
from keras_rsseg.models.hrnet import checkpoint
from tests.cli.commands import run
from tests.models.segmenter_tester import for_few_steps
from tests.models.segmenter_tester import make_tiles
from tests.test_case import TestCase
from tests.weights.tiny_hrnet import TINY as TINY_ORIGINAL
from tests.weights.tiny_hrnet import torch_state
from weights import publish
from weights.convert import convert

NAME = "hrnet_w18_loveda"
FILE = "fcn_hr18_512x512_80k_loveda_20211210_203952-93d9c3b3.pth"
TINY = dataclasses.replace(
    checkpoint.VARIANTS["fcn_hr18_mmseg"],
    encoder=functools.partial(
        TINY_ORIGINAL.encoder, align_corners=False, resize_by_factor=True
    ),
)


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    monkeypatch.setitem(checkpoint.VARIANTS, "fcn_hr18_mmseg", TINY)


def save(path, model, prefix=""):
    """Save a network as mmsegmentation does, with its other content."""
    torch = pytest.importorskip("torch")
    state = {
        prefix + name: torch.tensor(value)
        for name, value in torch_state(model, TINY).items()
    }
    state[prefix + "backbone.bn1.num_batches_tracked"] = torch.tensor(7)
    momentum = {"momentum_buffer": torch.ones(3)}
    path.parent.mkdir(exist_ok=True)
    torch.save(
        {
            "meta": {
                "mmseg_version": "0.20.2",
                "CLASSES": ("background", "building"),
                "PALETTE": [[255, 255, 255], [255, 0, 0]],
                "config": "model = dict(type='EncoderDecoder')",
                "iter": 80000,
            },
            "state_dict": state,
            "optimizer": {"state": {0: momentum}, "param_groups": [{"lr": 1}]},
        },
        path,
    )
    return path


class TestConversion(TestCase):
    @pytest.mark.parametrize("prefix", ["", "module."])
    def test_a_file_as_it_was_released(self, prefix, tmp_path):
        model = TINY.build(7)
        path = save(tmp_path / "released" / FILE, model, prefix)
        convert(path, tmp_path / NAME, NAME)
        task = load_checked(tmp_path / NAME)
        assert type(task) is keras_rsseg.HRNet
        legend = keras_rsseg.datasets.facts("loveda")
        assert task.class_names == list(legend.class_names)
        assert task.palette == list(legend.palette)
        assert task.bands == ("red", "green", "blue")
        converter = task.preprocessor.image_converter
        mean, std = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
        self.assert_close(converter.scale, 1 / np.array(std), 1e-6)
        self.assert_close(converter.offset, -np.divide(mean, std), 1e-6)
        tiles, _ = make_tiles(1, 70, 66)
        for_few_steps(task), for_few_steps(model)
        expected = model.predict_on_batch(tiles)
        self.assert_close(task.predict_on_batch(tiles), expected, 1e-6)
        card = read_facts(tmp_path / NAME)
        assert card["score"] is None
        assert card["stated_score"]["mean_iou"] == 0.5081
        assert FILE in card["weights_source"]

    def test_other_classes(self, tmp_path):
        path = save(tmp_path / "mine.pth", TINY.build(19))
        convert(path, tmp_path / "mine", "fcn_hr18_mmseg", num_classes=19)
        task = keras_rsseg.from_preset(tmp_path / "mine")
        assert task.num_classes == 19
        with pytest.raises(ValueError, match=re.escape("(19, 30, 1, 1)")):
            convert(path, tmp_path / NAME, NAME)

    def test_publish_finds_it_under_its_own_name(self, tmp_path):
        save(tmp_path / "downloads" / FILE, TINY.build(7))
        places = {
            "checkpoints": tmp_path / "downloads",
            "output": tmp_path / "presets",
        }
        facts = keras_rsseg.list_presets()[NAME]
        said = publish.publish(NAME, facts, places)
        assert said.startswith("checked, not published: no licence allows it")
        assert (tmp_path / "presets" / NAME / "card.json").is_file()


def test_the_command_says_which_file_to_have():
    said = run("presets", NAME).output
    assert f"--checkpoint {FILE}" in said
    assert "mean IoU 0.508 (stated by mmsegmentation)" in said
    with pytest.raises(ValueError, match=f"--checkpoint {FILE}"):
        keras_rsseg.from_preset(NAME)
