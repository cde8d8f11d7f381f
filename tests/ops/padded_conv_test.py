"""Padding, convolution and bias in one equal the three in sequence."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_rsseg.ops import depthwise_conv
from keras_rsseg.ops import padded_conv
from keras_rsseg.ops.padded_conv import store_for_conv
from tests.gradients import gradient
from tests.ops.evaluate import evaluate
from tests.test_case import TestCase


def convolve(x, kernel, bias, strides, padding, dilation_rate):
    """Sum over the taps in float64."""
    x = np.pad(x, [(0, 0), (padding,) * 2, (padding,) * 2, (0, 0)])
    size = kernel.shape[0]
    reach = dilation_rate * (size - 1)
    rows = range(0, x.shape[1] - reach, strides)
    columns = range(0, x.shape[2] - reach, strides)
    y = np.zeros((len(x), len(rows), len(columns), kernel.shape[3])) + bias
    for i, j in np.ndindex(size, size):
        part = x[:, i * dilation_rate :, j * dilation_rate :]
        part = part[:, ::strides, ::strides][:, : len(rows), : len(columns)]
        y += part @ kernel[i, j]
    return y


class TestBiasedConv(TestCase):
    @pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
    @pytest.mark.parametrize(
        "size, strides, padding, dilation_rate",
        [
            (3, 1, 1, 1),
            (3, 2, 1, 1),
            (3, 1, 4, 4),
            (3, 1, 0, 1),
            (1, 1, 0, 1),
            (1, 2, 0, 1),
            (7, 2, 3, 1),
        ],
    )
    def test_values(self, size, strides, padding, dilation_rate, data_format):
        first = data_format == "channels_first"
        if first and keras.backend.backend() == "tensorflow":
            pytest.skip("TensorFlow's CPU convolution is channels-last only")
        rng = np.random.default_rng(size)
        x = rng.standard_normal((2, 11, 8, 3))
        kernel = rng.standard_normal((size, size, 3, 5))
        bias = rng.standard_normal(5)
        expected = convolve(x, kernel, bias, strides, padding, dilation_rate)
        x = x.transpose(0, 3, 1, 2) if first else x

        def function(x, kernel, bias=None):
            return padded_conv(
                x, kernel, bias, strides, padding, dilation_rate, data_format
            )

        tensors = [array.astype("float32") for array in (x, kernel, bias)]
        for given, values in ((bias, expected), (None, expected - bias)):
            y = evaluate(function, *tensors[: 2 if given is None else 3])
            y = y.transpose(0, 2, 3, 1) if first else y
            self.assert_close(y, values, 1e-5)

    @pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
    @pytest.mark.parametrize("shape", [(1, 5, 4, 3), (1, 40, 9, 2)])
    def test_one_filter_learns_from_one_map(self, shape, data_format):
        # Keras' convolution has none, on torch's CPU.
        first = data_format == "channels_first"
        if first and keras.backend.backend() == "tensorflow":
            pytest.skip("TensorFlow's CPU convolution is channels-last only")
        rng = np.random.default_rng(0)
        x, slopes = rng.standard_normal(shape), rng.standard_normal(shape[:3])
        kernel = rng.standard_normal((3, 3, shape[3], 1))
        options = {"padding": 1, "data_format": data_format}

        def loss(x, kernel, *bias):
            x = ops.transpose(x, (0, 3, 1, 2)) if first else x
            y = padded_conv(x, kernel, *bias, **options)
            y = ops.reshape(y, shape[:3])
            return ops.sum(y * ops.convert_to_tensor(slopes, "float32"))

        flipped = kernel[::-1, ::-1].transpose(0, 1, 3, 2)
        expected = [
            convolve(slopes[..., None], flipped, 0, 1, 1, 1),
            # The kernel's slope is linear in the kernel.
            np.reshape(
                [
                    np.sum(convolve(x, tap, 0, 1, 1, 1)[..., 0] * slopes)
                    for tap in np.eye(kernel.size).reshape(-1, *kernel.shape)
                ],
                kernel.shape,
            ),
            np.sum(slopes, keepdims=True).reshape(1),
        ]
        tensors = [array.astype("float32") for array in (x, kernel, np.ones(1))]
        for arguments in (tensors, tensors[:2]):
            actual = gradient(loss, *arguments)
            for one, other in zip(actual, expected[: len(actual)], strict=True):
                self.assert_close(one, other, 1e-5)

    def test_a_stored_kernel_is_the_same_kernel(self):
        kernel = keras.Variable(
            np.random.default_rng(0).normal(size=(3, 3, 2, 4))
        )
        values = ops.convert_to_numpy(kernel)
        store_for_conv(kernel)
        np.testing.assert_array_equal(ops.convert_to_numpy(kernel), values)
        assert tuple(kernel.shape) == (3, 3, 2, 4)
        if keras.backend.backend() == "torch":
            assert kernel.value.permute(3, 2, 0, 1).is_contiguous()
        kernel.assign(values + 1)
        np.testing.assert_array_equal(ops.convert_to_numpy(kernel), values + 1)

    def test_ranks(self):
        image, kernel = np.ones((4, 4, 2), "float32"), np.ones((1, 1, 2, 3))
        with pytest.raises(ValueError, match="`x` must have shape"):
            padded_conv(image, kernel, np.zeros(3))
        with pytest.raises(ValueError, match="`kernel` must have shape"):
            padded_conv(image[None], kernel[0], np.zeros(3))


class TestDepthwiseConv(TestCase):
    @pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
    @pytest.mark.parametrize("size, dilation_rate", [(3, 1), (3, 4), (5, 2)])
    def test_values_and_gradients(self, size, dilation_rate, data_format):
        first = data_format == "channels_first"
        if first and keras.backend.backend() == "tensorflow":
            pytest.skip("TensorFlow's CPU convolution is channels-last only")
        rng = np.random.default_rng(size)
        # A map smaller than the extent of the kernel.
        x = rng.standard_normal((2, 7, 5, 3))
        kernel = rng.standard_normal((size, size, 1, 3))
        bias = rng.standard_normal(3)
        full = np.zeros((size, size, 3, 3))
        full[:, :, range(3), range(3)] = kernel[:, :, 0]
        padding = dilation_rate * (size // 2)
        expected = convolve(x, full, bias, 1, padding, dilation_rate)
        if first:
            x = x.transpose(0, 3, 1, 2)
            expected = expected.transpose(0, 3, 1, 2)

        def function(x, kernel, bias=None):
            return depthwise_conv(x, kernel, bias, dilation_rate, data_format)

        x, kernel, bias = (a.astype("float32") for a in (x, kernel, bias))
        self.assert_close(evaluate(function, x, kernel, bias), expected)
        bare = expected - bias.reshape((3, 1, 1) if first else (3,))
        self.assert_close(evaluate(function, x, kernel), bare)
        actual = gradient(lambda *a: ops.sum(function(*a) ** 2), x, kernel)

        def full_loss(x, kernel):
            kernel = kernel * ops.eye(3)
            y = padded_conv(
                x, kernel, None, 1, padding, dilation_rate, data_format
            )
            return ops.sum(y**2)

        for name, a, b in zip(
            ("x", "kernel"), actual, gradient(full_loss, x, kernel), strict=True
        ):
            self.assert_close(a, b, msg=name)
