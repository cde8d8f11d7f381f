"""Deformable convolution, tap by tap."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_rsseg.layers import DeformableConv
from tests.gradients import gradient
from tests.layers import plain
from tests.layers.compiled import jitted
from tests.test_case import TestCase
from tests.test_case import to_numpy


def image(shape=(2, 7, 5, 3), seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal(shape).astype("float32")


def make_layer(x, **arguments):
    """A layer with some offsets larger than the map."""
    layer = DeformableConv(4, **arguments)
    layer.build(x.shape)
    rng = np.random.default_rng(1)
    layer.bias.assign(rng.standard_normal(layer.bias.shape))
    for variable in layer.offset_conv.weights:
        variable.assign(rng.standard_normal(variable.shape))
    return layer


def plain_deformable(layer, x):
    """The definition, one tap of one pixel at a time."""
    size, taps = layer.kernel_size, layer.kernel_size**2
    kernel, bias = to_numpy(layer.kernel), to_numpy(layer.bias)
    offsets = plain.convolution(
        x.astype("float64"),
        *(np.asarray(w, "float64") for w in layer.offset_conv.get_weights()),
    )
    out = np.zeros((*x.shape[:3], layer.filters)) + bias
    for b, i, j in np.ndindex(x.shape[:3]):
        for tap in range(taps):
            row, column = divmod(tap, size)
            down, right = offsets[b, i, j, 2 * tap : 2 * tap + 2]
            y, z = i + row - size // 2 + down, j + column - size // 2 + right
            weight = 1.0
            if layer.modulated:
                weight = plain.sigmoid(offsets[b, i, j, 2 * taps + tap])
            value = weight * sample_with_zeros(x[b], y, z)
            out[b, i, j] += value @ kernel[row, column]
    return out


def sample_with_zeros(x, row, column):
    """Bilinear value; pixels outside the image are zero."""
    value = np.zeros(x.shape[-1])
    for i in (np.floor(row), np.floor(row) + 1):
        for j in (np.floor(column), np.floor(column) + 1):
            if 0 <= i < x.shape[0] and 0 <= j < x.shape[1]:
                weight = (1 - abs(row - i)) * (1 - abs(column - j))
                value += weight * x[int(i), int(j)]
    return value


class TestDeformableConv(TestCase):
    @pytest.mark.parametrize(
        "kernel_size, modulated", [(1, True), (3, False), (3, True)]
    )
    def test_equals_a_plain_computation(self, kernel_size, modulated):
        x = image()
        layer = make_layer(x, kernel_size=kernel_size, modulated=modulated)
        self.assert_close(call_layer(layer, x), plain_deformable(layer, x))

    @pytest.mark.parametrize("modulated", [False, True])
    def test_starts_as_a_plain_convolution(self, modulated):
        x = image()
        layer = DeformableConv(4, modulated=modulated)
        actual = call_layer(layer, x)
        expected = plain.convolution(x, to_numpy(layer.kernel))
        # The published weights of the taps start at a half.
        self.assert_close(actual, expected * (0.5 if modulated else 1.0))

    def test_without_a_bias(self):
        x = image()
        layer = make_layer(x)
        other = DeformableConv(4, use_bias=False)
        other.build(x.shape)
        assert other.bias is None
        kernels = [v for v in layer.weights if v is not layer.bias]
        other.set_weights([to_numpy(v) for v in kernels])
        actual = to_numpy(call_layer(other, x)) + to_numpy(layer.bias)
        self.assert_close(actual, call_layer(layer, x))
        config = self.run_config_test(
            DeformableConv, {"filters": 4, "use_bias": False}
        )
        assert not config.use_bias

    def test_channels_first_equals_channels_last(self):
        if keras.backend.backend() == "tensorflow":
            pytest.skip("TensorFlow's CPU convolution is channels-last only")
        x = image()
        layer = make_layer(x, modulated=True)
        first = DeformableConv(4, modulated=True, data_format="channels_first")
        first.build((2, 3, 7, 5))
        first.set_weights(layer.get_weights())
        actual = to_numpy(call_layer(first, x.transpose(0, 3, 1, 2)))
        self.assert_close(
            actual.transpose(0, 2, 3, 1), call_layer(layer, x), 1e-5
        )

    def test_every_weight_has_a_gradient(self):
        # Half a pixel off the grid, where the flow is differentiable.
        x = image()
        layer = DeformableConv(4, modulated=True)
        layer.build(x.shape)
        layer.offset_conv.bias.assign(
            np.full(layer.offset_conv.bias.shape, 0.5)
        )
        cotangent = image((2, 7, 5, 4), seed=2)

        def loss(x, *weights):
            out, _ = layer.stateless_call(list(weights), [], x)
            return ops.sum(ops.multiply(out, cotangent))

        weights = [to_numpy(v) for v in layer.trainable_variables]
        found = gradient(jitted(loss), x, *weights)
        self.assert_finite(found)
        assert all(np.abs(value).max() > 0 for value in found)

    def test_unknown_sizes_in_a_saved_model(self):
        layer = self.run_config_test(
            DeformableConv, {"filters": 4, "kernel_size": 5, "modulated": True}
        )
        inputs = keras.Input((None, None, 3))
        model = keras.Model(inputs, layer(inputs))
        assert model.output_shape == (None, None, None, 4)
        # Also smaller than the kernel.
        self.run_save_test(model, image((1, 3, 1, 3)))

    def test_mixed_precision_keeps_coordinates_in_float32(self):
        # bfloat16 cannot count rows above 256.
        x = image((1, 400, 2, 3))
        layer = DeformableConv(4, dtype="mixed_bfloat16")
        out = call_layer(layer, x)
        assert keras.backend.standardize_dtype(out.dtype) == "bfloat16"
        expected = plain.convolution(x, to_numpy(layer.kernel))
        self.assert_close(ops.cast(out, "float32"), expected, 2e-2)

    @pytest.mark.parametrize("size", [0, 2, 1.5])
    def test_even_kernels_are_refused(self, size):
        with pytest.raises(ValueError, match=f"kernel_size={size}"):
            DeformableConv(4, kernel_size=size)


def call_layer(layer, x):
    if not layer.built:
        layer.build(x.shape)
    return jitted(layer)(x)
