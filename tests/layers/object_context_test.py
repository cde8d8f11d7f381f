"""Object context equals its definition, for any size of map."""

import keras
import numpy as np
import pytest

from keras_rsseg.layers import ObjectContext
from keras_rsseg.layers.conv_bn_relu import leaky_relu
from tests.layers import plain
from tests.layers.compiled import jitted
from tests.test_case import TestCase
from tests.test_case import to_numpy


def plain_object_context(layer, x, slope=0.0):
    """The output in inference mode, float64."""
    height, width = x.shape[1:3]
    rows, columns = max(height // 2, 1), max(width // 2, 1)
    halved = np.zeros((len(x), rows, columns, x.shape[3]))
    for i, j in np.ndindex(rows, columns):
        window = x[:, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
        halved[:, i, j] = window.max((1, 2))

    def convolve(y, conv):
        return plain.convolution(
            y, to_numpy(conv.kernel).astype("float64"), to_numpy(conv.bias)
        )

    query = plain.normalization(
        convolve(halved, layer.query.conv), layer.query.batch_norm
    )
    query = np.where(query > 0, query, slope * query)
    query = query.reshape(len(x), rows * columns, -1)
    value = convolve(halved, layer.value).reshape(len(x), rows * columns, -1)
    scores = query @ query.transpose(0, 2, 1) / np.sqrt(layer.key_filters)
    gathered = (plain.softmax(scores) @ value).reshape(halved.shape)
    gathered = convolve(gathered, layer.output_conv)
    return plain.resize_aligned(gathered, (height, width))


def make(shape, **kwargs):
    """A layer with random weights, and a map."""
    rng = np.random.default_rng(0)
    layer = ObjectContext(**{"key_filters": 3, **kwargs})
    layer.build(shape)
    for variable in layer.weights:
        value = rng.standard_normal(variable.shape)
        if "variance" in variable.path:
            value = np.abs(value) + 0.5
        variable.assign(value)
    return layer, rng.standard_normal(shape).astype("float32")


class TestObjectContext(TestCase):
    @pytest.mark.parametrize("size", [(4, 6), (7, 5), (1, 3), (1, 1)])
    def test_equals_a_plain_computation(self, size):
        layer, x = make((2, *size, 5))
        expected = plain_object_context(layer, x)
        assert np.abs(expected).max() > 0.1
        self.assert_close(jitted(layer)(x), expected, 1e-5)

    def test_leaky_queries(self):
        layer, x = make((2, 4, 6, 5), activation=leaky_relu)
        expected = plain_object_context(layer, x, slope=0.01)
        self.assert_close(jitted(layer)(x), expected, 1e-5)

    def test_layer(self):
        shape = (2, 7, 5, 4)
        for activation in ("relu", leaky_relu):
            out = self.run_layer_test(
                ObjectContext,
                {"key_filters": 6, "activation": activation},
                [shape],
                expected_output_shape=shape,
                expected_num_trainable=8,
            )
        # From zeros, as its authors start, a ReLU after it would never learn.
        assert np.ptp(to_numpy(out)) > 0

    def test_channels_first_equals_channels_last(self):
        if keras.backend.backend() == "tensorflow":
            pytest.skip("TensorFlow's CPU convolution is channels-last only")
        layer, x = make((2, 3, 5, 4))
        first = ObjectContext(3, data_format="channels_first")
        first.build((None, 4, None, None))
        first.set_weights(layer.get_weights())
        out = to_numpy(jitted(first)(x.transpose(0, 3, 1, 2)))
        self.assert_close(out.transpose(0, 2, 3, 1), jitted(layer)(x), 1e-5)

    def test_mixed_precision_keeps_scores_in_float32(self):
        layer, x = make((1, 4, 5, 4))
        mixed, _ = make((1, 4, 5, 4), dtype="mixed_float16")
        self.assert_close(jitted(mixed)(x), jitted(layer)(x), 1e-2)
        # Products beyond float16, whose differences would be NaN.
        self.assert_finite(jitted(mixed)(200 * x))

    def test_bad_number_is_refused(self):
        with pytest.raises(ValueError, match="key_filters"):
            ObjectContext(0)
