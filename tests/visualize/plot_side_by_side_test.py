"""Scene and map side by side, with a legend and a scale bar."""

import numpy as np
import pytest
from rasterio.transform import Affine

from keras_rsseg.visualize import plot_side_by_side
from tests.scenes.class_maps import NAMES
from tests.scenes.class_maps import PALETTE
from tests.scenes.class_maps import write_classes
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import write_scene

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
