"""Patches cover the map once, and share the vertices of their borders."""

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import rasterio
from rasterio.errors import RasterioIOError
from rasterio.features import rasterize
from rasterio.shutil import copy

from keras_rsseg.scenes.maps.patches import merge_small
from keras_rsseg.scenes.maps.patches import neighbours
from keras_rsseg.scenes.maps.patches import trace_patches
from tests.scenes.class_maps import random_classes
from tests.scenes.class_maps import write_classes

shapely = pytest.importorskip("shapely")


def trace(path):
    with rasterio.open(path) as dataset:
        patches = trace_patches(dataset)
    polygons = shapely.from_ragged_array(
        shapely.GeometryType.POLYGON,
        patches.points.astype("float64"),
        (patches.rings, patches.polygons),
    )
    return patches, polygons


@hypothesis.given(
    height=st.integers(1, 25),
    width=st.integers(1, 25),
    seed=st.integers(0, 1000),
    cell=st.integers(1, 4),
)
def test_cover_the_map_once(tmp_path_factory, height, width, seed, cell):
    ids = random_classes(height, width, seed, cell)
    path = tmp_path_factory.mktemp("patches") / "map.tif"
    patches, polygons = trace(write_classes(path, ids))
    # A valid coverage has no overlaps, and vertices that match.
    assert shapely.is_valid(polygons).all()
    assert shapely.coverage_is_valid(polygons)
    assert shapely.area(polygons).sum() == ids.size
    drawn = rasterize(
        zip(polygons, patches.classes.tolist(), strict=True),
        out_shape=ids.shape,
        fill=77,
        dtype="uint8",
    )
    np.testing.assert_array_equal(drawn, ids)


@hypothesis.given(seed=st.integers(0, 1000), cell=st.integers(1, 3))
def test_neighbours_share_a_side(tmp_path_factory, seed, cell):
    ids = random_classes(9, 12, seed, cell)
    path = tmp_path_factory.mktemp("patches") / "map.tif"
    patches, polygons = trace(write_classes(path, ids))
    number = rasterize(
        zip(polygons, range(len(polygons)), strict=True),
        out_shape=ids.shape,
        dtype="int32",
    )
    expected = set()
    for first, second in (
        (number[1:], number[:-1]),
        (number[:, 1:], number[:, :-1]),
    ):
        differ = first != second
        pairs = np.stack([first[differ], second[differ]], axis=1)
        expected |= {tuple(pair) for pair in np.sort(pairs, axis=1).tolist()}
    found = [tuple(pair) for pair in neighbours(patches).tolist()]
    assert set(found) == expected
    assert len(found) == len(expected)


def test_corners_do_not_connect(tmp_path):
    patches, _ = trace(write_classes(tmp_path / "map.tif", np.eye(2)))
    assert sorted(patches.classes) == [0, 0, 1, 1]


def test_damaged_map(tmp_path):
    # Its table of contents comes first, so it still opens.
    whole = write_classes(tmp_path / "whole.tif", random_classes(900, 900))
    path = tmp_path / "map.tif"
    copy(whole, path, driver="COG")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(RasterioIOError, match="cannot be read completely"):
        trace(path)


def test_joins_the_largest_neighbour():
    merged = merge_small([0, 1, 2], [10, 1, 20], [[0, 1], [1, 2]], 2)
    np.testing.assert_array_equal(merged, [0, 2, 2])


def test_a_patch_between_two_of_a_class_connects_them():
    # Without that, two patches of one class would share a border.
    merged = merge_small([0, 1, 0], [5, 1, 4], [[0, 1], [1, 2]], 2)
    np.testing.assert_array_equal(merged, [0, 0, 0])


def test_small_ones_grow_together():
    # None has a large neighbour: 3 + 2 + 2 are finally large enough.
    merged = merge_small([0, 1, 2], [3, 2, 2], [[0, 1], [1, 2]], 7)
    np.testing.assert_array_equal(merged, [0, 0, 0])
    # 2 and 3 make 5, which is enough: the last one stays alone.
    merged = merge_small([0, 1, 2], [9, 2, 3], [[1, 2]], 5)
    np.testing.assert_array_equal(merged, [0, 2, 2])


@pytest.mark.parametrize("minimum", [0, 1])
def test_large_ones_stay(minimum):
    merged = merge_small([0, 1], [1, 1], [[0, 1]], minimum)
    np.testing.assert_array_equal(merged, [0, 1])


def test_void_takes_no_part():
    pairs = [[0, 1], [1, 2], [2, 3]]
    merged = merge_small([0, 255, 1, 255], [9, 1, 1, 50], pairs, 5)
    np.testing.assert_array_equal(merged, [0, 1, 2, 3])
