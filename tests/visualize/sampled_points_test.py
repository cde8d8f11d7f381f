"""Tests of where the sampled points lie on the tile."""

import keras
import numpy as np
import pytest

import keras_rsseg
from keras_rsseg.visualize import sampled_points
from tests.models.tiny_encoder import TinyEncoder

POINTS = {"max_pool_size": 3, "num_boundary_points": 5}


def make_network(system=keras_rsseg.PFNet, encoder=None, **arguments):
    keras.utils.set_random_seed(0)
    encoder = TinyEncoder(**(encoder or {}))
    backbone = system.backbone_cls(encoder, fpn_dim=8, **arguments)
    return system(backbone, num_classes=3)


def make_tiles(height=64, width=96):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (2, height, width, 3)).astype("uint8")


def test_points_are_centres_of_the_coarse_pixels():
    levels = sampled_points(make_network(**POINTS), make_tiles())
    names = [level.layer for level in levels]
    assert names == ["point_flow_P4", "point_flow_P3", "point_flow_P2"]
    for level, stride, boundary in zip(
        levels, (32, 16, 8), (5, 5, 5), strict=True
    ):
        assert level.salient.shape == (2, 9, 2)
        assert level.boundary.shape == (2, boundary, 2)
        for points in (level.salient, level.boundary):
            # Half a coarse pixel off its border.
            np.testing.assert_array_equal(points % stride, stride / 2)
            assert (points < (64, 96)).all()


def test_points_are_those_of_the_layer():
    model, tiles = make_network(**POINTS), make_tiles()
    layer = model.backbone.get_layer("point_flow_P3")
    maps = keras.Model(model.backbone.input, layer.input)
    fine, coarse = maps(keras.ops.cast(model.preprocessor(tiles), "float32"))
    expected = keras.ops.convert_to_numpy(
        layer.select_points(fine, coarse).salient_coarse
    )
    found = sampled_points(model, tiles)[1].salient
    np.testing.assert_array_equal(found[..., 0] // 16, expected // 6)
    np.testing.assert_array_equal(found[..., 1] // 16, expected % 6)


def test_same_points_channels_first():
    if keras.backend.backend() == "tensorflow":
        pytest.skip("TensorFlow's CPU convolution is channels-last only")
    last = make_network(**POINTS)
    first = make_network(encoder={"data_format": "channels_first"}, **POINTS)
    first.set_weights(last.get_weights())
    tiles = make_tiles()
    for x, y in zip(
        sampled_points(first, tiles), sampled_points(last, tiles), strict=True
    ):
        np.testing.assert_array_equal(x.salient, y.salient)


def test_refuses_a_network_without_points():
    model = make_network(keras_rsseg.SemanticFPN)
    with pytest.raises(ValueError, match="PointFlow.*SemanticFPN"):
        sampled_points(model, make_tiles())


def test_refuses_a_single_image():
    with pytest.raises(ValueError, match="tiles.shape=.64, 96, 3."):
        sampled_points(make_network(), make_tiles()[0])
