"""Tests of the positions of sampled points on the tile."""

import math

import keras
import numpy as np
import pytest

import keras_rsseg
from keras_rsseg.visualize import plot_points
from keras_rsseg.visualize import point_foreground_ratio
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


def test_draws_the_points_of_each_level(tmp_path):
    model, image = make_network(**POINTS), make_tiles()[0]
    figure = plot_points(model, image, title="harbour")
    panels = figure.axes
    levels = sampled_points(model, image[None])
    assert [p.get_title() for p in panels] == [x.layer for x in levels]
    for panel, level in zip(panels, levels, strict=True):
        np.testing.assert_array_equal(panel.images[0].get_array(), image)
        boundary, salient = (
            np.asarray(points.get_offsets()) for points in panel.collections
        )
        # Matplotlib has x first.
        np.testing.assert_allclose(boundary[:, ::-1], level.boundary[0])
        np.testing.assert_allclose(salient[:, ::-1], level.salient[0])
    figure.savefig(tmp_path / "points.png")
    assert (tmp_path / "points.png").stat().st_size > 5000


def test_draws_bands_of_any_number_and_range():
    image = np.random.default_rng(0).normal(size=(32, 48, 5))
    encoder = {"image_shape": (None, None, 5)}
    model = make_network(encoder=encoder, **POINTS)
    shown = plot_points(model, image).axes[0].images[0].get_array()
    assert shown.shape == (32, 48, 3)
    assert (shown.min(), shown.max()) == pytest.approx((0, 1))
    encoder = {"image_shape": (None, None, 1)}
    model = make_network(encoder=encoder, **POINTS)
    shown = plot_points(model, image[..., :1]).axes[0].images[0].get_array()
    assert shown.shape == (32, 48)


def test_refuses_a_batch():
    with pytest.raises(ValueError, match="height, width, bands"):
        plot_points(make_network(), make_tiles())


def test_counts_labels_at_the_points():
    model, tiles = make_network(**POINTS), make_tiles()
    levels = sampled_points(model, tiles)
    # Foreground at the first boundary point of each tile.
    masks = np.zeros(tiles.shape[:3], "uint8")
    for mask, point in zip(masks, levels[0].boundary[:, 0], strict=True):
        row, column = point.astype(int)
        mask[row - 1 : row + 1, column - 1 : column + 1] = 2
    ratio = point_foreground_ratio(model, [(tiles, masks)])
    assert ratio.pixels == 8 / masks.size
    found = total = 0
    for level in levels:
        for points in (level.salient, level.boundary):
            for mask, located in zip(masks, points.astype(int), strict=True):
                labels = mask[located[:, 0], located[:, 1]]
                found, total = found + (labels == 2).sum(), total + labels.size
    assert ratio.points == found / total
    assert found > 0
    # The shares of several batches are of all their pixels.
    batches = [(tiles[:1], masks[:1]), (tiles[1:], masks[1:, ..., None])]
    assert point_foreground_ratio(model, batches) == ratio


def test_void_is_neither_and_several_classes_are_background():
    model, tiles = make_network(**POINTS), make_tiles()
    masks = np.full(tiles.shape[:3], 255, "uint8")
    assert all(map(math.isnan, point_foreground_ratio(model, [(tiles, masks)])))
    masks[:, :, :48] = 1
    masks[:, :, 48:72] = 4
    ratio = point_foreground_ratio(model, [(tiles, masks)], background=(0, 1))
    assert ratio.pixels == pytest.approx(1 / 3)
    assert point_foreground_ratio(model, [(tiles, masks)]) == (1, 1)


def test_refuses_masks_of_another_size():
    model, tiles = make_network(**POINTS), make_tiles()
    with pytest.raises(ValueError, match="size of their tiles"):
        point_foreground_ratio(model, [(tiles, np.zeros((2, 8, 8)))])
