"""Rasters are written as a whole, or not at all."""

import os
import zlib

import numpy as np
import pytest
import rasterio
from rasterio.io import MemoryFile

from keras_rsseg.rasters.opener import open_raster
from keras_rsseg.rasters.output_files import bounded_cache
from keras_rsseg.rasters.output_files import new_raster
from keras_rsseg.rasters.output_files import remove_raster
from keras_rsseg.rasters.output_files import write_cog
from keras_rsseg.rasters.output_files import write_picture
from keras_rsseg.rasters.output_files import write_raster
from tests.rasters.raster_files import noise


@pytest.mark.parametrize("dtype", ["uint8", "float16"])
def test_a_raster_is_what_it_was(tmp_path, dtype):
    path = tmp_path / "block.tif"
    raster = (noise(2, 30, 40) / 8).astype(dtype)
    size, crc = write_raster(path, raster, nodata=255, compress="deflate")
    assert path.stat().st_size == size and zlib.crc32(path.read_bytes()) == crc
    with open_raster(path) as dataset:
        np.testing.assert_array_equal(dataset.read(), raster)
        assert dataset.nodata == 255
    assert os.listdir(tmp_path) == ["block.tif"]


@pytest.mark.parametrize("bands", [1, 3, 4])
def test_a_picture_is_what_it_was(tmp_path, bands):
    path = tmp_path / "map.png"
    path.write_bytes(b"older")
    picture = np.moveaxis(noise(bands, 30, 40), 0, -1)
    write_picture(path, picture)
    with open_raster(path) as dataset:
        assert dataset.driver == "PNG"
        np.testing.assert_array_equal(
            np.moveaxis(dataset.read(), 0, -1), picture
        )
    assert os.listdir(tmp_path) == ["map.png"]


def test_a_picture_that_cannot_be_written_leaves_the_older_one(
    tmp_path, monkeypatch
):
    path = tmp_path / "map.png"
    path.write_bytes(b"older")

    def fail(descriptor):
        raise OSError("no space left")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="space"):
        write_picture(path, np.zeros((4, 4, 4), "uint8"))
    assert path.read_bytes() == b"older"
    assert os.listdir(tmp_path) == ["map.png"]


def test_a_cog_has_overviews_and_no_warning(tmp_path):
    """It is not georeferenced either, of which rasterio warns."""
    source, path = tmp_path / "block.tif", tmp_path / "map.tif"
    raster = noise(1, 600, 700)
    write_raster(source, raster, compress="deflate")
    write_cog(source, path, "mode")
    with open_raster(path) as dataset:
        np.testing.assert_array_equal(dataset.read(), raster)
        assert dataset.overviews(1) == [2]
        assert dataset.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"


def test_settings_end_with_their_context():
    with bounded_cache():
        assert rasterio.env.getenv()["GDAL_CACHEMAX"] == 64 << 20
    assert not rasterio.env.hasenv()


def test_a_raster_in_memory():
    with MemoryFile(ext=".tif") as memory:
        shape = {"count": 1, "height": 2, "width": 3, "dtype": "uint8"}
        with new_raster(memory, driver="GTiff", **shape) as dataset:
            dataset.write(np.ones((1, 2, 3), "uint8"))
        with open_raster(memory.name) as dataset:
            assert dataset.read().all()


def test_what_lies_beside_a_raster_goes_with_it(tmp_path):
    for name in ("[a].tif", "[a].tif.ovr.tmp", "[a].tif.aux.xml", "a.tif"):
        (tmp_path / name).touch()
    remove_raster(tmp_path / "[a].tif")
    assert os.listdir(tmp_path) == ["a.tif"]
