"""Files that are not rasters are recognised, with advice."""

import tarfile
import zipfile

import pytest

from keras_rsseg.errors import RasterError
from keras_rsseg.rasters.not_rasters import what_it_is
from keras_rsseg.rasters.opener import open_raster
from tests.rasters.band_stack_test import write_band

PAGE = b"\n<!DOCTYPE html><html><body>Log in</body></html>"


@pytest.mark.parametrize(
    "name, data, told",
    [
        ("a.tif", b"version https://git-lfs.github.com/spec/v1\n", "lfs pull"),
        ("a.tif", PAGE, "an HTML page"),
        ("a.tif", b"\xef\xbb\xbf<html lang=de>", "an HTML page"),
        (
            "a.tif",
            b"<?xml version='1.0'?><Error><Code>Denied",
            "text that.*<?x",
        ),
        ("a.tif", b"", "the file is empty"),
        ("a.tif", bytes(2000), "nothing but zeros"),
        ("a.ecw", b"e\2\1\0\x93", "it is ECW.*GeoTIFF"),
        ("a.sid", b"msid\1\2", "it is MrSID.*GeoTIFF"),
        ("a.pdf", b"%PDF-1.7", "a PDF"),
        ("a.laz", b"LASF\1\2", "a point cloud"),
        ("a.npy", b"\x93NUMPY\1", "NumPy"),
        ("a.gpkg", b"SQLite format 3\0", "database"),
        ("a.tif.gz", b"\x1f\x8b\x08", "/vsigzip/"),
        ("a.rar", b"Rar!\x1a", "unpack it"),
        (
            "list.txt",
            b"gone/a.tif\ngone/b.tif\n",
            ".csv with a column named scene",
        ),
    ],
)
def test_by_its_first_bytes(tmp_path, name, data, told):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(RasterError, match=told.replace("<?", r"<\?")):
        with open_raster(path):
            pass


def test_archives(tmp_path):
    path = tmp_path / "scene.zip"
    for names, told in [
        (
            ["deep/inner.tif", "readme.txt"],
            f"give /vsizip/{path}/deep/inner.tif",
        ),
        (["a.tif", "b.tif", "c.tif", "d.tif"], "c.tif ..."),
        (["readme.txt"], "unpack it first"),
        (["xl/workbook.xml"], "a spreadsheet"),
    ]:
        with zipfile.ZipFile(path, "w") as archive:
            for name in names:
                archive.writestr(name, "x")
        assert what_it_is(str(path)).endswith(told) or told in what_it_is(
            str(path)
        )
    path.write_bytes(path.read_bytes()[:20])
    assert "truncated" in what_it_is(str(path))
    path = tmp_path / "scene.tar"
    with tarfile.open(path, "w") as archive:
        archive.add(tmp_path / "scene.zip", "scene.zip")
    assert f"/vsitar/{path}/" in what_it_is(str(path))


def test_files_in_archives(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_band(tmp_path / "inner.tif")
    with zipfile.ZipFile("scenes.zip", "w") as archive:
        archive.write("inner.tif", "deep/inner.tif")
        archive.writestr("deep/notes.txt", "x")
    whole = tmp_path / "scenes.zip"
    for archive in ("zip://scenes.zip", f"zip://{whole}", f"/vsizip/{whole}"):
        mark = "/" if archive.startswith("/vsi") else "!"
        with open_raster(f"{archive}{mark}deep/inner.tif") as dataset:
            assert dataset.count == 1
        for name, told in [
            ("inner.tif", "scenes.zip has no inner.tif; it is a zip file"),
            ("", "give /vsizip/.*scenes.zip/deep/inner.tif"),
        ]:
            with pytest.raises(RasterError, match=told):
                with open_raster(f"{archive}{mark}{name}".rstrip("!/")):
                    pass


def test_what_is_not_known(tmp_path):
    path = tmp_path / "a.tif"
    path.write_bytes(bytes(range(1, 255)))
    assert what_it_is(str(path)) is None
    assert what_it_is(str(tmp_path / "none.tif")) is None
    assert "a folder" in what_it_is(str(tmp_path))
