"""Pyramid pooling equals the released module, for any size of map."""

import keras
import numpy as np
import pytest

from keras_rsseg.layers.pyramid_pooling import PyramidPooling
from tests.gradients import gradient
from tests.layers import plain
from tests.layers.compiled import call
from tests.layers.compiled import jitted
from tests.shared import read_arrays
from tests.shared import shared_path
from tests.test_case import TestCase
from tests.test_case import to_numpy

# PSPNet's and UPerNet's.
MMSEGMENTATION = {
    "pooled_activation": "relu",
    "map_first": True,
    "kernel_size": 3,
    "align_corners": False,
}


def randomise(layer, seed=0):
    """Random weights, positive where they are variances."""
    rng = np.random.default_rng(seed)
    for variable in layer.weights:
        if "seed" not in variable.path:
            value = rng.standard_normal(variable.shape)
            if "variance" in variable.path:
                value = np.abs(value) + 0.5
            variable.assign(value)


def plain_pyramid_pooling(layer, x):
    """The output in inference mode, float64."""
    maps = []
    for branch, bins in zip(layer.branches, layer.bin_sizes, strict=True):
        kernel = to_numpy(branch.conv.kernel)
        pooled = plain.convolution(plain.average_pool(x, bins), kernel)
        pooled = plain.normalization(pooled, branch.batch_norm)
        if layer.pooled_activation is keras.activations.relu:
            pooled = np.maximum(pooled, 0)
        resize = (
            plain.resize_aligned
            if layer.align_corners
            else plain.resize_half_pixel
        )
        maps.append(resize(pooled, x.shape[1:3]))
    maps = [x, *maps] if layer.map_first else [*maps, x]
    joined = np.concatenate(maps, axis=-1)
    kernel = to_numpy(layer.bottleneck.conv.kernel)
    joined = plain.convolution(joined, kernel)
    joined = plain.normalization(joined, layer.bottleneck.batch_norm)
    return np.maximum(joined, 0)


def released(name, data_format="channels_last", dropout=0.1):
    """A fixture and a layer with its weights."""
    truth = read_arrays(shared_path("fixtures", "modules", name))
    layer = PyramidPooling(8, dropout=dropout, data_format=data_format)
    shape = (None, None, None, 32)
    if data_format == "channels_first":
        shape = (None, 32, None, None)
    layer.build(shape)
    for index, branch in enumerate(layer.branches):
        load(branch, truth, f"sd/stages.{index}.1", f"sd/stages.{index}.2")
    load(layer.bottleneck, truth, "sd/bottleneck.0", "sd/bottleneck.1")
    return truth, layer


def load(block, truth, conv, norm):
    kernel = truth[f"{conv}.weight"].transpose(2, 3, 1, 0)
    block.conv.set_weights([kernel])
    names = ["weight", "bias", "running_mean", "running_var"]
    block.batch_norm.set_weights([truth[f"{norm}.{n}"] for n in names])


def last(array):
    return array.transpose(0, 2, 3, 1)


class TestPyramidPooling(TestCase):
    @pytest.mark.parametrize("size", [(7, 5), (2, 3), (1, 1)])
    @pytest.mark.parametrize("options", [{}, MMSEGMENTATION])
    def test_equals_a_plain_computation(self, options, size):
        layer = PyramidPooling(3, bin_sizes=(1, 3, 4), **options)
        x = np.random.default_rng(0).standard_normal((2, *size, 5))
        layer.build(x.shape)
        randomise(layer)
        expected = plain_pyramid_pooling(layer, x)
        assert expected.max() > 0
        actual = call(layer, x.astype("float32"))
        self.assert_close(actual, expected, 1e-5)

    @pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
    @pytest.mark.parametrize("name", ["16x16", "4x4", "28x28"])
    def test_released_outputs_and_gradients(self, name, data_format):
        truth, layer = released(f"ppm_{name}.npz", data_format)
        x, expected = truth["x"], truth["eval/out"]
        cotangent, expected_gradient = truth["cot_out"], truth["eval/grad_x"]
        if data_format == "channels_last":
            x, expected, cotangent, expected_gradient = map(
                last, (x, expected, cotangent, expected_gradient)
            )
        elif keras.backend.backend() == "tensorflow":
            pytest.skip("TensorFlow's CPU convolution is channels-last only")
        self.assert_close(call(layer, x), expected)

        def loss(x):
            return keras.ops.sum(keras.ops.multiply(layer(x), cotangent))

        (actual,) = gradient(jitted(loss), x)
        self.assert_close(actual, expected_gradient)

    @pytest.mark.parametrize("name", ["16x16", "4x4"])
    def test_released_training_mode(self, name):
        truth, layer = released(f"ppm_{name}.npz", dropout=0.0)
        x = last(truth["x"])
        out = call(layer, x, training=True)
        # The bin of size 1 normalizes two values, which can be close.
        self.assert_close(out, last(truth["train_nodrop/out"]), 1e-4)
        for index, branch in enumerate(layer.branches):
            self.check_statistics(branch, truth, f"stages.{index}.2")
        self.check_statistics(layer.bottleneck, truth, "bottleneck.1")

    def check_statistics(self, block, truth, name):
        mean, variance = block.batch_norm.get_weights()[2:]
        after = f"train_nodrop/after/{name}"
        self.assert_close(mean, truth[f"{after}.running_mean"], 1e-4)
        self.assert_close(variance, truth[f"{after}.running_var"], 1e-4)

    def test_whole_channels_are_dropped_in_training_only(self):
        layer = PyramidPooling(200, dropout=0.4)
        x = np.random.default_rng(0).standard_normal((2, 6, 6, 4))
        layer.build(x.shape)
        # Every channel is 1 before the dropout.
        norm = layer.bottleneck.batch_norm
        norm.gamma.assign(np.zeros(200))
        norm.beta.assign(np.ones(200))
        np.testing.assert_array_equal(to_numpy(call(layer, x)), 1.0)
        out = to_numpy(call(layer, x, training=True))
        np.testing.assert_array_equal(out.min((1, 2)), out.max((1, 2)))
        assert 0.3 < (out == 0).mean() < 0.5
        np.testing.assert_allclose(out.max(), 1 / 0.6, rtol=1e-6)

    def test_layer(self):
        self.run_layer_test(
            PyramidPooling,
            {
                "filters": 6,
                "bin_sizes": (1, 2),
                "dropout": 0.2,
                **MMSEGMENTATION,
            },
            [(2, 7, 5, 4)],
            expected_output_shape=(2, 7, 5, 6),
            expected_num_trainable=9,
            mixed_precision=False,  # below
        )

    @pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
    def test_mixed_precision_is_near_float32(self, policy):
        x = np.random.default_rng(0).standard_normal((2, 9, 9, 16))
        layer = PyramidPooling(8)
        layer.build(x.shape)
        expected = call(layer, x)
        mixed = PyramidPooling(8, dtype=policy)
        mixed.build(x.shape)
        mixed.set_weights(layer.get_weights())
        out = keras.ops.cast(call(mixed, x), "float32")
        tolerance = 5e-3 if policy == "mixed_float16" else 4e-2
        self.assert_close(out, expected, tolerance)

    def test_sublayers_are_named_by_their_bins(self):
        layer = PyramidPooling(8)
        names = [branch.name for branch in layer.branches]
        assert names == ["bin1", "bin2", "bin3", "bin6"]

    def test_an_even_kernel_is_refused(self):
        with pytest.raises(ValueError, match="kernel_size"):
            PyramidPooling(8, kernel_size=2)

    @pytest.mark.parametrize("bin_sizes", [(), (0, 2), (2, 2), (1.5,)])
    def test_bad_bin_sizes_are_refused(self, bin_sizes):
        with pytest.raises(ValueError, match="bin_sizes"):
            PyramidPooling(8, bin_sizes=bin_sizes)
