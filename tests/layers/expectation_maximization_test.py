"""A map is rebuilt from its bases, which follow the training batches."""

import keras
import numpy as np
import pytest

from keras_rsseg.layers import ExpectationMaximization
from tests.gradients import gradient
from tests.layers import plain
from tests.layers.compiled import call
from tests.layers.compiled import jitted
from tests.test_case import TestCase
from tests.test_case import to_numpy


def plain_expectation_maximization(layer, x):
    """The rebuilt map and the bases of each image, float64."""
    kernel = to_numpy(layer.kernel).astype("float64")
    x = plain.convolution(x, kernel, to_numpy(layer.bias))
    out, fitted = np.zeros_like(x), []
    for index, image in enumerate(x):
        pixels = image.reshape(-1, x.shape[-1])
        bases = to_numpy(layer.bases)[0].astype("float64")
        for _ in range(layer.iterations):
            assigned = plain.softmax(pixels @ bases)
            shares = assigned / (layer.epsilon + assigned.sum(0))
            bases = pixels.T @ shares
            length = np.sqrt((bases**2).sum(0))
            bases = bases / (layer.epsilon + length)
        out[index] = (assigned @ bases.T).reshape(image.shape)
        fitted.append(bases)
    return out, np.stack(fitted)


def make(shape, **kwargs):
    """A layer with random weights, and a map."""
    rng = np.random.default_rng(0)
    layer = ExpectationMaximization(**{"num_bases": 3, **kwargs})
    layer.build(shape)
    layer.bias.assign(rng.standard_normal(layer.bias.shape))
    return layer, rng.standard_normal(shape).astype("float32")


class TestExpectationMaximization(TestCase):
    @pytest.mark.parametrize("size", [(4, 3), (1, 1)])
    def test_equals_a_plain_computation(self, size):
        layer, x = make((2, *size, 5))
        expected, _ = plain_expectation_maximization(layer, x)
        self.assert_close(jitted(layer)(x), expected, 1e-5)

    def test_training_moves_the_bases(self):
        layer, x = make((2, 4, 3, 5), momentum=0.75)
        old = to_numpy(layer.bases)
        _, fitted = plain_expectation_maximization(layer, x)
        mean = fitted.mean(0, keepdims=True)
        mean = mean / np.sqrt((mean**2).sum(1, keepdims=True))
        call(layer, x, training=True)
        self.assert_close(layer.bases, 0.75 * old + 0.25 * mean, 1e-5)

    @pytest.mark.parametrize("kept", ["inference", "frozen", "momentum"])
    def test_else_they_stay(self, kept):
        momentum = 1.0 if kept == "momentum" else 0.5
        layer, x = make((2, 4, 3, 5), momentum=momentum)
        layer.trainable = kept != "frozen"
        old = to_numpy(layer.bases)
        call(layer, x, training=kept != "inference")
        np.testing.assert_array_equal(to_numpy(layer.bases), old)

    def test_new_bases_have_the_length_1(self):
        layer, _ = make((2, 4, 3, 5))
        lengths = np.sqrt((to_numpy(layer.bases) ** 2).sum(1))
        self.assert_close(lengths, np.ones((1, 3)), 1e-6)

    def test_has_no_gradient(self):
        layer, x = make((1, 3, 2, 4))

        def loss(x):
            return keras.ops.sum(layer(x)) + keras.ops.sum(x)

        (found,) = gradient(jitted(loss), x)
        np.testing.assert_array_equal(found, np.ones_like(x))

    def test_layer(self):
        shape = (2, 7, 5, 4)
        self.run_layer_test(
            ExpectationMaximization,
            {"num_bases": 6, "iterations": 2, "momentum": 0.5},
            [shape],
            expected_output_shape=shape,
            expected_num_trainable=0,
        )
        layer, x = make(shape, num_bases=1)
        self.assert_finite(layer(x, training=True))

    def test_channels_first_equals_channels_last(self):
        if keras.backend.backend() == "tensorflow":
            pytest.skip("TensorFlow's CPU convolution is channels-last only")
        layer, x = make((2, 3, 5, 4))
        first = ExpectationMaximization(3, data_format="channels_first")
        first.build((None, 4, None, None))
        first.set_weights(layer.get_weights())
        out = to_numpy(jitted(first)(x.transpose(0, 3, 1, 2)))
        self.assert_close(out.transpose(0, 2, 3, 1), jitted(layer)(x), 1e-5)

    @pytest.mark.parametrize(
        "argument", [{"num_bases": 0}, {"iterations": 1.5}, {"momentum": 1.1}]
    )
    def test_bad_arguments_are_refused(self, argument):
        with pytest.raises(ValueError, match=next(iter(argument))):
            ExpectationMaximization(**argument)
