"""Plain convolutions compute, load and save as Keras' own."""

import keras
import numpy as np
import pytest

from keras_rsseg.layers.conv2d import Conv2D
from keras_rsseg.layers.conv2d import SameConv2D
from tests.layers.compiled import jitted
from tests.layers.plain import convolution
from tests.test_case import TestCase


class TestSameConv2D(TestCase):
    @pytest.mark.parametrize("filters", [1, 4])
    @pytest.mark.parametrize("kernel_size", [1, 3])
    @pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
    def test_equals_a_plain_computation(self, filters, kernel_size, dtype):
        rng = np.random.default_rng(0)
        x = rng.standard_normal((1, 7, 9, 3)).astype("float32")
        layer = SameConv2D(
            filters, kernel_size, data_format="channels_last", dtype=dtype
        )
        layer.build(x.shape)
        kernel = rng.standard_normal(layer.kernel.shape)
        bias = rng.standard_normal(filters)
        layer.set_weights([kernel, bias])
        assert layer.compute_output_shape(x.shape) == (1, 7, 9, filters)
        actual = jitted(layer)(x)
        dtype_of_result = keras.backend.standardize_dtype(actual.dtype)
        assert dtype_of_result == layer.compute_dtype
        expected = convolution(x, kernel) + bias
        self.assert_close(
            keras.ops.cast(actual, "float32"),
            expected,
            1e-5 if dtype == "float32" else 0.02,
        )

    def test_is_made_again_from_its_configuration(self):
        layer = SameConv2D(4, 3, dilation_rate=2, use_bias=False)
        again = SameConv2D.from_config(layer.get_config())
        assert again.padding == "same"
        assert again.get_config() == layer.get_config()


class TestConv2D(TestCase):
    def test_weights_saved_from_plain_convolutions_load(self, tmp_path):
        def model(conv):
            inputs = keras.Input((8, 8, 3))
            layers = conv(4, 3, padding="same"), conv(2, 1, strides=2)
            return keras.Model(inputs, layers[1](layers[0](inputs)))

        plain, own = model(keras.layers.Conv2D), model(Conv2D)
        plain.save_weights(tmp_path / "plain.weights.h5")
        own.load_weights(tmp_path / "plain.weights.h5")
        x = np.random.default_rng(0).standard_normal((2, 8, 8, 3))
        self.assert_close(own(x), plain(x), 1e-5)
        own.save(tmp_path / "own.keras")
        again = keras.saving.load_model(tmp_path / "own.keras")
        self.assert_close(again(x), plain(x), 1e-5)
