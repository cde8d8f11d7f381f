"""Each pixel of a map is weighted by how well it fits the scene."""

import keras
import numpy as np
import pytest

from keras_rsseg.layers import ForegroundSceneRelation
from tests.layers import plain
from tests.layers.compiled import call
from tests.test_case import TestCase
from tests.test_case import to_numpy


def inputs():
    rng = np.random.default_rng(0)
    return (
        rng.standard_normal((2, 5, 4, 6)).astype("float32"),
        rng.standard_normal((2, 1, 1, 7)).astype("float32"),
    )


def built(*shapes, **kwargs):
    layer = ForegroundSceneRelation(3, **kwargs)
    layer.build(*shapes)
    rng = np.random.default_rng(1)
    for variable in layer.weights:
        value = rng.standard_normal(variable.shape)
        positive = "variance" in variable.path
        variable.assign(np.abs(value) + 0.5 if positive else value)
    return layer


def embedded(x, block):
    kernel, bias = map(to_numpy, (block.conv.kernel, block.conv.bias))
    x = plain.normalization(
        plain.convolution(x, kernel, bias), block.batch_norm
    )
    return np.maximum(x, 0)


class TestForegroundSceneRelation(TestCase):
    def test_equals_a_plain_computation(self):
        level_map, scene = inputs()
        layer = built(level_map.shape, scene.shape)
        first, second = layer.scene_embeddings
        x = np.maximum(plain.convolution(scene, *first.get_weights()), 0)
        x = plain.convolution(x, *second.get_weights())
        content = embedded(level_map, layer.content)
        relation = plain.sigmoid((x * content).sum(axis=-1, keepdims=True))
        assert 0.1 < np.ptp(relation)
        expected = relation * embedded(level_map, layer.recode)
        self.assert_close(call(layer, level_map, scene), expected, 1e-5)

    def test_channels_first_equals_channels_last(self):
        if keras.backend.backend() == "tensorflow":
            pytest.skip("TensorFlow's CPU convolution is channels-last only")
        level_map, scene = inputs()
        layer = built(level_map.shape, scene.shape)
        turned = [x.transpose(0, 3, 1, 2) for x in (level_map, scene)]
        shapes = [x.shape for x in turned]
        first = built(*shapes, data_format="channels_first")
        first.set_weights(layer.get_weights())
        actual = call(first, *turned)
        assert first.compute_output_shape(*shapes) == tuple(actual.shape)
        actual = to_numpy(actual).transpose(0, 2, 3, 1)
        self.assert_close(actual, call(layer, level_map, scene), 1e-5)

    def test_the_relation_of_large_values_is_finite_in_half_precision(self):
        layer = built((2, 5, 4, 6), (2, 1, 1, 7), dtype="mixed_float16")
        level_map, scene = inputs()
        output = call(layer, 100 * level_map, 100 * scene)
        self.assert_finite(output)

    def test_layer(self):
        level_map, scene = inputs()
        self.run_layer_test(
            ForegroundSceneRelation,
            {"filters": 3},
            [level_map.shape, scene.shape],
            expected_output_shape=(2, 5, 4, 3),
            expected_num_trainable=12,
        )
