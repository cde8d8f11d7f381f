"""A scene is identified by the contents of its files."""

import os
import pathlib
import shutil
import zipfile

import numpy as np
import pytest
import rasterio
import rasterio.shutil

from keras_rsseg.rasters.opener import open_raster
from keras_rsseg.scenes.predicting import run_identity as module
from keras_rsseg.scenes.predicting.run_identity import copied_identity
from keras_rsseg.scenes.predicting.run_identity import scene_identity
from keras_rsseg.scenes.predicting.run_identity import scene_label
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import write_scene


def identity(path):
    with open_raster(path) as dataset:
        return scene_identity(dataset)


def changed_in_place(path, at, values=b"\x01"):
    """Change bytes of a file, but not its time stamp."""
    status = os.stat(path)
    with open(path, "r+b") as file:
        file.seek(at)
        before = file.read(len(values))
        file.seek(at)
        file.write(bytes(byte ^ 1 for byte in before))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


class TestContents:
    @pytest.fixture
    def scene(self, tmp_path):
        return write_scene(tmp_path / "scene.tif", random_scene(60, 50))

    def test_the_clock_makes_no_difference(self, scene):
        before = identity(scene)
        os.utime(scene, ns=(0, 0))
        assert identity(scene) == before

    def test_replaced_with_the_same_size_and_time(self, scene):
        before = identity(scene)
        changed_in_place(scene, 5000)
        assert identity(scene) != before

    @pytest.mark.parametrize("suffix", [".msk", ".ovr", ".aux.xml"])
    def test_files_beside_it(self, tmp_path, suffix):
        scene = write_scene(
            tmp_path / "scene.tif",
            random_scene(600, 500),
            mask=np.full((600, 500), 255, "uint8"),
            inside=False,
        )
        with rasterio.Env(TIFF_USE_OVR=True):
            with rasterio.open(scene, "r+") as dataset:
                dataset.build_overviews([2])
        aux = pathlib.Path(f"{scene}.aux.xml")
        aux.write_text("<PAMDataset>  </PAMDataset>")
        beside = pathlib.Path(f"{scene}{suffix}")
        assert beside.exists()
        before = identity(scene)
        changed_in_place(beside, beside.stat().st_size - 15)
        assert identity(scene) != before

    def test_mosaics_of_mosaics(self, scene, tmp_path):
        for name, of in (("a.vrt", scene), ("b.vrt", tmp_path / "a.vrt")):
            rasterio.shutil.copy(of, tmp_path / name, driver="VRT")
        before = identity(tmp_path / "b.vrt")
        changed_in_place(scene, 5000)
        assert identity(tmp_path / "b.vrt") != before

    def test_archives(self, scene, tmp_path):
        path = f"/vsizip/{tmp_path}/scene.zip/in/scene.tif"
        found = []
        for seed in (0, 1):
            write_scene(scene, random_scene(60, 50, seed=seed))
            with zipfile.ZipFile(tmp_path / "scene.zip", "w") as archive:
                archive.write(scene, "in/scene.tif")
            found.append(identity(path))
        assert list(found[0]["files"]) == [str(tmp_path / "scene.zip")]
        assert found[0] != found[1]

    def test_copies_are_the_same(self, scene, tmp_path):
        before = copied_identity(identity(scene))
        (tmp_path / "other").mkdir()
        shutil.copy(scene, tmp_path / "other")
        again = copied_identity(identity(tmp_path / "other" / "scene.tif"))
        assert again == before


class TestCost:
    """Files of any size are told apart by a bounded number of bytes."""

    @pytest.fixture
    def sparse(self, tmp_path):
        path = tmp_path / "large.bin"
        with open(path, "wb") as file:
            file.truncate(1 << 34)
        return path

    def test_bytes_that_are_read(self, sparse, monkeypatch):
        read = []

        class File:
            def __init__(self, file):
                self._file = file

            def __enter__(self):
                return self

            def __exit__(self, *error):
                self._file.close()

            def seek(self, *place):
                return self._file.seek(*place)

            def read(self, length):
                data = self._file.read(length)
                read.append(len(data))
                return data

        monkeypatch.setattr(
            module, "open", lambda *a: File(open(*a)), raising=False
        )
        module._size_and_checksum(str(sparse), module._BUDGET)
        assert sum(read) <= module._BUDGET

    @pytest.mark.parametrize("place", [0, (1 << 34) - 1, (1 << 34) - 9000])
    def test_what_is_seen(self, sparse, place):
        before = module._size_and_checksum(str(sparse), 1 << 20)
        changed_in_place(sparse, place)
        assert module._size_and_checksum(str(sparse), 1 << 20) != before

    def test_many_files(self, tmp_path):
        share = module._BUDGET // 100_000
        path = tmp_path / "small.bin"
        path.write_bytes(bytes(100_000))
        before = module._size_and_checksum(str(path), share)
        changed_in_place(path, 99_999)
        assert module._size_and_checksum(str(path), share) != before


@pytest.mark.parametrize(
    "name, files, label",
    [
        ("/home/ada/scenes/a.tif", [], "a.tif"),
        ("https://ada:key@host/a.tif?sig=secret", [], "a.tif"),
        ("/vsicurl/https://host/x/a.tif?sig=secret", [], "a.tif"),
        ("/vsizip//home/ada/x.zip/in/a.tif", [], "a.tif"),
        ("s3://bucket/ada/a.tif#x", [], "a.tif"),
        ("GTIFF_DIR:2:/home/ada/a.tif", ["/home/ada/a.tif"], None),
        ('HDF5:"/home/ada/a.h5"://b/c', ["/home/ada/a.h5"], None),
        ("<VRTDataset>/home/ada/a.tif</VRTDataset>", [], "a virtual raster"),
    ],
)
def test_labels_name_no_folder(name, files, label):
    found = scene_label(name, files)
    assert "ada" not in found and "secret" not in found
    if label is None:
        assert found == name.replace("/home/ada/", "")
    else:
        assert found == label
