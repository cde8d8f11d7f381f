"""One rule says which pixels hold data; `scene_reader_test` has more of it."""

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
# How a file says what holds no data: arguments of `write_scene`.
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
