"""The named bands of a raster, and those a model gets."""

import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp

from keras_rsseg.errors import RasterError
from keras_rsseg.rasters.bands import alpha_band
from keras_rsseg.rasters.bands import band_numbers
from keras_rsseg.rasters.bands import check_band_count
from keras_rsseg.rasters.bands import choose_bands
from keras_rsseg.rasters.bands import picture_bands
from keras_rsseg.rasters.opener import open_raster
from tests.scenes.scene_files import write_scene

SENTINEL = "B1 B2 B3 B4 B5 B6 B7 B8 B8A B9 B10 B11 B12".split()
RGB = ("red", "green", "blue")


def scene(tmp_path, names=None, count=None, colors=None, dtype="uint8"):
    count = count or len(names)
    pixels = np.ones((count, 4, 4), dtype)
    path = write_scene(tmp_path / "scene.tif", pixels)
    with rasterio.open(path, "r+") as dataset:
        if colors:
            dataset.colorinterp = [ColorInterp[color] for color in colors]
        if names:
            dataset.descriptions = names
    return path


def choose(path, bands=None, model_bands=None):
    with open_raster(path) as dataset:
        return choose_bands(dataset, bands, model_bands)


class TestChoosing:
    def test_by_number_and_name_in_any_order(self, tmp_path):
        path = scene(tmp_path, SENTINEL)
        assert choose(path) == list(range(1, 14))
        assert choose(path, [4, 3, 2], 3) == [4, 3, 2]
        assert choose(path, ["b4", "B3", "B2"], RGB) == [4, 3, 2]
        assert choose(path, ["B8A", 4, "3"]) == [9, 4, 3]
        assert choose(path, "B8A") == [9]
        assert choose(path, 8) == [8]

    def test_by_the_models_names(self, tmp_path):
        path = scene(tmp_path, ["NIR", "Blue", "Green", "Red"])
        assert choose(path, None, RGB) == [4, 3, 2]
        assert choose(path, None, ("nir", "red", "green")) == [1, 4, 3]

    def test_by_colours(self, tmp_path):
        colors = ["blue", "green", "red", "alpha"]
        path = scene(tmp_path, count=4, colors=colors)
        assert choose(path, None, RGB) == [3, 2, 1]
        assert choose(path, None, 3) == [1, 2, 3]
        assert choose(path, [4]) == [4]

    def test_other_names_are_taken_in_order_with_a_word(self, tmp_path, caplog):
        path = scene(tmp_path, ["green", "red", "nir"])
        assert choose(path, None, RGB) == [1, 2, 3]
        assert "in file order" in caplog.text

    @pytest.mark.parametrize(
        "bands, match",
        [
            ([0], "band numbers 1 to 13"),
            ([14], "band numbers 1 to 13"),
            (["swir"], "swir"),
            ([], "at least one band"),
        ],
    )
    def test_bands_that_there_are_not(self, tmp_path, bands, match):
        with pytest.raises(ValueError, match=match):
            choose(scene(tmp_path, SENTINEL), bands)

    @pytest.mark.parametrize("count", [1, 13])
    def test_another_number_than_the_model_takes(self, tmp_path, count):
        path = scene(tmp_path, count=count)
        with pytest.raises(ValueError, match=f"3 bands.*has {count}"):
            choose(path, None, RGB)
        with pytest.raises(ValueError, match="3 bands.*names 1"):
            choose(path, [1], 3)

    def test_numbers_only(self, tmp_path):
        path = scene(tmp_path, count=1, dtype="complex64")
        with pytest.raises(ValueError, match="complex64"):
            choose(path)

    def test_thousands_of_bands_are_refused_at_once(self, tmp_path):
        """And not all of them are listed."""
        path = scene(tmp_path, count=3000)
        with pytest.raises(RasterError, match="3 bands.*has 3000") as caught:
            choose(path, None, RGB)
        assert "and 2980 more" in str(caught.value)


class TestNumbers:
    @pytest.mark.parametrize(
        "bands, numbers",
        [
            (None, [1, 2, 3]),
            (2, [2]),
            ("2", [2]),
            ([np.int64(3), 1, 1], [3, 1, 1]),
            (range(1, 3), [1, 2]),
        ],
    )
    def test_numbers(self, bands, numbers):
        assert band_numbers(bands, 3, "the array") == numbers

    @pytest.mark.parametrize(
        "bands", [0, 4, [], "red", [1.5], [True], [None], "", [[1]]]
    )
    def test_no_bands(self, bands):
        with pytest.raises(RasterError, match="band numbers 1 to 3, at least"):
            band_numbers(bands, 3, "the array")

    def test_counts_that_differ(self):
        check_band_count(None, 7, "the images have", "Choose.")
        check_band_count(("red", "nir"), 2, "the images have", "Choose.")
        with pytest.raises(
            RasterError,
            match=r"takes 2 bands \(red, nir\); the images have 3. Choose.",
        ):
            check_band_count(("red", "nir"), 3, "the images have", "Choose.")


class TestPictures:
    @pytest.mark.parametrize(
        "names, colors, shown",
        [
            (["nir", "red", "green", "blue"], None, [2, 3, 4]),
            (None, ["blue", "green", "red"], [3, 2, 1]),
            (None, ["gray", "undefined", "undefined", "undefined"], [1, 2, 3]),
            (None, ["gray", "alpha"], [1]),
            (None, ["alpha"], [1]),
        ],
    )
    def test_colours_else_the_first(self, tmp_path, names, colors, shown):
        path = scene(tmp_path, names, colors and len(colors), colors)
        with open_raster(path) as dataset:
            assert picture_bands(dataset) == shown

    def test_those_asked_for(self, tmp_path):
        with open_raster(scene(tmp_path, SENTINEL)) as dataset:
            assert picture_bands(dataset, ["B8A", 3, 2]) == [9, 3, 2]
            assert picture_bands(dataset, "B1") == [1]
            with pytest.raises(RasterError, match="one band or three"):
                picture_bands(dataset, [1, 2])


def test_alpha_wherever_it_is(tmp_path):
    path = scene(tmp_path, count=4, colors=["red", "alpha", "green", "blue"])
    with open_raster(path) as dataset:
        assert alpha_band(dataset) == 2
    with open_raster(scene(tmp_path, RGB)) as dataset:
        assert alpha_band(dataset) is None
