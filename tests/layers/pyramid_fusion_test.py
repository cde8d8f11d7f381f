"""All levels of a pyramid are joined at the finest one, in order."""

import keras
import numpy as np
import pytest

from keras_rsseg.layers import PyramidFusion
from tests.layers import plain
from tests.layers.compiled import call
from tests.test_case import TestCase
from tests.test_case import to_numpy

SIZES = ((7, 9), (4, 5), (2, 3))


def pyramid(channels=(2, 3, 1)):
    rng = np.random.default_rng(0)
    return [
        rng.standard_normal((2, *size, n)).astype("float32")
        for size, n in zip(SIZES, channels, strict=True)
    ]


def built(levels, **kwargs):
    layer = PyramidFusion(4, **kwargs)
    layer.build([level.shape for level in levels])
    norm = layer.conv.batch_norm
    rng = np.random.default_rng(1)
    norm.set_weights([*rng.standard_normal((3, 4)), rng.uniform(0.5, 2, 4)])
    return layer


class TestPyramidFusion(TestCase):
    @pytest.mark.parametrize("kernel_size", [1, 3])
    def test_equals_a_plain_computation(self, kernel_size):
        levels = pyramid()
        layer = built(levels, kernel_size=kernel_size, use_bias=True)
        layer.conv.conv.bias.assign([1.0, 2.0, 3.0, 4.0])
        joined = np.concatenate(
            [plain.resize_aligned(x, SIZES[0]) for x in levels], axis=-1
        )
        kernel, bias = layer.conv.conv.get_weights()
        expected = plain.convolution(joined, kernel, bias)
        expected = plain.normalization(expected, layer.conv.batch_norm)
        actual = call(layer, levels)
        self.assert_close(actual, np.maximum(expected, 0), 1e-5)
        shapes = [level.shape for level in levels]
        assert layer.compute_output_shape(shapes) == tuple(actual.shape)

    def test_sums_levels(self):
        levels = pyramid((3, 3, 3))
        layer = built(levels, sum_levels=True)
        summed = sum(plain.resize_aligned(x, SIZES[0]) for x in levels)
        (kernel,) = layer.conv.conv.get_weights()
        expected = plain.normalization(
            plain.convolution(summed, kernel), layer.conv.batch_norm
        )
        self.assert_close(call(layer, levels), np.maximum(expected, 0), 1e-5)
        assert self.run_config_test(
            PyramidFusion, {"filters": 4, "sum_levels": True}
        ).sum_levels

    def test_levels_to_sum_have_as_many_channels(self):
        # One of a single channel would be added to every channel.
        with pytest.raises(ValueError, match="sum.*channels.*3.*1"):
            built(pyramid((3, 1, 3)), sum_levels=True)

    def test_corners_are_aligned_only_if_asked(self):
        levels = pyramid()
        aligned = built(levels)
        other = built(levels, align_corners=False)
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
        levels_first = [x.transpose(0, 3, 1, 2) for x in levels]
        first = built(levels_first, data_format="channels_first")
        first.set_weights(layer.get_weights())
        actual = to_numpy(call(first, levels_first)).transpose(0, 2, 3, 1)
        self.assert_close(actual, call(layer, levels), 1e-5)

    @pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
    def test_mixed_precision_is_near_float32(self, policy):
        levels = pyramid()
        layer, mixed = built(levels), built(levels, dtype=policy)
        mixed.set_weights(layer.get_weights())
        actual = call(mixed, levels)
        assert keras.backend.standardize_dtype(actual.dtype) == policy[6:]
        tolerance = 5e-3 if policy == "mixed_float16" else 4e-2
        actual = keras.ops.cast(actual, "float32")
        self.assert_close(actual, call(layer, levels), tolerance)

    def test_saved_model_of_unknown_sizes(self, tmp_path):
        layer = self.run_config_test(
            PyramidFusion, {"filters": 4, "kernel_size": 1, "use_bias": True}
        )
        inputs = [keras.Input((None, None, n)) for n in (2, 3, 1)]
        model = keras.Model(inputs, layer(inputs))
        assert model.output_shape == (None, None, None, 4)
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        self.assert_close(call(loaded, pyramid()), call(layer, pyramid()))
