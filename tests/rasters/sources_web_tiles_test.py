"""Tiles of web maps get their place from the path; other pictures do not."""

import math

import numpy as np
import pytest
from rasterio.warp import transform

from keras_rsseg.rasters.opener import open_raster
from keras_rsseg.rasters.sources import Tile
from keras_rsseg.rasters.sources import tile_of
from keras_rsseg.scenes.predict_scene import predict_scene
from keras_rsseg.scenes.reading.ground_size import ground_pixel_size
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import threshold_model
from tests.scenes.scene_files import write_scene

NOWHERE = {"crs": None, "transform": None, "driver": "PNG", "photometric": None}
LONGITUDE, LATITUDE = 9.97, 53.54


def numbers(zoom):
    """Column and row over a place, by the formula of OpenStreetMap's wiki."""
    lat = math.radians(LATITUDE)
    count = 2**zoom
    column = int((LONGITUDE + 180) / 360 * count)
    row = int((1 - math.asinh(math.tan(lat)) / math.pi) / 2 * count)
    return column, row


def write_tile(folder, zoom, column, row, size=256, **profile):
    path = folder / str(zoom) / str(column) / f"{row}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_scene(path, random_scene(size, size), **NOWHERE, **profile)


@pytest.mark.parametrize("zoom", [12, 19])
@pytest.mark.parametrize("from_south", [False, True])
def test_a_tile_holds_its_place(tmp_path, zoom, from_south):
    column, row = numbers(zoom)
    if from_south:
        (tmp_path / "tilemapresource.xml").touch()
        row = 2**zoom - 1 - row
    with open_raster(write_tile(tmp_path, zoom, column, row)) as dataset:
        assert dataset.crs == "EPSG:3857"
        (x,), (y,) = transform(
            "EPSG:4326", "EPSG:3857", [LONGITUDE], [LATITUDE]
        )
        bounds = dataset.bounds
        assert bounds.left <= x < bounds.right
        assert bounds.bottom < y <= bounds.top
        expected = 40075016.7 / 2**zoom / 256 * math.cos(math.radians(LATITUDE))
        width, _ = ground_pixel_size(dataset)
        assert width == pytest.approx(expected, rel=0.01)


def test_maps_have_it(tmp_path, monkeypatch, caplog):
    """Also by a relative path; neighbours meet."""
    column, row = numbers(16)
    for step in (0, 1):
        write_tile(tmp_path, 16, column + step, row)
    monkeypatch.chdir(tmp_path / "16")
    transforms = []
    for step in (0, 1):
        scene, output = f"{column + step}/{row}.png", f"{step}.tif"
        predict_scene(threshold_model, scene, output, progress=False)
        with open_raster(output) as dataset:
            assert dataset.crs == "EPSG:3857"
            transforms.append(dataset.transform)
    first, second = transforms
    assert first.c + 256 * first.a == pytest.approx(second.c, abs=1e-6)
    assert first.f == second.f
    assert caplog.text.count("holds tiles of a web map") == 1


def test_what_states_its_place_keeps_it(tmp_path):
    path = tmp_path / "16/34591/21186.tif"
    path.parent.mkdir(parents=True)
    write_scene(path, random_scene(256, 256))
    with open_raster(path) as dataset:
        assert dataset.crs == "EPSG:32632"
        assert dataset.transform.a == 0.5


def test_other_pictures_have_none(tmp_path):
    for place, size in [((3, 2, 1), 256), ((16, 34591, 21186), 100)]:
        with open_raster(write_tile(tmp_path, *place, size=size)) as dataset:
            assert dataset.crs is None
            assert dataset.transform.is_identity
            assert dataset.read().shape == (3, size, size)
    assert np.all(dataset.shape == (100, 100))


def test_paths():
    assert tile_of("https://host/t/16/5/7.png?key=a/b") == Tile(16, 5, 7)
    for path in (
        "16/5/07.png",
        "16/65536/7.png",
        "9/5/7.png",
        "31/5/7.png",
        "16/5.png",
        "16/5/a7.png",
        "2024/12/05.png",
    ):
        assert tile_of(path) is None, path
