"""A file for each band, read as one raster."""

import numpy as np
import pytest
from rasterio.enums import MaskFlags
from rasterio.transform import Affine

from keras_rsseg.errors import RasterError
from keras_rsseg.rasters.band_stack import open_source
from tests.scenes.scene_files import TRANSFORM
from tests.scenes.scene_files import write_scene


def write_band(path, seed=0, size=(40, 60), factor=1, dtype="uint16", **more):
    """`factor`: how many times coarser than the others it is."""
    shape = 1, size[0] // factor, size[1] // factor
    pixels = np.random.default_rng(seed).integers(1, 3000, shape)
    matrix = TRANSFORM @ Affine.scale(factor)
    more = {"transform": matrix, **more}
    write_scene(path, pixels.astype(dtype), **more)
    return pixels.astype(dtype)


def test_bands_in_the_order_given(tmp_path):
    names = ["B04.tif", "B03.tif", "B02.tif"]
    bands = [
        write_band(tmp_path / name, seed) for seed, name in enumerate(names)
    ]
    source = f"{tmp_path}/B04.tif+B03.tif+B02.tif"
    with open_source(source) as dataset:
        np.testing.assert_array_equal(dataset.read(), np.concatenate(bands))
        assert dataset.descriptions == ("B04", "B03", "B02")
        assert dataset.crs == "EPSG:32632" and dataset.transform == TRANSFORM
        assert dataset.name == source
        # Shows a resumed run that they have changed.
        assert {str(tmp_path / name) for name in names} <= {*dataset.files}


def test_coarser_bands_are_interpolated(tmp_path):
    fine = write_band(tmp_path / "B04.tif")
    write_band(tmp_path / "B11.tif", 1, factor=2)
    coarse = np.arange(20 * 30).reshape(1, 20, 30).astype("uint16") * 4
    write_scene(
        tmp_path / "B11.tif", coarse, transform=TRANSFORM @ Affine.scale(2)
    )
    for order in (("B04.tif", "B11.tif"), ("B11.tif", "B04.tif")):
        source = "+".join(str(tmp_path / name) for name in order)
        with open_source(source) as dataset:
            found = dict(zip(order, dataset.read(), strict=True))
            assert dataset.shape == (40, 60)
        np.testing.assert_array_equal(found["B04.tif"], fine[0])
        # On a slope bilinear is exact, except for the border and rounding.
        row, col = np.mgrid[0:40, 0:60]
        expected = 4 * (30 * (row / 2 - 0.25) + col / 2 - 0.25)
        inside = np.s_[2:-2, 2:-2]
        np.testing.assert_allclose(
            found["B11.tif"][inside], expected[inside], atol=0.51
        )


def test_a_grid_that_is_half_a_pixel_off(tmp_path):
    """Landsat's panchromatic band, whose corner differs from the others'."""
    write_band(tmp_path / "B8.tif", size=(41, 61))
    coarse = np.full((1, 20, 30), 7, "uint16")
    matrix = TRANSFORM @ Affine.translation(0.5, 0.5) @ Affine.scale(2)
    write_scene(tmp_path / "B4.tif", coarse, transform=matrix)
    with open_source(f"{tmp_path}/B8.tif+B4.tif") as dataset:
        assert (dataset.read(2)[1:-1, 1:-1] == 7).all()


def test_values_that_mean_no_data_stay_each_bands_own(tmp_path):
    write_band(tmp_path / "a.tif", nodata=0)
    write_band(tmp_path / "b.tif", nodata=65535)
    write_band(tmp_path / "c.tif")
    with open_source(f"{tmp_path}/a.tif+b.tif+c.tif") as dataset:
        assert dataset.nodatavals == (0, 65535, None)


def test_masks_and_alpha(tmp_path):
    pixels = write_band(tmp_path / "a.tif", dtype="uint8")
    mask = np.full((40, 60), 255, "uint8")
    mask[:5] = 0
    write_scene(tmp_path / "b.tif", pixels, mask=mask)
    layers = np.concatenate([pixels] * 3 + [mask[None]])
    write_scene(tmp_path / "c.tif", layers, photometric="rgb", alpha="yes")
    for name, count in (("b.tif", 2), ("c.tif", 4)):
        with open_source(f"{tmp_path}/a.tif+{name}") as dataset:
            assert dataset.count == count
            assert dataset.mask_flag_enums[0] == [MaskFlags.per_dataset]
            np.testing.assert_array_equal(dataset.read_masks(1), mask)


@pytest.mark.parametrize(
    "more",
    [
        {"crs": "EPSG:32633"},
        {"transform": TRANSFORM @ Affine.translation(30, 0)},
        {"transform": TRANSFORM @ Affine.scale(1.5)},
        {"transform": TRANSFORM @ Affine.rotation(5)},
        {"transform": None, "crs": None, "size": (20, 60)},
    ],
    ids=["system", "place", "size", "turn", "nowhere"],
)
def test_files_that_do_not_cover_the_same(tmp_path, more):
    write_band(tmp_path / "a.tif")
    write_band(tmp_path / "b.tif", **more)
    with pytest.raises(RasterError, match="`source`.*cover the same.*b.tif"):
        with open_source(f"{tmp_path}/a.tif+b.tif"):
            pass


def test_no_place_but_one_size(tmp_path):
    place = {"transform": None, "crs": None}
    bands = [
        write_band(tmp_path / name, seed, **place)
        for seed, name in enumerate(("a.tif", "b.tif"))
    ]
    with open_source(f"{tmp_path}/a.tif+b.tif") as dataset:
        np.testing.assert_array_equal(dataset.read(), np.concatenate(bands))
        assert dataset.crs is None


def test_a_file_that_is_missing_or_broken(tmp_path):
    write_band(tmp_path / "a.tif")
    with pytest.raises(FileNotFoundError, match="no file b.tif"):
        with open_source(f"{tmp_path}/a.tif+b.tif"):
            pass
    (tmp_path / "b.tif").write_text("no raster")
    with pytest.raises(RasterError, match="b.tif cannot be read"):
        with open_source(f"{tmp_path}/a.tif+b.tif"):
            pass
