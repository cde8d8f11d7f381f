"""Polygons in each format: whole, in place, with no leftovers."""

import os
import sqlite3

import numpy as np
import pytest

from keras_rsseg.scenes.maps import polygon_files
from keras_rsseg.scenes.maps.polygons import write_polygons
from tests.scenes.class_maps import random_classes
from tests.scenes.class_maps import write_classes

geopandas = pytest.importorskip("geopandas")
pytest.importorskip("pyogrio")

SHAPEFILE = ["p.cpg", "p.dbf", "p.prj", "p.shp", "p.shx"]


@pytest.fixture
def classes(tmp_path):
    return write_classes(tmp_path / "map.tif", random_classes(12, 9))


def names(path):
    return sorted(os.listdir(path))


@pytest.mark.parametrize("suffix", [".shp", ".fgb", ".SHP"])
def test_the_same_in_each(tmp_path, classes, suffix):
    package = geopandas.read_file(
        write_polygons(classes, tmp_path / "p.gpkg"), layer="classes"
    )
    other = geopandas.read_file(
        write_polygons(classes, tmp_path / f"p{suffix}")
    )
    assert other.crs == package.crs
    assert list(other.columns) == list(package.columns)
    # FlatGeobuf sorts them by location.
    np.testing.assert_allclose(
        np.sort(other.area_m2), np.sort(package.area_m2), rtol=1e-6
    )
    assert sorted(other.class_id) == sorted(package.class_id)
    assert other.geometry.union_all().equals(package.geometry.union_all())
    assert set(other.class_name) == set(package.class_name)


def test_a_shapefile_is_several_files(tmp_path, classes):
    out = tmp_path / "out"
    out.mkdir()
    write_polygons(classes, out / "p.shp")
    assert names(out) == SHAPEFILE
    (out / "p.qix").write_bytes(b"index of the old one")
    with pytest.raises(FileExistsError):
        write_polygons(classes, out / "p.shp")
    write_classes(classes, np.zeros((4, 4)))
    write_polygons(classes, out / "p.shp", overwrite=True)
    assert names(out) == SHAPEFILE
    assert len(geopandas.read_file(out / "p.shp")) == 1


def test_a_long_name(tmp_path, classes):
    """SQLite does not open paths of more than 512 bytes."""
    name = "街" * 80 + ".gpkg"
    write_polygons(classes, tmp_path / name)
    assert names(tmp_path) == ["map.tif", name]
    assert len(geopandas.read_file(tmp_path / name, layer="classes"))


def test_what_a_link_points_to_is_written(tmp_path, classes):
    (tmp_path / "disk").mkdir()
    os.symlink("disk/p.gpkg", tmp_path / "p.gpkg")
    write_polygons(classes, tmp_path / "p.gpkg")
    assert names(tmp_path / "disk") == ["p.gpkg"]
    assert (tmp_path / "p.gpkg").is_symlink()


def test_a_full_disk_is_no_bug(tmp_path, classes, monkeypatch):
    def fail(*arguments):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(polygon_files, "_add_style", fail)
    with pytest.raises(OSError, match="p.gpkg could not be written.*full"):
        write_polygons(classes, tmp_path / "p.gpkg")
    assert names(tmp_path) == ["map.tif"]
