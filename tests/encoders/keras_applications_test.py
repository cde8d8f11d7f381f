"""Keras Applications' ResNet-50: the folded weights give the same outputs."""

import numpy as np

from keras_rsseg.encoders import keras_applications
from tests.test_case import TestCase


class TestFolding(TestCase):
    """One convolution and batch norm, before and after."""

    def test_bias_goes_into_the_mean(self):
        rng = np.random.default_rng(0)
        state = {
            "a_conv/kernel": rng.standard_normal((3, 3, 3, 4)),
            "a_conv/bias": rng.standard_normal(4),
            "a_bn/moving_mean": rng.standard_normal(4),
        }
        folded = keras_applications.fold_biases(state)
        assert list(folded) == ["a_conv/kernel", "a_bn/moving_mean"]
        y = rng.standard_normal((5, 4))
        self.assert_allclose(
            y - folded["a_bn/moving_mean"],
            y + state["a_conv/bias"] - state["a_bn/moving_mean"],
        )

    def test_a_bias_without_batch_norm_is_kept(self):
        # So that the transfer refuses it instead of dropping it.
        state = {"a_conv/bias": np.ones(4)}
        assert list(keras_applications.fold_biases(state)) == ["a_conv/bias"]

    def test_caffe_input(self):
        rng = np.random.default_rng(0)
        kernel = rng.standard_normal((7, 7, 3, 4)).astype("float32")
        mean = rng.standard_normal(4).astype("float32")
        rgb = rng.integers(0, 256, (7, 7, 3)).astype("float64")
        caffe = rgb[..., ::-1] - [103.939, 116.779, 123.68]
        expected = np.einsum("hwi,hwio->o", caffe, kernel) - mean
        new_kernel, new_mean = keras_applications.fold_caffe_preprocessing(
            kernel, mean
        )
        normalised = rgb / 255 - [0.485, 0.456, 0.406]
        normalised = normalised / [0.229, 0.224, 0.225]
        actual = np.einsum("hwi,hwio->o", normalised, new_kernel) - new_mean
        self.assert_close(actual, expected, 1e-6)
