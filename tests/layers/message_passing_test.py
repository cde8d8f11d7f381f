"""Messages equal their definition, neighbour by neighbour."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_rsseg.layers import MessagePassing
from tests.gradients import gradient
from tests.layers import plain
from tests.layers.compiled import jitted
from tests.layers.deformable_conv_test import sample_with_zeros
from tests.test_case import TestCase
from tests.test_case import to_numpy

RATES = (1, 3)


def make(shape=(2, 6, 5, 4), **kwargs):
    """A layer with random weights, and a map."""
    rng = np.random.default_rng(0)
    layer = MessagePassing(RATES, **kwargs)
    layer.build(shape)
    for variable in layer.weights:
        variable.assign(rng.standard_normal(variable.shape) / 3)
    return layer, rng.standard_normal(shape).astype("float32")


def plain_messages(layer, x):
    """The output, float64."""
    kernels = [to_numpy(c.kernel).astype("float64") for c in layer.convs]
    if not layer.deformable:
        kernels = np.split(kernels[0], len(RATES), axis=-1)
    maps = [x]
    for kernel, rate in zip(kernels, RATES, strict=True):
        kernel = plain.dilated(kernel, rate if layer.deformable else 1)
        made = plain.convolution(x.astype("float64"), kernel)
        weights, moves = plain.softmax(made[..., :9]), made[..., 9:]
        messages = np.zeros(x.shape)
        for b, i, j, tap in np.ndindex(*x.shape[:3], 9):
            row = i + (tap // 3 - 1) * rate
            column = j + (tap % 3 - 1) * rate
            if layer.deformable:
                row = row + moves[b, i, j, 2 * tap]
                column = column + moves[b, i, j, 2 * tap + 1]
            value = sample_with_zeros(x[b], row, column)
            messages[b, i, j] += weights[b, i, j, tap] * value
        maps.append(messages)
    return np.concatenate(maps, axis=-1)


@pytest.mark.parametrize("deformable", [True, False])
class TestMessagePassing(TestCase):
    def test_equals_a_plain_computation(self, deformable):
        layer, x = make(deformable=deformable)
        self.assert_close(jitted(layer)(x), plain_messages(layer, x), 1e-5)

    def test_channels_first_equals_channels_last(self, deformable):
        if keras.backend.backend() == "tensorflow":
            pytest.skip("TensorFlow's CPU convolution is channels-last only")
        layer, x = make(deformable=deformable)
        first = MessagePassing(
            RATES, deformable=deformable, data_format="channels_first"
        )
        first.build((2, 4, 6, 5))
        first.set_weights(layer.get_weights())
        actual = to_numpy(jitted(first)(x.transpose(0, 3, 1, 2)))
        actual = actual.transpose(0, 2, 3, 1)
        self.assert_close(actual, jitted(layer)(x), 1e-5)

    def test_every_weight_has_a_gradient(self, deformable):
        layer, x = make(deformable=deformable)

        def loss(x, *weights):
            out, _ = layer.stateless_call(list(weights), [], x)
            return ops.sum(ops.square(out))

        weights = [to_numpy(v) for v in layer.trainable_variables]
        found = gradient(jitted(loss), x, *weights)
        self.assert_finite(found)
        assert all(np.abs(value).max() > 0 for value in found)

    def test_layer(self, deformable):
        self.run_layer_test(
            MessagePassing,
            {"dilation_rates": RATES, "deformable": deformable},
            [(2, 6, 5, 4)],
            expected_output_shape=(2, 6, 5, 12),
            expected_num_trainable=2 if deformable else 1,
        )

    def test_one_pixel(self, deformable):
        layer, x = make((1, 1, 1, 4), deformable=deformable)
        self.assert_close(jitted(layer)(x), plain_messages(layer, x), 1e-5)


def test_same_dilations_are_refused():
    with pytest.raises(ValueError, match=r"`dilation_rates`.*\(3, 3\)"):
        MessagePassing((3, 3))
