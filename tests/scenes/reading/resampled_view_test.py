"""Scenes read at the model's resolution."""

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

from keras_rsseg.scenes.reading.scene_reader import SceneReader
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import write_scene


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
        with pytest.raises(ValueError, match="tagged as alpha"):
            self.read(scene, (10, 15), bands=[4, 1, 2])
