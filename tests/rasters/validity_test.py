"""One rule says which pixels hold data; more is in `scene_reader_test`."""

import numpy as np
import pytest

from keras_rsseg.data.reading import read_valid
from keras_rsseg.errors import RasterError
from keras_rsseg.rasters.opener import open_raster
from keras_rsseg.rasters.validity import Validity
from keras_rsseg.rasters.windows import Window
from keras_rsseg.scenes.reading.scene_reader import SceneReader
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import write_scene

HOLES = np.random.default_rng(1).random((20, 30)) < 0.3
# How a file declares no data: arguments of `write_scene`.
SIGNS = {
    "nothing": {},
    "nodata": {"nodata": 7},
    "mask": {"mask": np.where(HOLES, 0, 255).astype("uint8")},
    "alpha": {"photometric": "rgb", "alpha": "yes"},
    "alpha and nodata": {"photometric": "rgb", "alpha": "yes", "nodata": 7},
}


def write_holes(path, sign, dtype="uint8"):
    """Four bands; all have 7 in the first rows, three in the next."""
    pixels = np.concatenate([random_scene(20, 30)] * 2)[:4].astype(dtype)
    pixels[:, :4] = 7
    pixels[:3, 4:8] = 7
    if "alpha" in sign:
        pixels[3] = np.where(HOLES, 0, 255)
    if dtype == "float32":
        pixels[2, 10] = np.nan
    return write_scene(path, pixels, **SIGNS[sign])


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("bands", [[1, 2, 3], [2, 1], [1, 2, 3, 4], [4]])
def test_tiles_and_scenes_agree(tmp_path, sign, bands, dtype):
    path = write_holes(tmp_path / "scene.tif", sign, dtype)
    with open_raster(path) as dataset:
        valid = SceneReader(dataset, bands).read_valid(0, 0, 20, 30)
        validity = Validity(dataset, bands)
        assert validity.may_lack_data or valid.all()
        window = Window(3, 5, 12, 20)
        np.testing.assert_array_equal(
            validity.read_from(dataset, window), valid[window.slices]
        )
    np.testing.assert_array_equal(read_valid(path, None, bands), valid)


def test_bands_that_are_not_read_do_not_count(tmp_path):
    path = write_holes(tmp_path / "scene.tif", "nodata")
    assert not read_valid(path, None, [1, 2, 3])[:8].any()
    valid = read_valid(path, None, [1, 2, 3, 4])
    assert not valid[:4].any() and valid[4:8].mean() > 0.9


def test_alpha_and_nodata_add_up(tmp_path):
    path = write_holes(tmp_path / "scene.tif", "alpha and nodata")
    expected = ~HOLES
    expected[:8] = False
    np.testing.assert_array_equal(
        read_valid(path, None, [1, 2, 3])[:9], expected[:9]
    )


@pytest.mark.parametrize("value", [300, 0.5, "black"])
def test_a_nodata_value_that_no_pixel_can_have(tmp_path, value):
    with open_raster(write_holes(tmp_path / "scene.tif", "nothing")) as dataset:
        with pytest.raises(RasterError, match="`nodata` must be 'border' or"):
            Validity(dataset, [1], value)


def virtual_bands(path, source, nodata):
    """A VRT whose bands have their own values; `None` for no value."""
    bands = "".join(
        f'<VRTRasterBand dataType="Byte" band="{n}">'
        + ("" if value is None else f"<NoDataValue>{value}</NoDataValue>")
        + f"<SimpleSource><SourceFilename>{source}</SourceFilename>"
        f"<SourceBand>{n}</SourceBand></SimpleSource></VRTRasterBand>"
        for n, value in enumerate(nodata, 1)
    )
    path.write_text(
        f'<VRTDataset rasterXSize="30" rasterYSize="20">{bands}</VRTDataset>'
    )
    return path


class TestBandsWithValuesOfTheirOwn:
    @pytest.mark.parametrize(
        "nodata, expected",
        [
            # In all bands, each with its own value.
            ((7, 9), [False, True, True, True]),
            ((9, 7), [True, True, False, True]),
            # A band without a value always holds data.
            ((7, None), [True] * 4),
            # A value that its dtype cannot hold does not count.
            ((7, 300), [True] * 4),
        ],
    )
    def test_both_ways(self, tmp_path, nodata, expected):
        """Unchanged and resampled."""
        pixels = random_scene(20, 30)[:2]
        for row, values in enumerate([(7, 9), (7, 7), (9, 7), (9, 9)]):
            pixels[:, row * 5 : row * 5 + 5] = np.reshape(values, (2, 1, 1))
        source = write_scene(tmp_path / "scene.tif", pixels)
        path = virtual_bands(tmp_path / "scene.vrt", source, nodata)
        with open_raster(path) as dataset:
            reader = SceneReader(dataset)
            valid = reader.read_valid(0, 0, 20, 30)
            with reader.resampled(4, 6) as grid:
                coarse = grid.read_valid(0, 0, 4, 6)
        rows = np.repeat(expected, 5)
        np.testing.assert_array_equal(valid, rows[:, None].repeat(30, 1))
        np.testing.assert_array_equal(
            coarse, np.array(expected)[:, None].repeat(6, 1)
        )


@pytest.mark.parametrize("sign", ["nodata", "alpha and nodata", "mask"])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_a_stated_value_may_be_data(tmp_path, sign, dtype):
    """White roofs and a white frame: other declarations still count."""
    path = write_holes(tmp_path / "scene.tif", sign, dtype)
    expected = np.ones((20, 30), bool) if sign == "nodata" else ~HOLES
    if dtype == "float32":
        expected[10] = False
    with open_raster(path) as dataset:
        reader = SceneReader(dataset, [1, 2, 3], "none")
        valid = reader.read_valid(0, 0, 20, 30)
        np.testing.assert_array_equal(valid, expected)
        with reader.resampled(10, 15) as grid:
            found = grid.read_valid(0, 0, 10, 15)
    cells = expected.reshape(10, 2, 15, 2).any(axis=(1, 3))
    np.testing.assert_array_equal(found, cells)
