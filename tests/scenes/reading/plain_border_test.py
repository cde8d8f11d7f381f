"""Plain corners without a tag are no data; shadows are."""

import numpy as np
import pytest
from rasterio.features import rasterize

from keras_rsseg.rasters.windows import Window
from keras_rsseg.scenes.predict_scene import predict_scene
from keras_rsseg.scenes.reading.area_of_interest import AreaOfInterest
from keras_rsseg.scenes.reading.plain_border import plain_corner
from keras_rsseg.scenes.reading.scene_reader import SceneReader
from keras_rsseg.scenes.reading.scene_reader import open_scene
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import read_map
from tests.scenes.scene_files import write_scene


def turned_scene(height=1300, width=900):
    """A rotated image in a black frame, with compression noise."""
    corners = [(300, 20), (860, 500), (520, 1270), (15, 700), (300, 20)]
    shape = {"type": "Polygon", "coordinates": [corners]}
    shown = rasterize([shape], (height, width)) > 0
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 13, (3, height, width), "uint8")
    pixels[:, shown] = rng.integers(60, 256, (3, shown.sum()), "uint8")
    return pixels, shown


def valid_pixels(path, **options):
    with open_scene(path) as dataset:
        reader = SceneReader(dataset, nodata="border", **options)
        return reader.read_valid(0, 0, reader.height, reader.width)


def straight_border(black):
    """With loops: pixels in black runs from the border, in four directions."""
    found = np.zeros(black.shape, bool)
    for turn in range(4):
        seen = np.rot90(black, turn).copy()
        for row in seen:
            stop = np.flatnonzero(~row)
            row[stop[0] if len(stop) else len(row) :] = False
        found |= np.rot90(seen, -turn)
    return found


class TestPlainBorder:
    def test_a_turned_image(self, tmp_path):
        """More rows than are searched at a time."""
        pixels, shown = turned_scene()
        path = write_scene(tmp_path / "scene.tif", pixels)
        np.testing.assert_array_equal(valid_pixels(path), shown)

    @pytest.mark.parametrize("seed", range(8))
    def test_a_part_of_the_scene(self, tmp_path, seed):
        """As in the whole image, wherever the part is."""
        rng = np.random.default_rng(seed)
        black = rng.random((60, 70)) < 0.75
        black[:, :3] |= rng.random((60, 3)) < 0.9
        pixels = np.where(black, 0, 99).astype("uint8")[None].repeat(3, 0)
        path = write_scene(tmp_path / "scene.tif", pixels)
        rows, columns = (
            np.sort(rng.choice(side + 1, 2, replace=False)) for side in (60, 70)
        )
        place = Window(
            int(rows[0]),
            int(columns[0]),
            int(np.ptp(rows)),
            int(np.ptp(columns)),
        )
        with open_scene(path) as dataset:
            reader = SceneReader(dataset, nodata="border", border_later=True)
            reader.find_border(place)
            found = reader.read_valid(*place)
            around = reader.read_valid(0, 0, 60, 70)
        expected = ~straight_border(black)
        np.testing.assert_array_equal(found, expected[place.slices])
        # Nothing is claimed about pixels beside it.
        around[place.slices] = True
        assert around.all()

    def test_an_area_costs_its_own_time(self, tmp_path, monkeypatch):
        """And the map is that of the whole scene."""
        pixels, _ = turned_scene()
        path = write_scene(
            tmp_path / "scene.tif",
            pixels,
            tiled=True,
            blockxsize=64,
            blockysize=64,
        )
        read = []
        stored = SceneReader.read_stored

        def counted(self, row, col, height, width):
            read.append(height * width)
            return stored(self, row, col, height, width)

        monkeypatch.setattr(SceneReader, "read_stored", counted)
        options = {"nodata": "border", "tile_size": 64, "progress": False}
        options["overlap"] = 0

        def model(tiles):
            return tiles[..., :2] / 255.0

        # Across the image's right corner, in the frame's middle.
        ring = "780 430, 899 430, 899 570, 780 570, 780 430"
        options["area"] = AreaOfInterest(f"POLYGON (({ring}))", crs="scene")
        write_scene(path, pixels, crs=None, transform=None)
        predict_scene(model, path, tmp_path / "part.tif", **options)
        assert sum(read) < 1300 * 900 / 4
        del options["area"]
        predict_scene(model, path, tmp_path / "all.tif", **options)
        part, _ = read_map(tmp_path / "part.tif")
        whole, _ = read_map(tmp_path / "all.tif")
        np.testing.assert_array_equal(part, whole[430:570, 780:899])
        assert 0 < (part == 255).mean() < 1

    def test_shadows_and_holes_stay(self, tmp_path):
        pixels, shown = turned_scene()
        pixels[:, 600:700, 300:500] = 0
        # Only one band, at the very border of the image.
        pixels[0][shown] = 0
        path = write_scene(tmp_path / "scene.tif", pixels)
        np.testing.assert_array_equal(valid_pixels(path), shown)

    @pytest.mark.parametrize("seed", range(5))
    def test_any_outline(self, tmp_path, seed):
        rng = np.random.default_rng(seed)
        black = rng.random((60, 70)) < 0.7
        pixels = np.where(black, 0, 99).astype("uint8")[None].repeat(3, 0)
        path = write_scene(tmp_path / "scene.tif", pixels)
        expected = ~straight_border(black)
        np.testing.assert_array_equal(valid_pixels(path), expected)

    def test_wider_than_is_read_at_once(self, tmp_path):
        black = np.zeros((5, 9000), bool)
        black[0, :5000] = black[0, 8000:] = black[4] = True
        black[2, 100:200] = True
        pixels = np.where(black, 0, 99).astype("uint8")[None].repeat(3, 0)
        path = write_scene(tmp_path / "scene.tif", pixels)
        black[2] = False
        np.testing.assert_array_equal(valid_pixels(path), ~black)

    def test_other_dtypes_must_be_zero(self, tmp_path):
        pixels = random_scene(40, 60).astype("uint16")
        pixels[:, :10] = 0
        pixels[:, 30:] = 3
        path = write_scene(tmp_path / "scene.tif", pixels)
        expected = np.ones((40, 60), bool)
        expected[:10] = False
        np.testing.assert_array_equal(valid_pixels(path), expected)

    def test_all_black(self, tmp_path):
        path = write_scene(
            tmp_path / "scene.tif", np.zeros((3, 40, 60), "uint8")
        )
        assert not valid_pixels(path).any()

    def test_black_beside_what_alpha_hides(self, tmp_path):
        """A fringe between the transparent and the image."""
        pixels = np.concatenate([random_scene(40, 60)] * 2)[:4]
        pixels[3] = 255
        pixels[:, :10] = 0
        pixels[:3, :12] = 0
        path = write_scene(
            tmp_path / "scene.tif", pixels, photometric="rgb", alpha="yes"
        )
        expected = np.ones((40, 60), bool)
        expected[:12] = False
        np.testing.assert_array_equal(valid_pixels(path), expected)

    def test_in_place_of_a_stated_value(self, tmp_path):
        """Like any `nodata`: black pixels inside are valid again."""
        pixels = random_scene(40, 60)
        pixels[:, :10] = pixels[:, 20, 20] = 0
        path = write_scene(tmp_path / "scene.tif", pixels, nodata=0)
        expected = np.ones((40, 60), bool)
        expected[:10] = False
        np.testing.assert_array_equal(valid_pixels(path), expected)

    def test_black_takes_no_part_in_means(self, tmp_path):
        pixels = np.full((3, 64, 64), 100, "uint8")
        rows, columns = np.indices((64, 64))
        pixels[:, rows + columns < 50] = 0
        path = write_scene(tmp_path / "scene.tif", pixels)
        with open_scene(path) as dataset:
            reader = SceneReader(dataset, nodata="border")
            with reader.resampled(9, 11) as grid:
                found, valid = grid.read(0, 0, 9, 11)
        assert 0 < valid.mean() < 1
        np.testing.assert_array_equal(found, 100)

    @pytest.mark.parametrize("color", [(255, 255, 255), (17, 160, 90)])
    def test_other_colours(self, tmp_path, color):
        """As left by JPEG: a few levels off here and there."""
        pixels, shown = turned_scene()
        color = np.array(color, "int16")[:, None]
        rng = np.random.default_rng(1)
        noise = rng.integers(-9, 10, (3, (~shown).sum()))
        noise[:, rng.random(noise.shape[1]) < 0.7] = 0
        pixels[:, ~shown] = np.clip(color + noise, 0, 255)
        inside = np.array([200, 30, 40], "uint8")[:, None]
        pixels[:, shown] = inside
        path = write_scene(tmp_path / "scene.tif", pixels)
        np.testing.assert_array_equal(valid_pixels(path), shown)

    @pytest.mark.parametrize(
        "color", [(255, 255, 255), (0, 0, 0), (17, 160, 90), (128, 128, 128)]
    )
    @pytest.mark.parametrize("quality", [75, 85, 95])
    def test_after_jpeg(self, tmp_path, color, quality):
        """By far most of the border, and none of the image inside."""
        rows, columns = np.indices((320, 240))
        shown = (abs(rows - 160) / 160 + abs(columns - 120) / 120) < 1
        waves = np.sin(rows / 9) + np.cos(columns / 7)
        pixels = np.stack([90 + 20 * waves, 120 - 20 * waves, 60 + 9 * waves])
        pixels[:, ~shown] = np.reshape(color, (3, 1))
        path = write_scene(
            tmp_path / "scene.tif",
            pixels.astype("uint8"),
            compress="jpeg",
            jpeg_quality=quality,
            photometric="ycbcr",
            interleave="pixel",
        )
        valid = valid_pixels(path)
        assert (valid & ~shown).sum() < 0.06 * (~shown).sum()
        deep = (abs(rows - 160) / 160 + abs(columns - 120) / 120) < 0.9
        assert valid[deep].all()

    def test_white_with_noise(self, tmp_path):
        """No colour twice: from a scanner, or compressed several times."""
        pixels, shown = turned_scene()
        rng = np.random.default_rng(1)
        noise = rng.integers(242, 256, (3, (~shown).sum()), "uint8")
        pixels[:, ~shown] = noise
        pixels[:, shown] //= 2
        path = write_scene(tmp_path / "scene.tif", pixels)
        np.testing.assert_array_equal(valid_pixels(path), shown)

    def test_dark_water_beside_a_white_border(self, tmp_path):
        pixels, shown = turned_scene()
        pixels[:, ~shown] = 255
        pixels[:, 500:900, :200] = pixels[:, 500:900, -200:] = 3
        pixels[:, shown] = 100
        path = write_scene(tmp_path / "scene.tif", pixels)
        expected = shown.copy()
        expected[500:900, :200] = expected[500:900, -200:] = True
        found = valid_pixels(path)
        assert found[expected].all() and (found & ~expected).mean() < 0.1

    def test_none_is_said(self, tmp_path):
        rng = np.random.default_rng(0)
        pixels = rng.integers(60, 256, (3, 300, 400), "uint8")
        path = write_scene(tmp_path / "scene.tif", pixels)
        with pytest.warns(UserWarning, match="no plain border in .*scene.tif"):
            assert valid_pixels(path).all()


class TestPlainCorner:
    def corner(self, path, **options):
        with open_scene(path) as dataset:
            return plain_corner(SceneReader(dataset, **options))

    @pytest.mark.parametrize(
        "color, name", [(0, "black"), (255, "white"), (9, "(9, 9, 9)")]
    )
    def test_is_named(self, tmp_path, color, name):
        rng = np.random.default_rng(0)
        pixels = rng.integers(0, 256, (3, 300, 400), "uint8")
        pixels[:, 260:, 300:] = color
        # Some compression noise.
        pixels[:, 295, 300:] += 1
        path = write_scene(tmp_path / "scene.tif", pixels)
        assert self.corner(path) == name
        told = write_scene(tmp_path / "told.tif", pixels, nodata=color)
        assert self.corner(told) is None

    def test_imagery_has_none(self, tmp_path):
        rng = np.random.default_rng(0)
        # Dark, calm water.
        pixels = rng.integers(0, 4, (3, 300, 400), "uint8")
        path = write_scene(tmp_path / "scene.tif", pixels)
        assert self.corner(path) is None

    def test_small_scenes_have_none(self, tmp_path):
        pixels = np.zeros((3, 300, 400), "uint8")
        path = write_scene(tmp_path / "scene.tif", pixels)
        assert self.corner(path) == "black"
        small = write_scene(tmp_path / "small.tif", pixels[:, :200])
        assert self.corner(small) is None


def test_a_plain_corner_is_warned_of(tmp_path):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (3, 300, 400), "uint8")
    pixels[:, :40, :50] = 0
    path = write_scene(tmp_path / "scene.tif", pixels)

    def model(tiles):
        return tiles[..., :2] / 255.0

    options = {"tile_size": 128, "progress": False}
    with pytest.warns(UserWarning, match="plain black.*--nodata border"):
        predict_scene(model, path, tmp_path / "map.tif", **options)
    result = predict_scene(
        model, path, tmp_path / "border.tif", nodata="border", **options
    )
    assert result.valid_share == pytest.approx(1 - 2000 / 120_000)
