"""Uncertainty and probabilities are drawn from 0 to 1."""

import numpy as np
import pytest
import rasterio

from keras_rsseg.visualize import plot_confidence
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import write_scene

pytest.importorskip("matplotlib")


def write_scaled(path, values):
    """Values from 0 to 1 as 0 to 250, the scale as a tag."""
    write_scene(path, values, nodata=255)
    with rasterio.open(path, "r+") as dataset:
        dataset.scales = (1 / 250,) * len(values)
    return path


def test_uncertainty(tmp_path):
    values = np.arange(251, dtype="uint8").reshape(1, 1, 251).repeat(40, 1)
    values[0, :5] = 255
    figure = plot_confidence(write_scaled(tmp_path / "u.tif", values))
    panel, bar = figure.axes
    image = panel.images[0]
    shown = image.get_array()
    assert shown.mask[:5].all() and not shown.mask[5:].any()
    np.testing.assert_allclose(shown[5], np.arange(251) / 250, rtol=1e-6)
    assert image.get_clim() == (0, 1)
    assert "uncertainty" in bar.get_xlabel()
    figure.savefig(tmp_path / "u.png")
    assert (tmp_path / "u.png").stat().st_size > 5000


def test_probabilities_show_the_highest(tmp_path):
    values = np.random.default_rng(0).dirichlet((1, 1, 1), (20, 30))
    values = np.moveaxis(values, -1, 0).astype("float32")
    values[:, 2, 3] = np.nan
    path = write_scene(tmp_path / "p.tif", values, nodata=np.nan)
    figure = plot_confidence(path, title="p")
    shown = figure.axes[0].images[0].get_array()
    assert shown.mask.sum() == 1 and shown.mask[2, 3]
    np.testing.assert_allclose(
        shown.compressed(), values.max(axis=0)[~shown.mask]
    )
    assert "likeliest" in figure.axes[1].get_xlabel()


def test_both_are_bright_where_the_model_is_sure(tmp_path):
    sure = np.zeros((1, 8, 8), "uint8")
    likely = np.stack([sure[0] + 250, sure[0]])
    brightness = []
    for values in (sure, likely):
        path = write_scaled(tmp_path / "raster.tif", values)
        image = plot_confidence(path).axes[0].images[0]
        brightness.append(sum(image.to_rgba(image.get_array())[0, 0, :3]))
    assert brightness[0] == pytest.approx(brightness[1])
    assert brightness[0] > 1.5


def test_large_rasters_become_small_pictures(tmp_path):
    path = write_scaled(tmp_path / "u.tif", np.zeros((1, 90, 60), "uint8"))
    figure = plot_confidence(path, max_size=30)
    assert figure.axes[0].images[0].get_array().shape == (30, 20)


def test_refuses_what_is_no_confidence(tmp_path):
    path = write_scene(tmp_path / "scene.tif", random_scene(9, 9))
    with pytest.raises(ValueError, match="from 0 to 1"):
        plot_confidence(path)
