"""Windows of any raster that GDAL reads: pixels and what is valid."""

import pathlib
import warnings

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from rasterio.control import GroundControlPoint
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning
from rasterio.errors import RasterioIOError
from rasterio.transform import Affine

from keras_rsseg.scenes.reading.area_of_interest import AreaOfInterest
from keras_rsseg.scenes.reading.scene_reader import SceneReader
from keras_rsseg.scenes.reading.scene_reader import open_scene
from tests.scenes.scene_files import TRANSFORM
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import write_scene
from tests.threads import in_threads

HARBOUR = pathlib.Path(__file__).parents[3] / "examples/data/harbour.tif"


def read(path, window=None, **options):
    with open_scene(path) as dataset:
        reader = SceneReader(dataset, **options)
        window = window or (0, 0, reader.height, reader.width)
        pixels, valid = reader.read(*window)
        np.testing.assert_array_equal(reader.read_valid(*window), valid)
        return np.moveaxis(pixels, -1, 0), valid


def some_holes(shape=(40, 60), seed=1):
    """Missing data: a corner, and scattered pixels."""
    holes = np.random.default_rng(seed).random(shape) < 0.1
    holes[:9, :14] = True
    return holes


def as_vrt(source, path, old="", new=""):
    """Write a VRT of a raster, with one change to its XML."""
    rasterio.shutil.copy(source, path, driver="VRT")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return path


class TestFormats:
    @pytest.mark.parametrize(
        "name, profile",
        [
            ("scene.tif", {}),
            ("scene.png", {"driver": "PNG"}),
            ("scene.bmp", {"driver": "BMP"}),
            ("scene.jp2", {"driver": "JP2OpenJPEG", "quality": 100}),
            ("scene.img", {"driver": "HFA"}),
        ],
    )
    def test_lossless(self, tmp_path, name, profile):
        """Each driver of the rasterio wheel returns the original pixels."""
        pixels = random_scene(40, 60)
        if "driver" in profile:
            profile = {"photometric": None, "crs": None, **profile}
            profile["transform"] = None
        if name.endswith("jp2"):
            profile["reversible"] = "YES"
        path = write_scene(tmp_path / name, pixels, **profile)
        found, valid = read(path)
        np.testing.assert_array_equal(found, pixels)
        assert found.dtype == np.uint8
        assert valid.all()

    def test_jpeg(self, tmp_path):
        pixels = np.full((3, 40, 60), 90, "uint8")
        path = write_scene(
            tmp_path / "scene.jpg",
            pixels,
            driver="JPEG",
            crs=None,
            transform=None,
            photometric=None,
        )
        found, valid = read(path)
        np.testing.assert_allclose(found, 90, atol=2)
        assert valid.all()

    @pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "int32"])
    def test_integers(self, tmp_path, dtype):
        limits = np.iinfo(dtype)
        pixels = np.array([[[limits.min, 0, limits.max]]], dtype)
        found, _ = read(write_scene(tmp_path / "scene.tif", pixels))
        np.testing.assert_array_equal(found, pixels.astype("float32"))
        assert found.dtype == ("uint8" if dtype == "uint8" else "float32")

    def test_virtual_mosaic(self, tmp_path):
        """Four files that meet inside a window."""
        pixels = random_scene(40, 60)
        sources = ""
        for index in range(4):
            row, col = index // 2 * 20, index % 2 * 30
            part = pixels[:, row : row + 20, col : col + 30]
            path = write_scene(tmp_path / f"{index}.tif", part)
            rectangle = f'xOff="{col}" yOff="{row}" xSize="30" ySize="20"'
            sources += (
                f"<SimpleSource><SourceFilename>{path}</SourceFilename>"
                "<SourceBand>BAND</SourceBand>"
                '<SrcRect xOff="0" yOff="0" xSize="30" ySize="20"/>'
                f"<DstRect {rectangle}/></SimpleSource>"
            )
        bands = "".join(
            f'<VRTRasterBand dataType="Byte" band="{band}">'
            f"{sources.replace('BAND', str(band))}</VRTRasterBand>"
            for band in (1, 2, 3)
        )
        xml = f'<VRTDataset rasterXSize="60" rasterYSize="40">{bands}'
        path = tmp_path / "scene.vrt"
        path.write_text(f"{xml}</VRTDataset>")
        found, _ = read(path, (15, 25, 20, 30))
        np.testing.assert_array_equal(found, pixels[:, 15:35, 25:55])

    @pytest.mark.parametrize("count", [1, 13])
    def test_band_counts(self, tmp_path, count):
        pixels = np.random.default_rng(0).integers(
            1, 4000, (count, 20, 30), "uint16"
        )
        path = write_scene(tmp_path / "scene.tif", pixels)
        np.testing.assert_array_equal(read(path)[0], pixels)
        if count == 13:
            found, _ = read(path, bands=[4, 3, 2, 4])
            np.testing.assert_array_equal(found, pixels[[3, 2, 1, 3]])

    @pytest.mark.parametrize(
        "transform",
        [
            Affine(0.5, 0, 5e5, 0, 0.5, 5e6),
            Affine(0.4, 0.3, 5e5, 0.3, -0.4, 5e6),
            None,
        ],
        ids=["south-up", "turned", "none"],
    )
    def test_any_grid_is_read_as_it_lies(self, tmp_path, transform):
        pixels = random_scene(40, 60)
        path = write_scene(
            tmp_path / "scene.tif",
            pixels,
            transform=transform,
            crs=transform and "EPSG:32632",
        )
        found, _ = read(path, (3, 5, 30, 40))
        np.testing.assert_array_equal(found, pixels[:, 3:33, 5:45])

    def test_one_pixel(self, tmp_path):
        pixels = np.array([[[7]], [[8]], [[9]]], "uint8")
        path = write_scene(tmp_path / "scene.tif", pixels)
        found, valid = read(path)
        np.testing.assert_array_equal(found, pixels)
        assert valid.all()
        path = write_scene(tmp_path / "empty.tif", pixels, nodata=7)
        with rasterio.open(path, "r+") as dataset:
            dataset.write(np.full((3, 1, 1), 7, "uint8"))
        found, valid = read(path)
        assert not valid.any()
        np.testing.assert_array_equal(found, 0)


class TestValidity:
    @pytest.mark.parametrize(
        "how", ["nodata", "given", "mask", "file", "alpha", "float", "infinite"]
    )
    def test_every_sign(self, tmp_path, how):
        """Against rasterio's own mask, and against the written data."""
        holes, path = some_holes(), tmp_path / "scene.tif"
        floats = how in ("float", "infinite")
        pixels = random_scene(40, 60).astype("float32" if floats else "uint8")
        shown = pixels.copy()
        missing = {"float": np.nan, "infinite": -np.inf}.get(how, 0)
        pixels[:, holes] = missing
        if how in ("mask", "file"):
            mask = np.where(holes, 0, 255).astype("uint8")
            write_scene(path, shown, mask=mask, inside=how == "mask")
            assert (tmp_path / "scene.tif.msk").exists() == (how == "file")
        elif how == "alpha":
            # Half transparent is valid.
            alpha = np.where(holes, 0, 100).astype("uint8")[None]
            layers = np.concatenate([shown, alpha])
            write_scene(path, layers, photometric="rgb", alpha="yes")
        elif how == "nodata":
            write_scene(path, pixels, nodata=0)
        else:
            write_scene(path, pixels)
        found, valid = read(path, nodata=0 if how == "given" else None)
        np.testing.assert_array_equal(valid, ~holes)
        np.testing.assert_array_equal(found[:, ~holes], shown[:, ~holes])
        if how not in ("given", "float", "infinite"):
            with rasterio.open(path) as dataset:
                expected = dataset.dataset_mask() > 0
            np.testing.assert_array_equal(valid, expected)
        # A single grey for all: it is not an object.
        assert len(np.unique(found[:, holes], axis=1).T) == 1
        mean = shown[:, ~holes].mean(axis=1)
        np.testing.assert_allclose(found[:, holes][:, 0], mean, atol=0.51)

    def test_one_band_of_nodata_is_data(self, tmp_path):
        """Pure blue has no red, but is still data."""
        pixels = random_scene(40, 60)
        pixels[1] = 0
        path = write_scene(tmp_path / "scene.tif", pixels, nodata=0)
        found, valid = read(path)
        assert valid.all()
        np.testing.assert_array_equal(found, pixels)

    def test_bands_that_are_not_read_do_not_count(self, tmp_path):
        pixels = np.concatenate([random_scene(40, 60)] * 2)[:4]
        holes = some_holes()
        pixels[:3, holes] = 0
        path = write_scene(tmp_path / "scene.tif", pixels, nodata=0)
        valid = read(path, bands=[1, 2, 3])[1]
        np.testing.assert_array_equal(valid, ~holes)
        assert read(path, bands=[3, 4])[1].all()

    def test_nodata_of_its_own_for_each_band(self, tmp_path):
        pixels, holes = random_scene(40, 60), some_holes()
        pixels[0, holes], pixels[1, holes], pixels[2, holes] = 7, 8, 9
        path = as_vrt(
            write_scene(tmp_path / "scene.tif", pixels),
            tmp_path / "scene.vrt",
        )
        text = path.read_text()
        for band, value in ((1, 7), (2, 8), (3, 9)):
            start = text.index(f'band="{band}"')
            end = text.index(">", start) + 1
            tag = f"<NoDataValue>{value}</NoDataValue>"
            text = text[:end] + tag + text[end:]
        path.write_text(text)
        expected = (pixels != [[[7]], [[8]], [[9]]]).any(axis=0)
        np.testing.assert_array_equal(read(path)[1], expected)
        with open_scene(path) as dataset:
            with SceneReader(dataset).resampled(10, 15) as grid:
                _, valid = grid.read(0, 0, 10, 15)
        cells = expected.reshape(10, 4, 15, 4).any(axis=(1, 3))
        np.testing.assert_array_equal(valid, cells)

    def test_signs_add_up(self, tmp_path):
        """A mask, the user's nodata and NaN in one scene."""
        holes = [some_holes(seed=seed) for seed in range(3)]
        pixels = random_scene(40, 60).astype("float32")
        pixels[:, holes[0]] = -9999
        pixels[1, holes[1]] = np.nan
        mask = np.where(holes[2], 0, 255).astype("uint8")
        path = write_scene(tmp_path / "scene.tif", pixels, mask=mask)
        expected = ~(holes[0] | holes[1] | holes[2])
        found, valid = read(path, nodata=-9999)
        np.testing.assert_array_equal(valid, expected)
        assert found.min() > 0
        with open_scene(path) as dataset:
            reader = SceneReader(dataset, nodata=-9999)
            with reader.resampled(20, 30) as grid:
                found, valid = grid.read(0, 0, 20, 30)
        cells = expected.reshape(20, 2, 30, 2)
        np.testing.assert_array_equal(valid, cells.any(axis=(1, 3)))
        sums = np.where(expected, pixels, 0).reshape(3, 20, 2, 30, 2)
        counts = cells.sum(axis=(1, 3))
        means = sums.sum(axis=(2, 4)) / np.maximum(counts, 1)
        found = np.moveaxis(found, -1, 0)
        np.testing.assert_allclose(found[:, valid], means[:, valid], rtol=1e-5)

    @pytest.mark.parametrize("given", [None, 5])
    def test_alpha_counts_beside_nodata(self, tmp_path, given):
        pixels = np.concatenate([random_scene(40, 60)] * 2)[:4]
        pixels[3] = 255
        pixels[3, :10] = 0
        pixels[:3, 20:30] = 5
        path = write_scene(
            tmp_path / "scene.tif",
            pixels,
            photometric="rgb",
            alpha="yes",
            nodata=None if given else 5,
        )
        _, valid = read(path, nodata=given)
        expected = np.ones((40, 60), bool)
        expected[:10] = expected[20:30] = False
        np.testing.assert_array_equal(valid, expected)

    def test_nodata_that_no_pixel_can_have(self, tmp_path):
        pixels = random_scene(40, 60)
        path = as_vrt(
            write_scene(tmp_path / "scene.tif", pixels),
            tmp_path / "scene.vrt",
            "<ColorInterp>Gray</ColorInterp>",
            "<NoDataValue>-9999</NoDataValue><ColorInterp>Gray</ColorInterp>",
        )
        assert read(path)[1].all()
        with open_scene(path) as dataset:
            with SceneReader(dataset).resampled(10, 15) as grid:
                assert grid.read(0, 0, 10, 15)[1].all()

    @pytest.mark.parametrize("value", [300, -1, 1.5, float("nan"), "0"])
    def test_a_nodata_that_cannot_be(self, tmp_path, value):
        path = write_scene(tmp_path / "scene.tif", random_scene(8, 8))
        with pytest.raises(ValueError, match="`nodata` must be 'border' or"):
            read(path, nodata=value)

    def test_alpha_may_be_read_as_data(self, tmp_path):
        pixels = np.concatenate([random_scene(40, 60)] * 2)[:4]
        pixels[3, :10] = 0
        path = write_scene(
            tmp_path / "scene.tif", pixels, photometric="rgb", alpha="yes"
        )
        with rasterio.open(path) as dataset:
            assert dataset.colorinterp[3] == ColorInterp.alpha
        found, valid = read(path, bands=[1, 4])
        assert valid.all()
        np.testing.assert_array_equal(found, pixels[[0, 3]])


class TestDamage:
    def test_a_cut_file_is_refused(self, tmp_path):
        """At once, or at the first missing row."""
        data = HARBOUR.read_bytes()
        path = tmp_path / "scene.tif"
        for size in (len(data) * 3 // 4, 3000, 100, 0):
            path.write_bytes(data[:size])
            with pytest.raises((ValueError, RasterioIOError)):
                read(path)

    @pytest.mark.parametrize("size", [None, (10, 10)])
    def test_a_bad_block_is_named(self, tmp_path, size):
        """Rows of the scene, also when read at another size."""
        path = write_scene(
            tmp_path / "scene.tif",
            random_scene(64, 64)[:1],
            compress="deflate",
            tiled=True,
            blockxsize=16,
            blockysize=16,
        )
        data = bytearray(path.read_bytes())
        middle = len(data) * 5 // 8
        data[middle : middle + 300] = bytes(300)
        path.write_bytes(data)
        with open_scene(path) as dataset:
            reader = SceneReader(dataset)
            pixels, _ = reader.read(0, 0, 16, 64)
            assert pixels.shape == (16, 64, 1)
            if size is None:
                with pytest.raises(RasterioIOError, match="rows 32 to 48"):
                    reader.read(32, 0, 16, 64)
                return
            with reader.resampled(*size) as grid:
                with pytest.raises(RasterioIOError, match="rows 32 to 58"):
                    grid.read(5, 0, 4, 10)

    def test_zero_size(self, tmp_path):
        path = tmp_path / "scene.vrt"
        path.write_text('<VRTDataset rasterXSize="0" rasterYSize="0"/>')
        with pytest.raises(ValueError, match="not a raster that GDAL reads"):
            read(path)


class TestThreads:
    def test_reopened_readers_read_the_same(self, tmp_path):
        """Also at once, resampled, with a border and an area."""
        pixels = random_scene(300, 400)
        pixels[:, :20] = 0
        path = write_scene(tmp_path / "scene.tif", pixels)
        x, y = TRANSFORM.c, TRANSFORM.f
        corners = [[x, y], [x + 200, y - 5], [x + 45, y - 145]]
        triangle = AreaOfInterest(
            {"type": "Polygon", "coordinates": [corners]}, crs="EPSG:32632"
        )
        with open_scene(path) as dataset:
            reader = SceneReader(dataset, nodata="border", area=triangle)
            with reader.resampled(77, 99) as grid:
                for own, size in ((reader, (300, 400)), (grid, (77, 99))):
                    pixels, valid = own.read(0, 0, *size)
                    assert 0.2 < valid.mean() < 0.6
                    for again in reads_of_threads(own, size):
                        np.testing.assert_array_equal(again[0], pixels)
                        np.testing.assert_array_equal(again[1], valid)


def reads_of_threads(reader, size):
    """The reads of three threads, each with its own handle."""
    found = []

    def run():
        # Threads have their own filters in some versions of Python.
        with warnings.catch_warnings(), reader.reopened() as own:
            found.append(own.read(0, 0, *size))

    in_threads(run, 3)
    assert len(found) == 3
    return found


class TestControlPoints:
    def test_resampled_like_any_scene(self, tmp_path):
        pixels, path = random_scene(40, 60), tmp_path / "scene.tif"
        points = [
            GroundControlPoint(row, col, 5e5 + col / 2, 5e6 - row / 2)
            for row, col in ((0, 0), (0, 60), (40, 0), (40, 60))
        ]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            write_scene(
                path, pixels, transform=None, gcps=points, crs="EPSG:32632"
            )
        with open_scene(path) as dataset:
            assert dataset.crs is None
            reader = SceneReader(dataset)
            with reader.resampled(10, 15) as grid:
                found, _ = grid.read(0, 0, 10, 15)
        means = pixels.reshape(3, 10, 4, 15, 4).mean((2, 4))
        np.testing.assert_allclose(np.moveaxis(found, -1, 0), means, atol=0.51)


class TestWindows:
    @settings(max_examples=30, deadline=None)
    @given(data=st.data(), holes=st.booleans())
    def test_a_window_is_a_part_of_the_whole(
        self, tmp_path_factory, data, holes
    ):
        """On the scene's grid and on others, finer and coarser."""
        height, width = data.draw(
            st.tuples(st.integers(1, 40), st.integers(1, 40)), "size"
        )
        size = data.draw(
            st.tuples(st.integers(1, 60), st.integers(1, 60)), "grid"
        )
        pixels = np.random.default_rng(0).random((2, height, width), "float32")
        if holes:
            pixels[:, some_holes((height, width))] = np.nan
        path = write_scene(
            tmp_path_factory.mktemp("windows") / "scene.tif", pixels
        )
        with open_scene(path) as dataset:
            reader = SceneReader(dataset)
            with reader.resampled(*size) as grid:
                for own in (reader, grid):
                    check_window(own, data)


def check_window(reader, data):
    row = data.draw(st.integers(0, reader.height - 1))
    col = data.draw(st.integers(0, reader.width - 1))
    height = data.draw(st.integers(1, reader.height - row))
    width = data.draw(st.integers(1, reader.width - col))
    whole, whole_valid = reader.read(0, 0, reader.height, reader.width)
    part, valid = reader.read(row, col, height, width)
    place = slice(row, row + height), slice(col, col + width)
    np.testing.assert_array_equal(valid, whole_valid[place])
    np.testing.assert_array_equal(part[valid], whole[place][valid])
    np.testing.assert_array_equal(
        reader.read_valid(row, col, height, width), valid
    )
