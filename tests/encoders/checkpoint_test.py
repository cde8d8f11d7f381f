"""Pretrained encoders: presets with the weights of the checkpoint."""

import re

import numpy as np

from keras_rsseg.encoders.checkpoint import VARIANTS
from keras_rsseg.encoders.hrnet_encoder import HRNetEncoder
from keras_rsseg.encoders.resnet_encoder import ResNetEncoder
from tests.shared import shared_path
from tests.test_case import TestCase
from tests.test_case import to_numpy
from tests.weights.convert_test import run
from weights.checkpoint import read_checkpoint


def assert_weights(encoder, variant, path):
    """Assert that an encoder has a checkpoint's tensors, to the last one."""
    network = VARIANTS[variant]
    state = network.prepare(read_checkpoint(path))
    assert len(encoder.weights) == len(state)
    name_of = network.name_of
    for weight in encoder.weights:
        value = state[name_of(weight.path)]
        value = value.transpose(2, 3, 1, 0) if value.ndim == 4 else value
        np.testing.assert_array_equal(to_numpy(weight), value)


class TestResNet50(TestCase):
    def test_outputs_of_keras_applications(self, tmp_path):
        path = shared_path("weights", "resnet50_imagenet_notop.npz")
        result = run(
            *("--variant", "resnet50_imagenet", "--checkpoint", path),
            *("--output", tmp_path / "preset"),
        )
        assert result.exit_code == 0, result.output
        report = re.search(r"Keras Applications (\S+) of", result.output)
        assert float(report[1]) <= 2e-5
        # Dilated like PFNet's trunk, with the same weights.
        encoder = ResNetEncoder.from_preset(
            str(tmp_path / "preset"), stackwise_dilations=(1, 1, 2, 4)
        )
        assert encoder.stackwise_dilations == (1, 1, 2, 4)
        assert_weights(encoder, "resnet50_imagenet", path)

    def test_checkpoint_of_another_network(self, tmp_path):
        np.savez(tmp_path / "a.npz", weight=np.zeros(3, "float32"))
        result = run(
            *("--variant", "resnet50_imagenet"),
            *("--checkpoint", tmp_path / "a.npz"),
            *("--output", tmp_path / "preset"),
        )
        assert result.exit_code == 1
        assert "must hold conv1_conv/kernel" in result.output
        assert not (tmp_path / "preset").exists()


class TestHRNetW18(TestCase):
    def test_preset_holds_the_weights(self, tmp_path):
        path = shared_path("weights", "hrnetv2_w18_coco_lvis.npz")
        result = run(
            *("--variant", "hrnet_w18_coco_lvis", "--checkpoint", path),
            *("--output", tmp_path / "preset"),
        )
        assert result.exit_code == 0, result.output
        encoder = HRNetEncoder.from_preset(str(tmp_path / "preset"))
        assert encoder.align_corners
        assert len(encoder.weights) == 1525
        assert_weights(encoder, "hrnet_w18_coco_lvis", path)
