"""Tests of the picture of the sampled points."""

import numpy as np
import pytest

from keras_rsseg.visualize import plot_points
from keras_rsseg.visualize import sampled_points
from tests.visualize.sampled_points_test import POINTS
from tests.visualize.sampled_points_test import make_network
from tests.visualize.sampled_points_test import make_tiles


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
