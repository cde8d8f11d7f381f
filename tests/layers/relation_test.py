"""Relations are those stated in the layers' docstrings."""

import numpy as np
import pytest

from keras_rsseg.layers import ChannelRelation
from keras_rsseg.layers import SpatialRelation
from tests.test_case import TestCase
from tests.test_case import to_numpy


def maps(shape=(2, 4, 3, 5)):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def product(x, conv):
    """A 1x1 convolution of channels-last maps or vectors."""
    return x @ to_numpy(conv.kernel)[0, 0] + to_numpy(conv.bias)


class TestChannelRelation(TestCase):
    def test_equals_a_plain_computation(self):
        layer, x = ChannelRelation(), maps()
        actual = layer(x)
        average = x.mean((1, 2))
        u, v = product(average, layer.u), product(average, layer.v)
        scores = u[:, :, None] * v[:, None, :]
        weights = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
        self.assert_close(actual, np.einsum("bhwp,bpq->bhwq", x, weights), 1e-5)

    def test_basics(self):
        self.run_layer_test(ChannelRelation, {}, (2, 4, 3, 5), (2, 4, 3, 5), 4)
        first = ChannelRelation(data_format="channels_first")
        last = ChannelRelation()
        expected = last(maps())
        first.build((2, 5, 4, 3))
        first.set_weights(last.get_weights())
        actual = to_numpy(first(maps().transpose(0, 3, 1, 2)))
        self.assert_close(actual.transpose(0, 2, 3, 1), expected, 1e-5)


class TestSpatialRelation(TestCase):
    def test_equals_a_plain_computation(self):
        layer, x = SpatialRelation(), maps()
        actual = to_numpy(layer(x))
        assert actual.shape == (2, 4, 3, 5 + 12)
        np.testing.assert_array_equal(actual[..., :5], x)
        u, v = (
            product(x, conv).reshape(2, 12, 5) for conv in (layer.u, layer.v)
        )
        for j in range(12):
            expected = np.maximum((u * v[:, j : j + 1]).sum(-1), 0)
            found = actual[:, j // 3, j % 3, 5:]
            self.assert_close(found, expected, 1e-5)

    def test_basics(self):
        layer = self.run_config_test(
            SpatialRelation, {"data_format": "channels_first"}
        )
        last = SpatialRelation()
        expected = last(maps())
        layer.build((2, 5, 4, 3))
        layer.set_weights(last.get_weights())
        actual = to_numpy(layer(maps().transpose(0, 3, 1, 2)))
        assert layer.compute_output_shape((2, 5, 4, 3)) == actual.shape
        self.assert_close(actual.transpose(0, 2, 3, 1), expected, 1e-5)

    def test_an_unknown_size_is_refused(self):
        with pytest.raises(ValueError, match="one map size.*None"):
            SpatialRelation().build((None, None, 4, 5))

    def test_half_precision_does_not_overflow(self):
        layer = SpatialRelation(dtype="mixed_float16")
        self.assert_finite(layer(1e3 * maps()))
