"""Tests of the share of foreground among pixels and sampled points."""

import math

import numpy as np
import pytest

from keras_rsseg.visualize import point_foreground_ratio
from keras_rsseg.visualize import sampled_points
from tests.visualize.sampled_points_test import POINTS
from tests.visualize.sampled_points_test import make_network
from tests.visualize.sampled_points_test import make_tiles


def test_counts_labels_at_the_points():
    model, tiles = make_network(**POINTS), make_tiles()
    levels = sampled_points(model, tiles)
    # Foreground where the first boundary point of each tile lies.
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
