"""Which pixels are in polygons, as GDAL would rasterise them."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from rasterio.features import rasterize

from keras_rsseg.scenes.reading.ground_areas import PixelArea
from keras_rsseg.scenes.reading.resampled_view import any_in_cells

_PLACES = st.tuples(
    st.floats(-30, 90, allow_subnormal=False),
    st.floats(-30, 90, allow_subnormal=False),
)


def burn(polygons, shape):
    """The union of polygons by GDAL, pixel centres counting."""
    shapes = [
        {
            "type": "Polygon",
            "coordinates": [[*map(list, r), list(r[0])] for r in rings],
        }
        for rings in polygons
    ]
    return rasterize(shapes, out_shape=shape) > 0


def random_polygons(seed, count=3, corners=8):
    """Rings that cross themselves and each other, some with holes."""
    rng = np.random.default_rng(seed)
    polygons = []
    for _ in range(count):
        rings = [rng.uniform(-20, 80, (corners, 2))]
        if rng.random() < 0.5:
            rings.append(rng.uniform(10, 40, (4, 2)))
        polygons.append(rings)
    return polygons


@pytest.mark.parametrize("seed", range(20))
def test_as_gdal_has_it(seed):
    polygons = random_polygons(seed)
    found = PixelArea(polygons).read(0, 0, 50, 60)
    np.testing.assert_array_equal(found, burn(polygons, (50, 60)))


def test_corners_on_centres_and_sides_along_rows():
    """Two squares that share a side share no pixel, and omit none."""
    for offset in (0.0, 0.5, 0.25):
        left = np.array([[1, 1], [4, 1], [4, 5], [1, 5]]) + offset
        right = np.array([[4, 1], [7, 1], [7, 5], [4, 5]]) + offset
        one, two = (PixelArea([[r]]).read(0, 0, 9, 9) for r in (left, right))
        assert not (one & two).any()
        assert one.sum() + two.sum() == 24


def test_holes_and_overlaps():
    """Two polygons that overlap are one area, a hole in one is none."""
    outer = [[0, 0], [6, 0], [6, 6], [0, 6]]
    hole = [[2, 2], [4, 2], [4, 4], [2, 4]]
    ring = PixelArea([[outer, hole]]).read(0, 0, 6, 6)
    assert ring.sum() == 36 - 4
    assert not ring[2:4, 2:4].any()
    twice = PixelArea([[outer], [hole]]).read(0, 0, 6, 6)
    assert twice.all()


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.lists(_PLACES, min_size=3, max_size=9), min_size=1, max_size=3),
    st.data(),
)
def test_a_window_is_a_part_of_the_whole(polygons, data):
    """Exact to the bit, so that a map does not depend on how it is cut."""
    area = PixelArea([[np.array(ring)] for ring in polygons])
    whole = area.read(0, 0, 60, 60)
    row = data.draw(st.integers(0, 59))
    col = data.draw(st.integers(0, 59))
    height = data.draw(st.integers(1, 60 - row))
    width = data.draw(st.integers(1, 60 - col))
    np.testing.assert_array_equal(
        area.read(row, col, height, width),
        whole[row : row + height, col : col + width],
    )
    assert area.meets(60, 60) == whole.any()


def test_a_long_boundary_costs_little():
    """A country's: 200,000 corners, seen by tiles."""
    turn = np.linspace(0, 2 * np.pi, 200_000, endpoint=False)
    radius = 30_000 + 3_000 * np.sin(50 * turn)
    ring = np.stack([np.cos(turn), np.sin(turn)], axis=1) * radius[:, None]
    area = PixelArea([[ring]])
    inside = area.read(0, 0, 512, 512)
    assert inside.all()
    assert not area.read(40_000, 0, 512, 512).any()
    crossed = area.read(0, 29_800, 512, 512)
    assert 0 < crossed.mean() < 1


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_any_in_cells(data):
    """Against a loop over cells of exact fractions."""
    height, width = (data.draw(st.integers(1, 30)) for _ in range(2))
    rows, columns = (data.draw(st.integers(1, 40)) for _ in range(2))
    pixels = np.random.default_rng(0).random((height, width)) < 0.1

    def read(row, col, down, along):
        assert row >= 0 and col >= 0 and down > 0 and along > 0
        assert row + down <= height and col + along <= width
        return pixels[row : row + down, col : col + along]

    expected = np.zeros((rows, columns), bool)
    for row in range(rows):
        top, bottom = row * height // rows, -(-(row + 1) * height // rows)
        for col in range(columns):
            left = col * width // columns
            right = -(-(col + 1) * width // columns)
            expected[row, col] = pixels[top:bottom, left:right].any()
    factors = height / rows, width / columns
    row, col = (data.draw(st.integers(0, size - 1)) for size in (rows, columns))
    found = any_in_cells(read, factors, row, col, rows - row, columns - col)
    np.testing.assert_array_equal(found, expected[row:, col:])


def test_memory_of_large_cells():
    """A tile of 512 cells of 20 x 20 pixels is 100 million pixels."""
    turn = np.linspace(0, 2 * np.pi, 1000, endpoint=False)
    ring = 5000 + 4000 * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    area = PixelArea([[ring]])
    tracemalloc.start()
    found = any_in_cells(area.read, (20.0, 20.0), 0, 0, 512, 512)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.sum() == pytest.approx(np.pi * 200**2, rel=0.02)
    assert peak < 64e6
