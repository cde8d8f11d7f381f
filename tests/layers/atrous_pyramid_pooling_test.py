"""Atrous pyramid pooling equals its definition, for any size of map."""

import keras
import numpy as np
import pytest

from keras_rsseg.layers.atrous_pyramid_pooling import AtrousPyramidPooling
from keras_rsseg.layers.separable_conv_bn_relu import SeparableConvBNReLU
from tests.layers import plain
from tests.layers.compiled import call
from tests.test_case import TestCase
from tests.test_case import to_numpy


def make(shape, **kwargs):
    """A layer with random weights and a map."""
    rng = np.random.default_rng(0)
    layer = AtrousPyramidPooling(3, dilation_rates=(2, 3), **kwargs)
    layer.build(shape)
    for variable in layer.weights:
        value = rng.standard_normal(variable.shape)
        if "variance" in variable.path:
            value = np.abs(value) + 0.5
        variable.assign(value)
    return layer, rng.standard_normal(shape).astype("float32")


def plain_block(block, x, dilation=1, activation=True):
    if isinstance(block, SeparableConvBNReLU):
        return plain_separable(block, x, dilation)
    kernel = to_numpy(block.conv.kernel).astype("float64")
    x = plain.convolution(x, plain.dilated(kernel, dilation))
    x = plain.normalization(x, block.batch_norm)
    return np.maximum(x, 0) if activation else x


def plain_separable(block, x, dilation):
    kernel = to_numpy(block.depthwise.kernel).astype("float64")
    x = plain.depthwise_convolution(x, plain.dilated(kernel, dilation))
    if block.depthwise_norm is not None:
        x = np.maximum(plain.normalization(x, block.depthwise_norm), 0)
    return plain_block(block.pointwise, x)


def plain_atrous_pooling(layer, x):
    """The output in inference mode, float64."""
    average = plain_block(layer.image_branch, x.mean((1, 2), keepdims=True))
    average = np.broadcast_to(average, (*x.shape[:3], 3))
    maps = [
        plain_block(branch, x, dilation)
        for branch, dilation in zip(layer.branches, (1, 2, 3), strict=True)
    ]
    maps = [average, *maps] if layer.image_first else [*maps, average]
    joined = np.concatenate(maps, axis=-1)
    if layer.projection is None:
        return joined
    return plain_block(layer.projection, joined, activation=False)


class TestAtrousPyramidPooling(TestCase):
    @pytest.mark.parametrize("size", [(7, 9), (2, 3), (1, 1)])
    def test_equals_a_plain_computation(self, size):
        layer, x = make((2, *size, 5))
        expected = plain_atrous_pooling(layer, x.astype("float64"))
        assert expected.min() < 0  # no activation
        self.assert_close(call(layer, x), expected, 1e-5)

    @pytest.mark.parametrize(
        "options",
        [
            {"separable": True, "kernel_size": 3},
            {"separable": True, "depthwise_norm": False, "image_first": False},
            {"project": False},
        ],
    )
    def test_forms_of_other_networks(self, options):
        layer, x = make((2, 7, 9, 5), **options)
        expected = plain_atrous_pooling(layer, x.astype("float64"))
        assert layer.compute_output_shape(x.shape) == expected.shape
        self.assert_close(call(layer, x), expected, 1e-5)

    def test_channels_first_and_activation(self):
        if keras.backend.backend() == "tensorflow":
            pytest.skip("TensorFlow's CPU convolution is channels-last only")
        layer, x = make((2, 7, 5, 4))
        first = AtrousPyramidPooling(
            3, (2, 3), activation="relu", data_format="channels_first"
        )
        first.build((None, 4, None, None))
        first.set_weights(layer.get_weights())
        out = to_numpy(call(first, x.transpose(0, 3, 1, 2)))
        expected = np.maximum(to_numpy(call(layer, x)), 0)
        self.assert_close(out.transpose(0, 2, 3, 1), expected, 1e-5)

    def test_layer(self):
        self.run_layer_test(
            AtrousPyramidPooling,
            {"filters": 6, "dilation_rates": (2, 4), "activation": "relu"},
            [(2, 7, 5, 4)],
            expected_output_shape=(2, 7, 5, 6),
            expected_num_trainable=15,
        )
        self.run_layer_test(
            AtrousPyramidPooling,
            {
                "filters": 6,
                "dilation_rates": (2, 4),
                "separable": True,
                "depthwise_norm": False,
                "image_first": False,
                "project": False,
                "kernel_size": 3,
            },
            [(2, 7, 5, 4)],
            expected_output_shape=(2, 7, 5, 24),
            # The depthwise convolutions have only a kernel.
            expected_num_trainable=14,
        )

    def test_branches_are_named_by_their_reach(self):
        layer = AtrousPyramidPooling(8)
        branches = [layer.image_branch, *layer.branches, layer.projection]
        assert [branch.name for branch in branches] == [
            *("image", "pointwise", "rate12", "rate24", "rate36"),
            "projection",
        ]

    @pytest.mark.parametrize("rates", [(), (0, 2), (2, 2), (1.5,)])
    def test_bad_dilation_rates_are_refused(self, rates):
        with pytest.raises(ValueError, match="dilation_rates"):
            AtrousPyramidPooling(8, dilation_rates=rates)
