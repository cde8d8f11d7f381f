"""Depthwise and 1x1 convolutions equal their definition, folded or not."""

import keras
import numpy as np
import pytest

from keras_rsseg.layers import SeparableConvBNReLU
from tests.layers import plain
from tests.layers.compiled import call
from tests.test_case import TestCase
from tests.test_case import to_numpy


def make(shape=(2, 7, 5, 4), **kwargs):
    """A layer with random weights and a map."""
    rng = np.random.default_rng(0)
    layer = SeparableConvBNReLU(3, **kwargs)
    layer.build(shape)
    for variable in layer.weights:
        value = rng.standard_normal(variable.shape)
        if "variance" in variable.path:
            value = np.abs(value) + 0.5
        variable.assign(value)
    return layer, rng.standard_normal(shape).astype("float32")


def plain_separable_conv(layer, x):
    """The output in inference mode, float64."""
    kernel = to_numpy(layer.depthwise.kernel).astype("float64")
    kernel = plain.dilated(kernel, layer.dilation_rate)
    x = plain.depthwise_convolution(x.astype("float64"), kernel)
    if layer.depthwise_norm is not None:
        x = np.maximum(plain.normalization(x, layer.depthwise_norm), 0)
    x = plain.convolution(x, to_numpy(layer.pointwise.conv.kernel))
    return np.maximum(plain.normalization(x, layer.pointwise.batch_norm), 0)


class TestSeparableConvBNReLU(TestCase):
    @pytest.mark.parametrize("depthwise_norm", [True, False])
    @pytest.mark.parametrize("size, rate", [(3, 1), (5, 1), (3, 6)])
    def test_equals_a_plain_computation(self, size, rate, depthwise_norm):
        layer, x = make(
            kernel_size=size, dilation_rate=rate, depthwise_norm=depthwise_norm
        )
        expected = plain_separable_conv(layer, x)
        assert expected.max() > 0
        self.assert_close(call(layer, x), expected, 1e-5)

    @pytest.mark.parametrize("depthwise_norm", [True, False])
    def test_folding_changes_no_output(self, depthwise_norm):
        layer, x = make(depthwise_norm=depthwise_norm)
        expected = to_numpy(call(layer, x))
        layer.fold()
        layer.pointwise.fold()
        assert layer.folded == depthwise_norm
        self.assert_close(call(layer, x), expected, 1e-5)
        # The saved layer is like any other.
        loaded, _ = make(depthwise_norm=depthwise_norm)
        loaded.set_weights(layer.get_weights())
        self.assert_close(call(loaded, x), expected, 1e-5)

    def test_channels_first(self):
        if keras.backend.backend() == "tensorflow":
            pytest.skip("TensorFlow's CPU convolution is channels-last only")
        layer, x = make(dilation_rate=2)
        first, _ = make((2, 4, 7, 5), data_format="channels_first")
        first.set_weights(layer.get_weights())
        first.depthwise.dilation_rate = 2
        out = to_numpy(call(first, x.transpose(0, 3, 1, 2)))
        self.assert_close(out.transpose(0, 2, 3, 1), call(layer, x), 1e-5)

    def test_both_normalizations_learn(self):
        layer, x = make()
        before = [to_numpy(v) for v in layer.non_trainable_variables]
        call(layer, x, training=True)
        for variable, old in zip(
            layer.non_trainable_variables, before, strict=True
        ):
            assert np.abs(to_numpy(variable) - old).min() > 0, variable.path

    @pytest.mark.parametrize("depthwise_norm", [True, False])
    def test_layer(self, depthwise_norm):
        self.run_layer_test(
            SeparableConvBNReLU,
            {
                "filters": 6,
                "kernel_size": 5,
                "dilation_rate": 2,
                "depthwise_norm": depthwise_norm,
                "activation": None,
            },
            [(2, 7, 5, 4)],
            expected_output_shape=(2, 7, 5, 6),
            expected_num_trainable=6 if depthwise_norm else 4,
        )

    def test_an_even_kernel_is_refused(self):
        with pytest.raises(ValueError, match="kernel_size"):
            SeparableConvBNReLU(8, kernel_size=4)
