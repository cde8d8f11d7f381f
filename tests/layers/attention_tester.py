"""What every attention layer must do, against its definition in NumPy."""

import keras
import numpy as np
import pytest

from tests.gradients import gradient
from tests.layers import plain
from tests.layers.compiled import jitted
from tests.test_case import TestCase
from tests.test_case import to_numpy


def project(layer, x):
    """Queries, keys and values of a layer in float64."""
    return [
        plain.convolution(
            x, to_numpy(conv.kernel).astype("float64"), to_numpy(conv.bias)
        )
        for conv in (layer.query, layer.key, layer.value)
    ]


class AttentionTester(TestCase):
    """Derive from it and set:

    Attributes:
        layer_class: class of the layer.
        arguments: dict of its arguments.
        num_trainable: number of its trainable variables.
    """

    layer_class = None
    arguments = {}
    num_trainable = 7

    def gather(self, layer, x):
        """The term added to `x`, before `gamma`, in float64."""
        raise NotImplementedError

    def plain_attention(self, layer, x):
        """The output in float64."""
        x = x.astype("float64")
        return x + to_numpy(layer.gamma) * self.gather(layer, x)

    def make(self, shape, **kwargs):
        """Return a layer with random weights and a map."""
        rng = np.random.default_rng(0)
        layer = self.layer_class(**self.arguments, **kwargs)
        layer.build(shape)
        for variable in layer.weights:
            variable.assign(0.5 * rng.standard_normal(variable.shape))
        layer.gamma.assign([0.7])
        return layer, rng.standard_normal(shape).astype("float32")

    @pytest.mark.parametrize("size", [(4, 3), (1, 5), (1, 1)])
    def test_equals_a_plain_computation(self, size):
        layer, x = self.make((2, *size, 4))
        expected = self.plain_attention(layer, x)
        assert np.abs(expected - x).max() > 0.1
        self.assert_close(jitted(layer)(x), expected, 1e-5)

    def test_gradient_equals_finite_differences(self):
        layer, x = self.make((1, 3, 2, 4))
        rng = np.random.default_rng(1)
        cotangent = rng.standard_normal(x.shape).astype("float32")
        direction = rng.standard_normal(x.shape)

        def loss(x):
            return keras.ops.sum(keras.ops.multiply(layer(x), cotangent))

        (found,) = gradient(jitted(loss), x)
        step = 1e-5 * direction
        change = self.plain_attention(layer, x + step)
        change -= self.plain_attention(layer, x - step)
        expected = (change * cotangent).sum() / 2e-5
        assert (found * direction).sum() == pytest.approx(expected, 1e-4)

    def test_layer(self):
        shape = (2, 7, 5, 4)
        out = self.run_layer_test(
            self.layer_class,
            self.arguments,
            [shape],
            expected_output_shape=shape,
            expected_num_trainable=self.num_trainable,
        )
        # A new layer changes nothing.
        x = np.random.default_rng(0).standard_normal(shape)
        np.testing.assert_array_equal(to_numpy(out), x.astype("float32"))

    def test_channels_first_equals_channels_last(self):
        if keras.backend.backend() == "tensorflow":
            pytest.skip("TensorFlow's CPU convolution is channels-last only")
        layer, x = self.make((2, 3, 5, 4))
        first = self.layer_class(**self.arguments, data_format="channels_first")
        first.build((None, 4, None, None))
        first.set_weights(layer.get_weights())
        out = to_numpy(jitted(first)(x.transpose(0, 3, 1, 2)))
        expected = jitted(layer)(x)
        self.assert_close(out.transpose(0, 2, 3, 1), expected, 1e-6)

    def test_mixed_precision_keeps_scores_in_float32(self):
        layer, x = self.make((1, 4, 5, 4))
        mixed, _ = self.make((1, 4, 5, 4), dtype="mixed_float16")
        out = keras.ops.cast(jitted(mixed)(x), "float32")
        self.assert_close(out, jitted(layer)(x), 5e-3)
        # Products beyond float16, whose differences would be NaN.
        self.assert_finite(jitted(mixed)(200 * x))
