"""How large pixels are on the ground, and which grid that asks for."""

import tracemalloc

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from rasterio.control import GroundControlPoint
from rasterio.features import rasterize
from rasterio.transform import Affine

from keras_rsseg.scenes.reading.ground_size import PixelArea
from keras_rsseg.scenes.reading.ground_size import ground_pixel_size
from keras_rsseg.scenes.reading.ground_size import lacks_place
from keras_rsseg.scenes.reading.ground_size import model_grid_size
from keras_rsseg.scenes.reading.ground_size import scene_georeference
from keras_rsseg.scenes.reading.resampled_view import any_in_cells
from tests.scenes.scene_files import write_scene


def open_written(path, size=(40, 60), **profile):
    write_scene(path, np.ones((1, *size), "uint8"), **profile)
    return rasterio.open(path)


class TestGroundSize:
    @pytest.mark.parametrize(
        "crs, transform, expected",
        [
            # On UTM's central meridian the scale is 0.9996.
            (
                "EPSG:32632",
                Affine(0.5, 0, 5e5, 0, -0.5, 5e6),
                (0.5 / 0.9996, 0.5 / 0.9996),
            ),
            # One degree of latitude at 60 N is 111,412 m, of longitude
            # 55,800 m (WGS 84 tables).
            (
                "EPSG:4326",
                Affine(1e-5, 0, 10, 0, -1e-5, 60),
                (0.55800, 1.11412),
            ),
            # Web mercator is the sphere's: radii of curvature at 60 N are
            # 6,394,209 m (east) and 6,383,454 m (north), not 6,378,137 m.
            (
                "EPSG:3857",
                Affine(1, 0, 0, 0, -1, 8399738),
                (0.50126, 0.50042),
            ),
            # US survey feet.
            (
                "EPSG:2263",
                Affine(1, 0, 984250, 0, -1, 200000),
                (0.3048, 0.3048),
            ),
            # Turned: columns run (0.3, 0.4).
            (
                "EPSG:32632",
                Affine(0.3, 0.4, 5e5, 0.4, -0.3, 5e6),
                (0.5 / 0.9996, 0.5 / 0.9996),
            ),
        ],
    )
    def test_known_sizes(self, tmp_path, crs, transform, expected):
        path = tmp_path / "scene.tif"
        with open_written(path, crs=crs, transform=transform) as dataset:
            size = ground_pixel_size(dataset)
        assert size == pytest.approx(expected, rel=1e-3)

    def test_unknown_without_a_reference_system(self, tmp_path, caplog):
        with open_written(tmp_path / "scene.tif", crs=None) as dataset:
            assert ground_pixel_size(dataset) is None
            assert model_grid_size(dataset, 0.3) is None
        assert "unknown" in caplog.text

    def test_local_grid_goes_by_its_unit(self, tmp_path):
        crs = rasterio.crs.CRS.from_wkt('LOCAL_CS["site",UNIT["foot",0.3048]]')
        with open_written(tmp_path / "scene.tif", crs=crs) as dataset:
            size = ground_pixel_size(dataset)
        assert size == pytest.approx((0.1524, 0.1524))

    def test_south_up(self, tmp_path):
        upward = Affine(0.5, 0, 5e5, 0, 0.5, 5e6)
        with open_written(tmp_path / "a.tif", transform=upward) as dataset:
            size = ground_pixel_size(dataset)
            assert size == pytest.approx((0.5 / 0.9996,) * 2, rel=1e-4)
            assert model_grid_size(dataset, 1) == (20, 30)

    @pytest.mark.parametrize("turn", [0, 30])
    def test_control_points(self, tmp_path, turn):
        """Four corners; a scene without any other georeference."""
        grid = Affine.translation(5e5, 5e6) @ Affine.rotation(turn)
        grid = grid @ Affine.scale(0.25, -0.25)
        points = [
            GroundControlPoint(row, col, *(grid @ (col, row)))
            for row, col in ((0, 0), (0, 60), (40, 0), (40, 60))
        ]
        path = tmp_path / "scene.tif"
        with open_written(path, transform=None, gcps=points) as dataset:
            assert dataset.crs is None
            crs, matrix = scene_georeference(dataset)
            size = ground_pixel_size(dataset)
            assert model_grid_size(dataset, 0.5) == (20, 30)
        assert crs == "EPSG:32632"
        assert matrix.almost_equals(grid, 1e-6)
        assert size == pytest.approx((0.25 / 0.9996,) * 2, rel=1e-4)

    def test_never_resampled_but_told(self, tmp_path, caplog):
        with open_written(tmp_path / "scene.tif") as dataset:
            assert model_grid_size(dataset, 1, resample="never") is None
            assert "'never'" in caplog.text
            caplog.clear()
            assert model_grid_size(dataset, 0.5, resample="never") is None
            assert not caplog.records
            with pytest.raises(ValueError, match="one of 'auto', 'never'"):
                model_grid_size(dataset, 1, resample="always")

    def test_grid_only_where_the_factor_matters(self, tmp_path, caplog):
        with open_written(tmp_path / "scene.tif") as dataset:
            for distance in (0.41, 0.5, 0.62):
                assert model_grid_size(dataset, distance) is None
            assert not caplog.records
            assert model_grid_size(dataset, 1) == (20, 30)
            assert "30 x 20" in caplog.text
            assert model_grid_size(dataset, 0.25) == (80, 120)
            assert model_grid_size(dataset, 1000) == (1, 1)
            assert "coarser" not in caplog.text
            assert model_grid_size(dataset, 0.1) == (200, 300)
            assert "coarser" in caplog.text


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
    """Two squares that share a side share no pixel, and leave none out."""
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
    """To the bit, so that a map does not depend on how it is cut."""
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


class TestNoPlace:
    """A reference system alone does not say where a scene is."""

    @pytest.mark.filterwarnings("ignore:Dataset has no geotransform")
    @pytest.mark.parametrize(
        "crs, transform",
        [
            ("EPSG:4326", None),
            ("EPSG:32632", None),
            # Pixels, taken for degrees.
            ("EPSG:4326", Affine(1, 0, 0, 0, -1, 400)),
            ("EPSG:4326", Affine(0.5, 0, 5e5, 0, -0.5, 5e6)),
        ],
    )
    def test_nothing_is_made_up(self, tmp_path, caplog, crs, transform):
        path = tmp_path / "scene.tif"
        with open_written(path, crs=crs, transform=transform) as dataset:
            assert dataset.crs == crs
            assert scene_georeference(dataset)[0] is None
            assert ground_pixel_size(dataset) is None
            assert model_grid_size(dataset, 0.5) is None
        assert "no place in it" in caplog.text

    def test_degrees_at_the_edge_of_the_earth_are_fine(self, tmp_path):
        """Centres taken for corners, and longitudes up to 360."""
        for left, top in ((-180, 90), (0, 90), (300, 90), (-180, 90.5)):
            grid = Affine(1, 0, left, 0, -1, top)
            path = tmp_path / "scene.tif"
            with open_written(path, crs="EPSG:4326", transform=grid) as dataset:
                assert ground_pixel_size(dataset) is not None

    def test_rational_polynomials(self, tmp_path):
        """They tell the size of pixels, at their mean height."""
        one = [1.0] + [0.0] * 19
        rpcs = rasterio.rpc.RPC(
            height_off=100,
            height_scale=100,
            lat_off=48.0,
            lat_scale=0.0003,
            line_den_coeff=one,
            line_num_coeff=[0.0, 0.0, -1.0] + [0.0] * 17,
            line_off=20,
            line_scale=20,
            long_off=11.0,
            long_scale=0.0005,
            samp_den_coeff=one,
            samp_num_coeff=[0.0, 1.0] + [0.0] * 18,
            samp_off=30,
            samp_scale=30,
        )
        path = tmp_path / "scene.tif"
        nowhere = {"crs": None, "transform": None}
        with open_written(path, rpcs=rpcs, **nowhere) as dataset:
            assert "orthorectify" in lacks_place(dataset)
            size = ground_pixel_size(dataset)
        # One degree at 48 N: 74,628 m and 111,200 m.
        expected = 74_628 * 0.0005 / 30, 111_200 * 0.0003 / 20
        assert size == pytest.approx(expected, rel=1e-3)
