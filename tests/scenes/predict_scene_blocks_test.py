"""How a scene is cut and processed must not show in its map."""

import numpy as np
import pytest
import rasterio

from keras_rsseg.scenes.predicting import scene_plan
from keras_rsseg.scenes.reading.scene_reader import SceneReader
from tests.scenes.predict_scene_test import predict
from tests.scenes.scene_files import NUM_CLASSES
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import threshold_model
from tests.scenes.scene_files import write_scene

KERNEL = np.random.default_rng(1).normal(size=(3, NUM_CLASSES))
KERNEL = KERNEL.astype("float32") / 64


def blurring_model(tiles):
    """Logits that depend on neighbours, except those beyond the tile."""
    logits = tiles.astype("float32") @ KERNEL
    return logits + np.roll(logits, 3, axis=1) + np.roll(logits, 5, axis=2)


@pytest.fixture
def narrow_sections(monkeypatch):
    monkeypatch.setattr(scene_plan, "_SUMS", 0)
    monkeypatch.setattr(scene_plan, "_LEAST_TILES", 1)


class TestCuts:
    @pytest.mark.parametrize("gsd", [None, 0.9, 0.31])
    def test_strips_and_batches_do_not_change_a_byte(self, tmp_path, gsd):
        scene = write_scene(
            tmp_path / "s.tif", random_scene(150, 100), nodata=7
        )
        files = set()
        for strip_height, batch_size in ((1024, 4), (37, 1), (64, 3), (16, 2)):
            outputs = [
                tmp_path / f"{name}_{strip_height}.tif" for name in "mpu"
            ]
            predict(
                blurring_model,
                scene,
                outputs[0],
                ground_sample_distance=gsd,
                strip_height=strip_height,
                batch_size=batch_size,
                probabilities=outputs[1],
                uncertainty=outputs[2],
            )
            files.add(tuple(path.read_bytes() for path in outputs))
        assert len(files) == 1

    @pytest.mark.parametrize("gsd", [None, 0.9, 0.31])
    def test_sections_do_not_change_a_byte(self, tmp_path, gsd, request):
        scene = write_scene(tmp_path / "s.tif", random_scene(90, 210), nodata=7)
        files = []
        for name in ("whole", "cut"):
            if name == "cut":
                request.getfixturevalue("narrow_sections")
            output = tmp_path / f"{name}.tif"
            predict(
                blurring_model,
                scene,
                output,
                ground_sample_distance=gsd,
                strip_height=40,
            )
            files.append(output.read_bytes())
        assert files[0] == files[1]

    def test_empty_blocks_are_not_predicted(self, tmp_path, narrow_sections):
        pixels = random_scene(320, 320)
        valid = np.zeros((320, 320), bool)
        valid[130:150, 200:230] = True
        pixels[:, ~valid] = 0
        scene = write_scene(tmp_path / "s.tif", pixels, nodata=0)
        seen = []

        def watched(tiles):
            seen.append(len(tiles))
            return threshold_model(tiles)

        _, classes = predict(
            watched, scene, tmp_path / "m.tif", strip_height=16, batch_size=1
        )
        np.testing.assert_array_equal(classes != 255, valid)
        np.testing.assert_array_equal(classes[valid], pixels[0][valid] // 64)
        # Rows 120, 144; columns 192 (for two sections) and 216, at most.
        assert len(seen) <= 10

    @pytest.mark.parametrize("gsd", [None, 0.9, 0.31])
    @pytest.mark.parametrize("strip_height", [1024, 96, 7])
    def test_islands(self, tmp_path, narrow_sections, gsd, strip_height):
        """Rows of tiles without data above, between and below."""
        pixels = random_scene(300, 150)
        valid = np.zeros((300, 150), bool)
        for row, col in ((90, 10), (95, 140), (170, 70), (290, 3)):
            valid[row : row + 5, col : col + 9] = True
        pixels[:, ~valid] = 0
        scene = write_scene(tmp_path / "s.tif", pixels, nodata=0)
        _, classes = predict(
            blurring_model,
            scene,
            tmp_path / "m.tif",
            ground_sample_distance=gsd,
            strip_height=strip_height,
        )
        np.testing.assert_array_equal(classes != 255, valid)

    def test_a_sparse_file_is_known_by_its_index(self, tmp_path, monkeypatch):
        """Reading gigapixels of nothing would take as long as data."""
        scene = tmp_path / "s.tif"
        pixels = random_scene(64, 64)
        profile = {
            "driver": "GTiff",
            "count": 3,
            "dtype": "uint8",
            "height": 6_000,
            "width": 1_000,
            "crs": "EPSG:32632",
            "transform": rasterio.Affine(0.5, 0, 5e5, 0, -0.5, 5e6),
            "tiled": True,
            "nodata": 0,
        }
        with rasterio.open(scene, "w", sparse_ok=True, **profile) as output:
            output.write(pixels, window=((3_072, 3_136), (512, 576)))
        rows = []
        read_valid = SceneReader.read_valid

        def watched(self, row, col, height, width):
            rows.append(row)
            return read_valid(self, row, col, height, width)

        monkeypatch.setattr(SceneReader, "read_valid", watched)
        result, classes = predict(
            threshold_model, scene, tmp_path / "m.tif", tile_size=512
        )
        assert set(rows) == {3_072}
        assert (classes != 255).sum() == 64 * 64
        found = classes[3_072:3_136, 512:576]
        np.testing.assert_array_equal(found, pixels[0] // 64)


class TestSeams:
    def test_a_translated_copy_gives_the_translated_map(self, tmp_path):
        """Equal to the last bit where the same tiles cover both."""
        pixels = random_scene(200, 230)
        whole, part = tmp_path / "whole.tif", tmp_path / "part.tif"
        write_scene(whole, pixels)
        # By two tiles down and one along: stride 24.
        write_scene(part, pixels[:, 48:, 24:])
        maps = [
            predict(blurring_model, scene, tmp_path / f"{scene.stem}_map.tif")[
                1
            ]
            for scene in (whole, part)
        ]
        # At its upper and left border the copy lacks tiles of the whole.
        np.testing.assert_array_equal(maps[0][56:, 32:], maps[1][8:, 8:])

    def test_any_translation_gives_nearly_the_same_map(self, tmp_path):
        """Blending hides where tiles are; without it they show."""
        rng = np.random.default_rng(0)
        coarse = rng.integers(0, 256, (3, 30, 30), "uint8")
        pixels = np.kron(coarse, np.ones((8, 8), "uint8"))
        whole = write_scene(tmp_path / "whole.tif", pixels)
        part = write_scene(tmp_path / "part.tif", pixels[:, 17:, 11:])
        shares = {}
        for overlap in (0, 16):
            maps = [
                predict(
                    lambda tiles: _mean_model(tiles, 3),
                    scene,
                    tmp_path / f"{scene.stem}_{overlap}.tif",
                    overlap=overlap,
                )[1]
                for scene in (whole, part)
            ]
            inner = slice(32, -32)
            differ = maps[0][17:, 11:] != maps[1]
            shares[overlap] = differ[inner, inner].mean()
        assert shares[0] > 0.005
        assert shares[16] < shares[0] / 4


def _mean_model(tiles, radius):
    """Classes of local means; outside the tile is black, as for a network."""
    values = tiles[..., 0].astype("float32")
    padded = np.pad(values, ((0, 0), (radius, radius), (radius, radius)))
    windows = np.lib.stride_tricks.sliding_window_view(
        padded, (2 * radius + 1,) * 2, axis=(1, 2)
    )
    means = windows.mean((-2, -1))
    centers = np.float32([32, 96, 160, 224])
    return -(((means[..., None] - centers) / 32) ** 2)
