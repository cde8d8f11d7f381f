"""Damaged files: an error that names them, never a wrong map."""

import struct
import warnings

import numpy as np
import pytest
import rasterio
import rasterio.shutil
import rasterio.windows

from keras_rsseg.errors import KerasRssegError
from keras_rsseg.errors import RasterError
from keras_rsseg.rasters.opener import open_raster
from keras_rsseg.scenes.predict_scene import predict_scene
from keras_rsseg.scenes.reading.scene_reader import SceneReader
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import write_scene

INDEX = (273, 279, 324, 325)
LAYOUTS = {
    "strips": {},
    "tiles": {"tiled": True, "blockxsize": 16, "blockysize": 16},
    "compressed": {"compress": "deflate"},
    "bands": {"interleave": "band", "compress": "lzw"},
    "big": {"bigtiff": "yes", "compress": "deflate"},
}


def entries(data):
    """Yield `(tag, place, length)` of the first directory of a TIFF."""
    big = struct.unpack_from("<H", data, 2)[0] == 43
    link, number, length = ("<Q", "<Q", 20) if big else ("<I", "<H", 12)
    (place,) = struct.unpack_from(link, data, 8 if big else 4)
    (count,) = struct.unpack_from(number, data, place)
    place += struct.calcsize(number)
    for _ in range(count):
        yield struct.unpack_from("<H", data, place)[0], place, length
        place += length


def values_of(data, tag, place, length):
    """Return the position of a tag's values, and the length of one."""
    half = "I" if length == 12 else "Q"
    kind, count = struct.unpack_from("<H" + half, data, place + 2)
    size = {2: 1, 3: 2, 4: 4, 12: 8, 16: 8}[kind]
    inside = place + length - struct.calcsize(half)
    if size * count > struct.calcsize(half):
        (inside,) = struct.unpack_from("<" + half, data, inside)
    return range(inside, inside + size * count, size), size


def read_whole(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with open_raster(path) as dataset:
            return SceneReader(dataset).read(0, 0, *dataset.shape)


class TestIndexOfBlocks:
    """GDAL takes blocks missing from the index for blocks without data."""

    @pytest.fixture(params=LAYOUTS)
    def scene(self, request, tmp_path):
        pixels = random_scene(60, 50)
        path = write_scene(
            tmp_path / "scene.tif", pixels, nodata=0, **LAYOUTS[request.param]
        )
        return path, np.moveaxis(pixels, 0, -1)

    def check(self, path, data, pixels):
        """The same pixels, or an error that names the file."""
        path.write_bytes(data)
        try:
            found, valid = read_whole(path)
        except RasterError as error:
            assert path.name in str(error)
            return True
        assert valid.all()
        np.testing.assert_array_equal(found, pixels)
        return False

    def test_entries(self, scene):
        path, pixels = scene
        data = path.read_bytes()
        refused = 0
        for tag, place, length in entries(data):
            if tag in INDEX:
                for byte in range(2, length):
                    for value in (0, 7, 0x40, 255):
                        damaged = bytearray(data)
                        damaged[place + byte] = value
                        refused += self.check(path, damaged, pixels)
        assert refused > 20

    def test_values(self, scene):
        path, pixels = scene
        data = path.read_bytes()
        for entry in entries(data):
            if entry[0] in INDEX:
                places, size = values_of(data, *entry)
                for place in places[:3]:
                    damaged = bytearray(data)
                    damaged[place : place + size] = bytes(size)
                    assert self.check(path, damaged, pixels)

    def test_within_a_mosaic(self, scene, tmp_path):
        path, _ = scene
        data = bytearray(path.read_bytes())
        vrt = tmp_path / "mosaic.vrt"
        rasterio.shutil.copy(path, vrt, driver="VRT")
        (entry,) = (e for e in entries(data) if e[0] in (279, 325))
        places, size = values_of(data, *entry)
        data[places[0] : places[0] + size] = bytes(size)
        path.write_bytes(data)
        with pytest.raises(RasterError, match="scene.tif"):
            read_whole(vrt)


def test_sparse_files_are_not_damaged(tmp_path):
    """Most of their blocks were never written, which is not damage."""
    path = tmp_path / "sparse.tif"
    options = {"driver": "GTiff", "sparse_ok": True, "tiled": True}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(
            *(path, "w"),
            **{"height": 900, "width": 900, "count": 1, "dtype": "uint8"},
            **{"nodata": 0, "blockxsize": 256, "blockysize": 256},
            **options,
        ) as output:
            ones = np.ones((1, 256, 256), "uint8")
            output.write(ones, window=rasterio.windows.Window(256, 0, 256, 256))
    _, valid = read_whole(path)
    assert valid.sum() == 256**2


class TestForeignErrors:
    """Whatever GDAL fails on, our error names the file."""

    def test_geokeys_and_what_else_gives_a_place(self, tmp_path):
        path = write_scene(tmp_path / "scene.tif", random_scene(12, 10))
        data = path.read_bytes()
        rng = np.random.default_rng(0)
        refused = 0
        for entry in entries(data):
            if entry[0] not in (33550, 33922, 34735, 34736, 34737):
                continue
            places, size = values_of(data, *entry)
            spots = [*range(entry[1] + 2, entry[1] + entry[2]), *places]
            for spot in spots:
                damaged = bytearray(data)
                damaged[spot] = rng.integers(256)
                path.write_bytes(damaged)
                try:
                    read_whole(path)
                except KerasRssegError as error:
                    assert path.name in str(error)
                    refused += 1
        assert refused

    @pytest.mark.parametrize("key", [1024, 1025, 3072])
    def test_geokeys_are_not_passed_over(self, tmp_path, key):
        """GDAL goes on without a georeference, or with another one."""
        path = write_scene(tmp_path / "scene.tif", random_scene(12, 10))
        data = bytearray(path.read_bytes())
        (entry,) = [e for e in entries(bytes(data)) if e[0] == 34735]
        places, _ = values_of(bytes(data), *entry)
        # Key, where its value is, how many there are, the value.
        for place in places[4::4]:
            if int.from_bytes(data[place : place + 2], "little") == key:
                data[place + 4 : place + 6] = b"\0\0"
        path.write_bytes(data)
        with pytest.raises(KerasRssegError, match=r"scene\.tif cannot.*Geo"):
            predict_scene(
                lambda tiles: tiles,
                path,
                tmp_path / "map.tif",
                tile_size=8,
                progress=False,
            )
        assert not (tmp_path / "map.tif").exists()

    @pytest.mark.parametrize("encoding", ["ISO-8859-1", "cp1252", "UTF-16"])
    def test_mosaics_in_another_encoding(self, tmp_path, encoding):
        write_scene(tmp_path / "süd.tif", random_scene(12, 10))
        vrt = tmp_path / "mosaic.vrt"
        rasterio.shutil.copy(tmp_path / "süd.tif", vrt, driver="VRT")
        text = vrt.read_text("utf-8").replace("gray", "grün")
        text = text.replace("<VRTDataset", "<!-- grün -->\n<VRTDataset")
        head = f'<?xml version="1.0" encoding="{encoding}"?>\n'
        vrt.write_bytes((head + text).encode(encoding))
        with pytest.raises(RasterError, match=r"mosaic\.vrt"):
            read_whole(vrt)

    @pytest.mark.parametrize("note", ["a\x01b", "<&>", "\x7f"])
    def test_texts_that_xml_cannot_hold(self, tmp_path, note):
        path = write_scene(tmp_path / "scene.tif", random_scene(12, 10))
        with rasterio.open(path, "r+") as dataset:
            dataset.update_tags(note=note)
        try:
            with (
                open_raster(path) as dataset,
                SceneReader(dataset).resampled(6, 5) as grid,
            ):
                assert grid.read(0, 0, 6, 5)[1].all()
        except KerasRssegError as error:
            assert "scene.tif" in str(error)
