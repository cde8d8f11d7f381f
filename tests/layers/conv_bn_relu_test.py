"""The layer trains, remembers and freezes as users of torch expect."""

import keras
import numpy as np
import pytest

from keras_rsseg.layers import BatchNorm
from keras_rsseg.layers import ConvBNReLU
from keras_rsseg.layers.conv_bn_relu import leaky_relu
from tests.layers.compiled import call
from tests.test_case import TestCase
from tests.test_case import to_numpy

X = np.random.default_rng(0).normal(3, 2, (2, 5, 4, 3)).astype("float32")
MEAN, BIASED = X.mean((0, 1, 2)), X.var((0, 1, 2))
UNBIASED = X.var((0, 1, 2), ddof=1)


def built(**kwargs):
    layer = BatchNorm(**kwargs)
    layer.build(X.shape)
    return layer


class TestBatchNorm(TestCase):
    def test_training_uses_the_batch_and_moves_the_statistics(self):
        layer = built(momentum=0.75)
        layer.moving_mean.assign([1.0, 2.0, 3.0])
        layer.moving_variance.assign([4.0, 5.0, 6.0])
        y = call(layer, X, training=True)
        self.assert_close(y, (X - MEAN) / np.sqrt(BIASED + 1e-5))
        mean = 0.75 * np.array([1, 2, 3]) + 0.25 * MEAN
        variance = 0.75 * np.array([4, 5, 6]) + 0.25 * UNBIASED
        self.assert_close(layer.moving_mean, mean)
        self.assert_close(layer.moving_variance, variance)

    def test_inference_uses_the_moving_statistics(self):
        layer = built(epsilon=0.1)
        weights = np.random.default_rng(1).uniform(1, 2, (4, 3))
        layer.set_weights(list(weights))
        gamma, beta, mean, variance = weights
        expected = gamma * (X - mean) / np.sqrt(variance + 0.1) + beta
        self.assert_close(call(layer, X), expected)
        self.assert_close(np.stack(layer.get_weights()), weights, 1e-7)

    def test_a_frozen_layer_neither_uses_nor_gathers_the_batch(self):
        # Fine-tuning with a frozen encoder must not drift.
        layer = built()
        layer.trainable = False
        y = call(layer, X, training=True)
        self.assert_close(y, X / np.sqrt(1 + 1e-5))
        np.testing.assert_array_equal(to_numpy(layer.moving_mean), 0)
        np.testing.assert_array_equal(to_numpy(layer.moving_variance), 1)

    def test_defaults_are_those_of_torch(self):
        layer = BatchNorm()
        assert (layer.momentum, layer.epsilon) == (0.9, 1e-5)

    @pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
    def test_mixed_precision_keeps_weights_and_statistics(self, policy):
        layer = built(dtype=policy, momentum=0.5)
        # 1 + 2**-12 is 1 in either half precision.
        layer.gamma.assign(np.full(3, 1 + 2**-12))
        layer.beta.assign(np.full(3, 1000.0))
        x = keras.ops.cast(X, policy[6:])
        y = call(layer, x, training=True)
        assert keras.backend.standardize_dtype(y.dtype) == policy[6:]
        rounded = to_numpy(keras.ops.cast(x, "float32"))
        self.assert_close(layer.moving_mean, 0.5 * rounded.mean((0, 1, 2)))
        self.assert_close(
            layer.moving_variance,
            0.5 + 0.5 * rounded.var((0, 1, 2), ddof=1),
        )
        assert {v.dtype for v in layer.weights} == {"float32"}

    def test_torch_remembers_the_same(self):
        torch = pytest.importorskip("torch")
        if keras.backend.backend() != "torch":
            pytest.skip("torch is compared where it is the backend")
        layer, reference = built(), torch.nn.BatchNorm2d(3)
        with torch.device("cpu"):
            x = torch.tensor(X.transpose(0, 3, 1, 2))
        for _ in range(3):
            y = layer(X, training=True)
            expected = reference(x)
        expected = expected.detach().numpy().transpose(0, 2, 3, 1)
        self.assert_close(y, expected)
        self.assert_close(layer.moving_variance, reference.running_var)
        self.assert_close(layer.moving_mean, reference.running_mean)

    def test_config(self):
        layer = self.run_config_test(
            BatchNorm, {"axis": 1, "momentum": 0.8, "epsilon": 1e-3}
        )
        assert (layer.axis, layer.momentum, layer.epsilon) == (1, 0.8, 1e-3)


# In inference and with frozen normalization, the moving statistics count.
TRAINING = [(False, True), (True, True), (True, False)]
KERNEL = np.random.default_rng(2).standard_normal((1, 1, 3, 4))


def plain_convolution(x, kernel, strides, dilation):
    """Loop over pixels and taps, with equal zero padding on both sides."""
    size = kernel.shape[0]
    batch, height, width, _ = x.shape
    reach = dilation * (size - 1) // 2
    out = np.zeros(
        (batch, -(-height // strides), -(-width // strides), kernel.shape[3])
    )
    for i, j in np.ndindex(out.shape[1:3]):
        for u, v in np.ndindex(size, size):
            row = i * strides + u * dilation - reach
            column = j * strides + v * dilation - reach
            if 0 <= row < height and 0 <= column < width:
                out[:, i, j] += x[:, row, column] @ kernel[u, v]
    return out


def layer_and_input(size, kernel_size, strides, dilation, **kwargs):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((2, *size, 3)).astype("float32")
    layer = ConvBNReLU(
        4, kernel_size, strides, dilation, data_format="channels_last", **kwargs
    )
    layer.build(x.shape)
    gamma, beta, mean = rng.standard_normal((3, 4))
    variance = rng.uniform(0.5, 2, 4)
    layer.batch_norm.set_weights([gamma, beta, mean, variance])

    def normalised(y):
        return gamma * (y - mean) / np.sqrt(variance + 1e-5) + beta

    return layer, x, normalised


class TestConvBNReLU(TestCase):
    @pytest.mark.parametrize("size", [(8, 6), (7, 9), (1, 2)])
    @pytest.mark.parametrize(
        "kernel_size, strides, dilation",
        [
            (3, 1, 1),
            (3, 2, 1),
            (7, 2, 1),
            (1, 2, 1),
            (3, 1, 3),
            # The trunk of the released PFNet: strided and dilated.
            (3, 2, 2),
            (3, 2, 4),
            (5, 3, 3),
        ],
    )
    def test_equals_a_plain_computation(
        self, size, kernel_size, strides, dilation
    ):
        layer, x, normalised = layer_and_input(
            size, kernel_size, strides, dilation
        )
        kernel = np.asarray(layer.conv.get_weights()[0], "float64")
        expected = normalised(plain_convolution(x, kernel, strides, dilation))
        actual = call(layer, x)
        self.assert_close(actual, np.maximum(expected, 0), 1e-5)
        assert layer.compute_output_shape(x.shape) == tuple(actual.shape)

    def test_bias_and_no_activation(self):
        layer, x, normalised = layer_and_input(
            (5, 4), 3, 1, 1, use_bias=True, activation=None
        )
        bias = np.array([1.0, -2.0, 3.0, -4.0])
        layer.conv.bias.assign(bias)
        kernel = np.asarray(layer.conv.get_weights()[0], "float64")
        expected = normalised(plain_convolution(x, kernel, 1, 1) + bias)
        assert expected.min() < 0
        self.assert_close(call(layer, x), expected, 1e-5)

    def test_leaky_relu_is_that_of_torch_and_is_saved(self):
        layer, x, normalised = layer_and_input(
            (5, 4), 3, 1, 1, activation=leaky_relu
        )
        kernel = np.asarray(layer.conv.get_weights()[0], "float64")
        expected = normalised(plain_convolution(x, kernel, 1, 1))
        expected = np.where(expected > 0, expected, 0.01 * expected)
        self.assert_close(call(layer, x), expected, 1e-5)
        arguments = {"filters": 4, "kernel_size": 3, "activation": leaky_relu}
        revived = self.run_config_test(ConvBNReLU, arguments)
        config = keras.saving.serialize_keras_object(revived)
        revived = keras.saving.deserialize_keras_object(config)
        assert revived.activation is leaky_relu

    @pytest.mark.parametrize("training, trainable", TRAINING)
    @pytest.mark.parametrize("size", [(7, 8), (1, 2)])
    def test_pixels_that_are_not_kept_count_in_statistics(
        self, size, training, trainable
    ):
        # Otherwise the first blocks of PFNet's trunk would train differently.
        results = []
        for keep_every in (1, 2):
            layer, x, _ = layer_and_input(size, 1, 1, 1, keep_every=keep_every)
            layer.batch_norm.trainable = trainable
            layer.conv.set_weights([KERNEL])
            outputs = call(layer, x, training=training)
            assert layer.compute_output_shape(x.shape) == tuple(outputs.shape)
            results.append((outputs, layer.batch_norm.get_weights()))
        (everything, statistics), (kept, others) = results
        self.assert_close(kept, everything[:, ::2, ::2], 1e-6)
        for one, other in zip(others, statistics, strict=True):
            self.assert_close(one, other, 1e-6)

    @pytest.mark.parametrize("strides, dilation", [(1, 1), (2, 1), (2, 4)])
    def test_channels_first_equals_channels_last(self, strides, dilation):
        if keras.backend.backend() == "tensorflow":
            pytest.skip("TensorFlow's CPU convolution is channels-last only")
        layer, x, _ = layer_and_input((7, 8), 3, strides, dilation)
        first = ConvBNReLU(
            4, 3, strides, dilation, data_format="channels_first"
        )
        x_first = x.transpose(0, 3, 1, 2)
        first.build(x_first.shape)
        first.set_weights(layer.get_weights())
        actual = call(first, x_first)
        assert first.compute_output_shape(x_first.shape) == tuple(actual.shape)
        expected = keras.ops.transpose(call(layer, x), (0, 3, 1, 2))
        self.assert_close(actual, expected, 1e-5)

    def test_new_weights_are_kaiming_normal(self):
        # Deep networks without pretrained weights would not train otherwise.
        layer = ConvBNReLU(64, 3)
        layer.build((None, None, None, 16))
        kernel = layer.conv.get_weights()[0]
        expected = np.sqrt(2 / (9 * 64))
        assert abs(kernel.std() - expected) < 0.03 * expected
        assert np.abs(kernel).max() > 2.5 * expected  # not truncated

    def test_layer(self):
        self.run_layer_test(
            ConvBNReLU,
            {
                "filters": 4,
                "kernel_size": 3,
                "strides": 2,
                "dilation_rate": 2,
                "use_bias": True,
                "activation": "silu",
                "batch_norm_epsilon": 1e-3,
                "batch_norm_momentum": 0.8,
            },
            [(2, 7, 6, 3)],
            expected_output_shape=(2, 4, 3, 4),
            expected_num_trainable=4,
        )

    @pytest.mark.parametrize(
        "arguments, named",
        [
            ({"kernel_size": 4}, "kernel_size=4"),
            (
                {"kernel_size": 3, "strides": 2, "dilation_rate": 3},
                "dilation_rate=3, strides=2",
            ),
            ({"kernel_size": 3, "keep_every": 2}, "keep_every=2, kernel_size"),
            (
                {"kernel_size": 1, "keep_every": 2, "strides": 2},
                "keep_every=2, .* strides=2",
            ),
        ],
    )
    def test_bad_arguments_are_named(self, arguments, named):
        with pytest.raises(ValueError, match=named):
            ConvBNReLU(4, **arguments)
