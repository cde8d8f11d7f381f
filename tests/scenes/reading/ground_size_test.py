"""How large pixels are on the ground, and the grid this requires."""

import numpy as np
import pytest
import rasterio
from rasterio.control import GroundControlPoint
from rasterio.transform import Affine

from keras_rsseg.scenes.reading.ground_size import ground_pixel_size
from keras_rsseg.scenes.reading.ground_size import lacks_place
from keras_rsseg.scenes.reading.ground_size import model_grid_size
from keras_rsseg.scenes.reading.ground_size import scene_georeference
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
            # Rotated: columns run (0.3, 0.4).
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
        """They determine the pixel size, at their mean height."""
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
