"""Pixels on the ground, and scenes seen at the model's resolution."""

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

from keras_rsseg.scenes.ground_size import ground_pixel_size
from keras_rsseg.scenes.ground_size import model_grid_size
from keras_rsseg.scenes.predict_scene import predict_scene
from keras_rsseg.scenes.scene_reader import SceneReader
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import read_map
from tests.scenes.scene_files import threshold_model
from tests.scenes.scene_files import write_scene

VOID = 255


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


class TestResampledReader:
    def read(self, scene, size, **options):
        with rasterio.open(scene) as dataset:
            reader = SceneReader(dataset, **options)
            with reader.resampled(*size) as grid:
                assert (grid.height, grid.width) == size
                return grid.read(0, 0, *size)

    @pytest.mark.parametrize(
        "transform",
        [
            Affine(0.5, 0, 5e5, 0, -0.5, 5e6),
            Affine(0.5, 0, 5e5, 0, 0.5, 5e6),
            Affine(0.4, 0.3, 5e5, 0.3, -0.4, 5e6),
        ],
        ids=["north-up", "south-up", "turned"],
    )
    def test_average(self, tmp_path, transform):
        pixels = random_scene(40, 60)
        scene = write_scene(tmp_path / "scene.tif", pixels, transform=transform)
        read, valid = self.read(scene, (10, 15))
        mean = pixels.reshape(3, 10, 4, 15, 4).mean((2, 4))
        # GDAL rounds to uint8.
        np.testing.assert_allclose(np.moveaxis(read, -1, 0), mean, atol=0.51)
        assert valid.all()

    @pytest.mark.parametrize("how", ["nodata", "argument", "mask", "alpha"])
    @pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
    def test_invalid_takes_no_part(self, tmp_path, how, dtype):
        pixels = random_scene(40, 60).astype(dtype)
        invalid = np.zeros((40, 60), bool)
        invalid[:8, :8] = invalid[8, 8] = True
        valid = np.where(invalid, 0, 255).astype("uint8")
        pixels[:, invalid] = 0
        scene, options = tmp_path / "scene.tif", {}
        if how == "alpha":
            layers = np.concatenate([pixels, valid[None].astype(dtype)])
            write_scene(scene, layers, photometric="rgb", alpha="yes")
        elif how == "mask":
            write_scene(scene, pixels, mask=valid)
        else:
            write_scene(scene, pixels, nodata=0 if how == "nodata" else None)
            options = {} if how == "nodata" else {"nodata": 0}
        read, read_valid = self.read(scene, (10, 15), **options)
        expected = np.ones((10, 15), bool)
        expected[:2, :2] = False
        np.testing.assert_array_equal(read_valid, expected)
        sums = pixels[:, 8:12, 8:12].sum((1, 2), dtype="float64")
        np.testing.assert_allclose(read[2, 2], sums / 15, atol=0.51)

    def test_nan_takes_no_part(self, tmp_path):
        pixels = np.full((3, 40, 60), 5, "float32")
        pixels[:, :8, :8] = pixels[:, 20, 20] = np.nan
        scene = write_scene(tmp_path / "scene.tif", pixels)
        read, valid = self.read(scene, (10, 15))
        np.testing.assert_array_equal(read, 5)
        assert not valid[:2, :2].any()
        assert valid.sum() == 150 - 4

    def test_alpha_read_as_data_is_refused(self, tmp_path):
        layers = np.ones((4, 40, 60), "uint8")
        scene = write_scene(
            tmp_path / "scene.tif", layers, photometric="rgb", alpha="yes"
        )
        with pytest.raises(ValueError, match="marked as alpha"):
            self.read(scene, (10, 15), bands=[4, 1, 2])


class TestResampledScene:
    def blocks(self, cell, cells=(12, 16)):
        """Cells of `cell` pixels, each one class."""
        ids = np.random.default_rng(3).integers(0, 4, cells)
        truth = ids.repeat(cell, 0).repeat(cell, 1).astype("uint8")
        return truth, (truth * 64 + 32)[None].repeat(3, 0).astype("uint8")

    def predict(self, tmp_path, pixels, distance, **profile):
        scene = write_scene(tmp_path / "scene.tif", pixels, **profile)
        predict_scene(
            threshold_model,
            scene,
            tmp_path / "map.tif",
            tile_size=32,
            ground_sample_distance=distance,
            progress=False,
        )
        return read_map(tmp_path / "map.tif")

    # 0.83: the grids share no pixel corner but the first.
    @pytest.mark.parametrize("distance", [1.0, 2.0, 0.83, 0.25, 0.37])
    def test_map_is_registered_to_a_pixel(self, tmp_path, distance):
        """Interiors right, so no boundary moved by more than a pixel."""
        cell = 16
        truth, pixels = self.blocks(cell)
        ids, profile = self.predict(tmp_path, pixels, distance)
        assert ids.shape == truth.shape
        assert profile["transform"].a == 0.5
        # Half a pixel of the coarser grid around each cell is open, and
        # an averaged pixel astride two cells may take a class between.
        margin = int(np.ceil(distance / 0.5)) + 1
        where = np.arange(cell)
        inside = (where >= margin) & (where < cell - margin)
        rows = np.tile(inside, truth.shape[0] // cell)
        columns = np.tile(inside, truth.shape[1] // cell)
        inner = np.ix_(rows, columns)
        assert inner[0].size
        np.testing.assert_array_equal(ids[inner], truth[inner])

    @pytest.mark.parametrize("distance", [2.0, 0.83, 0.25])
    @pytest.mark.parametrize("axis", [0, 1])
    def test_a_boundary_stays_where_it_is(self, tmp_path, distance, axis):
        for place in (40, 41, 43, 46):
            truth = np.zeros((96, 96), "uint8")
            truth[place:] = 1
            truth = truth if axis == 0 else truth.T
            pixels = (truth * 64 + 32)[None].repeat(3, 0)
            ids, _ = self.predict(tmp_path, pixels, distance)
            (tmp_path / "map.tif").unlink()
            assert set(np.unique(ids)) == {0, 1}
            found = (ids == 0).sum(axis)
            assert (found == found[0]).all()
            # Half a pixel of the grid that was predicted, or one's own.
            assert abs(int(found[0]) - place) <= max(1, distance)

    def test_holes_stay_holes(self, tmp_path):
        truth, pixels = self.blocks(16)
        invalid = np.random.default_rng(0).random(truth.shape) < 0.3
        invalid[:50, :60] = True
        pixels[:, invalid] = 0
        ids, _ = self.predict(tmp_path, pixels, 1.0, nodata=0)
        np.testing.assert_array_equal(ids == VOID, invalid)

    def test_geographic_scene(self, tmp_path):
        """At 60 N a degree east is half one north: the grid becomes square."""
        truth, pixels = self.blocks(16)
        shapes = []

        def watched(tiles):
            shapes.append(tiles.shape)
            return threshold_model(tiles)

        scene = write_scene(
            tmp_path / "scene.tif",
            pixels,
            crs="EPSG:4326",
            transform=Affine(1e-5, 0, 10, 0, -1e-5, 60),
        )
        result = predict_scene(
            watched,
            scene,
            tmp_path / "map.tif",
            tile_size=300,
            ground_sample_distance=1.1,
            progress=False,
        )
        assert shapes == [(1, 300, 300, 3)]
        ids, profile = read_map(tmp_path / "map.tif")
        assert profile["crs"] == "EPSG:4326"
        assert (ids == truth).mean() > 0.8
        area = ids.size * 0.558 * 1.114
        assert sum(result.class_areas.values()) == pytest.approx(area, rel=1e-3)

    def test_auto_takes_the_models_and_none_the_scenes(self, tmp_path):
        _, pixels = self.blocks(16)
        scene = write_scene(tmp_path / "scene.tif", pixels)

        class Task:
            ground_sample_distance = 1.0
            means = []

            def predict_on_batch(self, tiles):
                self.means.append(tiles.shape)
                return threshold_model(tiles)

        def run(**options):
            Task.means.clear()
            predict_scene(
                Task(),
                scene,
                tmp_path / "map.tif",
                tile_size=64,
                overlap=0,
                batch_size=1,
                progress=False,
                overwrite=True,
                **options,
            )
            return len(Task.means)

        # 192 x 256 pixels of 50 cm, in tiles of 64.
        assert run() == 2 * 2
        assert run(ground_sample_distance=None) == 3 * 4
        assert run(ground_sample_distance=2) == 1
