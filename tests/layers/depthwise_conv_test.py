"""A convolution of each channel separately equals its definition."""

import keras
import numpy as np
import pytest

from keras_rsseg.layers import DepthwiseConv
from tests.layers import plain
from tests.layers.compiled import jitted
from tests.test_case import TestCase
from tests.test_case import to_numpy


def make(shape=(2, 7, 5, 4), **kwargs):
    """A layer with random weights and a map."""
    rng = np.random.default_rng(0)
    layer = DepthwiseConv(**kwargs)
    layer.build(shape)
    for variable in layer.weights:
        variable.assign(rng.standard_normal(variable.shape))
    return layer, rng.standard_normal(shape).astype("float32")


class TestDepthwiseConv(TestCase):
    @pytest.mark.parametrize("size, rate", [(3, 1), (5, 2), (3, 11)])
    @pytest.mark.parametrize("use_bias", [False, True])
    def test_equals_a_plain_computation(self, size, rate, use_bias):
        layer, x = make(kernel_size=size, dilation_rate=rate, use_bias=use_bias)
        kernel = plain.dilated(to_numpy(layer.kernel), rate)
        expected = plain.depthwise_convolution(x, kernel)
        if use_bias:
            expected = expected + to_numpy(layer.bias)
        self.assert_close(jitted(layer)(x), expected, 1e-5)

    def test_channels_first_equals_channels_last(self):
        if keras.backend.backend() == "tensorflow":
            pytest.skip("TensorFlow's CPU convolution is channels-last only")
        layer, x = make(use_bias=True)
        first = DepthwiseConv(use_bias=True, data_format="channels_first")
        first.build((2, 4, 7, 5))
        first.set_weights(layer.get_weights())
        actual = to_numpy(jitted(first)(x.transpose(0, 3, 1, 2)))
        self.assert_close(actual.transpose(0, 2, 3, 1), jitted(layer)(x), 1e-5)

    def test_layer(self):
        shape = (2, 7, 5, 4)
        self.run_layer_test(
            DepthwiseConv,
            {"kernel_size": 5, "dilation_rate": 2, "use_bias": True},
            [shape],
            expected_output_shape=shape,
            expected_num_trainable=2,
        )

    def test_even_kernels_are_refused(self):
        with pytest.raises(ValueError, match="kernel_size=4"):
            DepthwiseConv(4)
