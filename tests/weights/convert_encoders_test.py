"""Pretrained encoders: the folded weights give the original outputs."""

import re

import numpy as np
import typer
from typer.testing import CliRunner

from keras_rsseg.encoders.hrnet_encoder import HRNetEncoder
from keras_rsseg.encoders.resnet_encoder import ResNetEncoder
from tests.shared import shared_path
from tests.test_case import TestCase
from tests.test_case import to_numpy
from weights import convert_encoders
from weights.checkpoint import read_checkpoint
from weights.convert_hrnet import encoder_name_of


def run(*arguments):
    app = typer.Typer()
    app.command()(convert_encoders.main)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


class TestFolding(TestCase):
    """One convolution and batch norm, before and after."""

    def test_bias_goes_into_the_mean(self):
        rng = np.random.default_rng(0)
        state = {
            "a_conv/kernel": rng.standard_normal((3, 3, 3, 4)),
            "a_conv/bias": rng.standard_normal(4),
            "a_bn/moving_mean": rng.standard_normal(4),
        }
        folded = convert_encoders.fold_biases(state)
        assert list(folded) == ["a_conv/kernel", "a_bn/moving_mean"]
        y = rng.standard_normal((5, 4))
        self.assert_allclose(
            y - folded["a_bn/moving_mean"],
            y + state["a_conv/bias"] - state["a_bn/moving_mean"],
        )

    def test_a_bias_without_batch_norm_is_kept(self):
        # So that the transfer refuses it, instead of losing it.
        state = {"a_conv/bias": np.ones(4)}
        assert list(convert_encoders.fold_biases(state)) == ["a_conv/bias"]

    def test_caffe_input(self):
        rng = np.random.default_rng(0)
        kernel = rng.standard_normal((7, 7, 3, 4)).astype("float32")
        mean = rng.standard_normal(4).astype("float32")
        rgb = rng.integers(0, 256, (7, 7, 3)).astype("float64")
        caffe = rgb[..., ::-1] - [103.939, 116.779, 123.68]
        expected = np.einsum("hwi,hwio->o", caffe, kernel) - mean
        new_kernel, new_mean = convert_encoders.fold_caffe_preprocessing(
            kernel, mean
        )
        normalised = rgb / 255 - [0.485, 0.456, 0.406]
        normalised = normalised / [0.229, 0.224, 0.225]
        actual = np.einsum("hwi,hwio->o", normalised, new_kernel) - new_mean
        self.assert_close(actual, expected, 1e-6)


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
        # Dilated as PFNet's trunk, with the same weights.
        encoder = ResNetEncoder.from_preset(
            str(tmp_path / "preset"), stackwise_dilations=(1, 1, 2, 4)
        )
        assert encoder.stackwise_dilations == (1, 1, 2, 4)
        state = convert_encoders.resnet_state(read_checkpoint(path))
        for weight in encoder.weights:
            value = state[convert_encoders.resnet_name_of(weight.path)]
            value = value.transpose(2, 3, 1, 0) if value.ndim == 4 else value
            np.testing.assert_array_equal(to_numpy(weight), value)

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
        state = read_checkpoint(path)
        assert len(encoder.weights) == len(state) == 1525
        for weight in encoder.weights:
            value = state[encoder_name_of(weight.path)]
            value = value.transpose(2, 3, 1, 0) if value.ndim == 4 else value
            np.testing.assert_array_equal(to_numpy(weight), value)
