"""Every level climbs to the finest one, with convolutions and doublings."""

import keras
import numpy as np
import pytest

from keras_rsseg.layers import PyramidLadders
from tests.layers import plain
from tests.layers.compiled import call
from tests.test_case import TestCase
from tests.test_case import to_numpy

# Doubled, the coarser ones are larger than the finest.
SIZES = ((7, 9), (4, 5), (2, 3))


def pyramid(channels=2):
    rng = np.random.default_rng(0)
    return [
        rng.standard_normal((2, *size, channels)).astype("float32")
        for size in SIZES
    ]


def built(levels, **kwargs):
    layer = PyramidLadders(4, **kwargs)
    layer.build([level.shape for level in levels])
    rng = np.random.default_rng(1)
    for conv in layer.convs:
        conv.batch_norm.set_weights(
            [*rng.standard_normal((3, 4)), rng.uniform(0.5, 2, 4)]
        )
    return layer


def step(x, conv):
    x = plain.convolution(x, to_numpy(conv.conv.kernel))
    return np.maximum(plain.normalization(x, conv.batch_norm), 0)


def twice(x):
    return plain.resize_aligned(x, (2 * x.shape[1], 2 * x.shape[2]))


class TestPyramidLadders(TestCase):
    @pytest.mark.parametrize("reduction, share", [("sum", 1), ("mean", 1 / 3)])
    def test_equals_a_plain_computation(self, reduction, share):
        fine, middle, coarse = levels = pyramid()
        layer = built(levels, reduction=reduction, align_corners=True)
        of_fine, of_middle, first, second = layer.convs
        climbed = [
            step(fine, of_fine),
            twice(step(middle, of_middle)),
            twice(step(twice(step(coarse, first)), second)),
        ]
        expected = share * sum(
            plain.resize_aligned(x, SIZES[0]) for x in climbed
        )
        actual = call(layer, levels)
        self.assert_close(actual, expected, 1e-5)
        shapes = [level.shape for level in levels]
        assert layer.compute_output_shape(shapes) == tuple(actual.shape)

    def test_corners_are_aligned_only_if_asked(self):
        levels = pyramid()
        aligned = built(levels, align_corners=True)
        other = built(levels)
        other.set_weights(aligned.get_weights())
        difference = to_numpy(call(aligned, levels)) - to_numpy(
            call(other, levels)
        )
        assert np.abs(difference).max() > 0.1

    def test_channels_first_equals_channels_last(self):
        if keras.backend.backend() == "tensorflow":
            pytest.skip("TensorFlow's CPU convolution is channels-last only")
        levels = pyramid()
        layer = built(levels)
        turned = [level.transpose(0, 3, 1, 2) for level in levels]
        first = built(turned, data_format="channels_first")
        first.set_weights(layer.get_weights())
        actual = to_numpy(call(first, turned)).transpose(0, 2, 3, 1)
        self.assert_close(actual, call(layer, levels), 1e-5)

    def test_layer(self):
        # The base class does not support a list as one argument.
        levels = [keras.Input((None, None, 2)) for _ in SIZES]
        config = {"filters": 4, "reduction": "mean", "align_corners": True}
        layer = self.run_config_test(PyramidLadders, config)
        model = keras.Model(levels, layer(levels))
        assert len(layer.trainable_variables) == 3 * (1 + 1 + 2)
        self.run_save_test(model, pyramid())
        mixed = PyramidLadders(4, dtype="mixed_float16")
        output = mixed(pyramid(), training=True)
        assert keras.backend.standardize_dtype(output.dtype) == "float16"
        self.assert_finite(output)

    def test_a_wrong_reduction_is_named(self):
        with pytest.raises(ValueError, match="`reduction`.*'max'"):
            PyramidLadders(4, reduction="max")
