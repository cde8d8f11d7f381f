"""Uncertainty and probabilities are drawn from 0 to 1."""

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

from keras_rsseg.visualize import plot_confidence
from keras_rsseg.visualize import plot_overlay
from keras_rsseg.visualize import plot_side_by_side
from tests.scenes.class_maps import NAMES
from tests.scenes.class_maps import PALETTE
from tests.scenes.class_maps import random_classes
from tests.scenes.class_maps import write_classes
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


pytest.importorskip("matplotlib")


@pytest.fixture
def both(tmp_path):
    ids = random_classes(40, 60, cell=5)
    pixels = random_scene(40, 60).astype("uint16") * 9
    scene = write_scene(tmp_path / "scene.tif", pixels)
    return scene, write_classes(tmp_path / "map.tif", ids), ids


def test_lays_the_map_over_the_scene(tmp_path, both):
    scene, classes, ids = both
    figure = plot_overlay(scene, classes, opacity=0.3, title="overlay")
    (panel,) = figure.axes
    below, above = panel.images
    assert below.get_alpha() is None and above.get_alpha() == 0.3
    assert below.get_extent() == above.get_extent()
    colors = above.get_array()
    for index, color in enumerate(PALETTE):
        assert (colors[ids == index] == (*color, 255)).all()
    assert (colors[ids == 255, 3] == 0).all()
    assert len(figure.legends) == 1 and len(panel.patches) == 1
    figure.savefig(tmp_path / "overlay.png")
    assert (tmp_path / "overlay.png").stat().st_size > 5000


def test_shows_one_band(both):
    figure = plot_overlay(*both[:2], bands=2)
    shown = figure.axes[0].images[0].get_array()
    np.testing.assert_array_equal(shown[..., 0], shown[..., 2])


def test_bad_opacity(both):
    with pytest.raises(ValueError, match="opacity"):
        plot_overlay(*both[:2], opacity=50)


pytest.importorskip("matplotlib")


@pytest.fixture
def ids():
    ids = np.zeros((60, 80), "uint8")
    ids[30:] = 2
    ids[50:] = 255
    return ids


def write_both(folder, ids, **profile):
    return (
        write_scene(folder / "scene.tif", random_scene(*ids.shape), **profile),
        write_classes(folder / "map.tif", ids, **profile),
    )


def labels_of(figure):
    (legend,) = figure.legends
    return [text.get_text() for text in legend.get_texts()]


def scale_bar(panel):
    """Its length in metres and its label."""
    (bar,), (label,) = panel.patches, panel.texts
    return bar.get_width(), label.get_text()


def test_shows_both_with_a_legend(tmp_path, ids):
    scene, classes = write_both(tmp_path, ids)
    figure = plot_side_by_side(scene, classes, title="$harbour")
    left, right = figure.axes
    shown = right.images[0].get_array()
    assert shown.shape == (60, 80, 4)
    np.testing.assert_array_equal(shown[:30, :, :3], [[PALETTE[0]] * 80] * 30)
    np.testing.assert_array_equal(shown[30:50, :, :3], [[PALETTE[2]] * 80] * 20)
    assert (shown[50:, :, 3] == 0).all()
    assert left.images[0].get_array().shape == (60, 80, 4)
    # The class that does not occur is not in the legend.
    assert labels_of(figure) == [
        f"{NAMES[0]} 60.0 %",
        f"{NAMES[2]} 40.0 %",
        "no data 16.7 %",
    ]
    figure.savefig(tmp_path / "map.png")
    assert (tmp_path / "map.png").stat().st_size > 5000


def test_huge_scenes_are_read_at_the_size_of_the_picture(tmp_path, ids):
    scene, classes = write_both(tmp_path, np.kron(ids, np.ones((9, 9))))
    figure = plot_side_by_side(scene, classes, max_size=40)
    assert [panel.images[0].get_array().shape for panel in figure.axes] == [
        (30, 40, 4),
        (30, 40, 4),
    ]
    assert labels_of(figure)[0] == f"{NAMES[0]} 60.0 %"


@pytest.mark.parametrize(
    "crs, transform, width",
    [
        ("EPSG:32632", Affine(0.5, 0, 5e5, 0, -0.5, 5e6), 40),
        # 60 degrees north, where web mercator's metres are half a metre.
        ("EPSG:3857", Affine(1, 0, 1e6, 0, -1, 8_399_738), 40.1),
        ("EPSG:4326", Affine(1e-5, 0, 9, 0, -5e-6, 60), 44.6),
    ],
)
def test_scale_bar_follows_the_ground(tmp_path, ids, crs, transform, width):
    both = write_both(tmp_path, ids, crs=crs, transform=transform)
    panel = plot_side_by_side(*both).axes[0]
    left, right = panel.get_xlim()
    assert right - left == pytest.approx(width, rel=5e-3)
    assert scale_bar(panel) == (10, "10 m")


def test_no_scale_bar_without_a_reference_system(tmp_path, ids):
    both = write_both(tmp_path, ids, crs=None, transform=None)
    panel = plot_side_by_side(*both).axes[0]
    assert not panel.patches and not panel.texts


def test_refuses_a_map_of_another_grid(tmp_path, ids):
    scene, classes = write_both(tmp_path, ids)
    moved = Affine(0.5, 0, 500_001, 0, -0.5, 5_000_000)
    write_classes(classes, ids, transform=moved)
    with pytest.raises(ValueError, match="on its grid"):
        plot_side_by_side(scene, classes)
