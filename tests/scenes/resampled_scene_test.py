"""Scenes predicted at the model's resolution."""

import numpy as np
import pytest
from rasterio.transform import Affine

from keras_rsseg.scenes.predict_scene import predict_scene
from tests.scenes.scene_files import read_map
from tests.scenes.scene_files import threshold_model
from tests.scenes.scene_files import write_scene

VOID = 255


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
        """Interiors are right, so no boundary moved by more than a pixel."""
        cell = 16
        truth, pixels = self.blocks(cell)
        ids, profile = self.predict(tmp_path, pixels, distance)
        assert ids.shape == truth.shape
        assert profile["transform"].a == 0.5
        # Half a pixel of the coarser grid around each cell is open, and
        # an averaged pixel across two cells can take a class between.
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
