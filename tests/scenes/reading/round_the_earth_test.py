"""Areas and scenes on both sides of the 180th meridian."""

import numpy as np
import pytest
from rasterio.crs import CRS
from rasterio.transform import Affine
from rasterio.warp import transform

from keras_rsseg.scenes.reading.area_of_interest import AreaOfInterest
from keras_rsseg.scenes.reading.round_the_earth import EarthTurn
from keras_rsseg.scenes.reading.round_the_earth import across_the_antimeridian
from keras_rsseg.scenes.reading.scene_file import open_scene
from keras_rsseg.scenes.reading.scene_reader import SceneReader
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import write_scene

STEP = 5e-6
DEGREES = CRS.from_epsg(4326)


def box(left, right, top=4, bottom=36):
    """Columns and rows of a scene whose column 30 is on the meridian."""
    west, east = (180 + (col - 30) * STEP for col in (left, right))
    north, south = -16.5 - top * STEP, -16.5 - bottom * STEP
    return [[west, south], [east, south], [east, north], [west, north]]


def moved(ring, degrees):
    return [[x + degrees, y] for x, y in ring]


def polygons(*rings):
    return {
        "type": "MultiPolygon",
        "coordinates": [[[*ring, ring[0]]] for ring in rings],
    }


def write(path, first=180.0):
    """A scene of 40 x 60 pixels in degrees; `first` at column 30."""
    grid = Affine(STEP, 0, first - 30 * STEP, 0, -STEP, -16.5)
    return write_scene(path, random_scene(40, 60), crs=DEGREES, transform=grid)


def inside(path, area):
    with open_scene(path) as dataset:
        return SceneReader(dataset, area=area).read_valid(0, 0, 40, 60)


EXPECTED = np.zeros((40, 60), bool)
EXPECTED[4:36, 10:50] = True
AREAS = {
    "split": polygons(box(10, 30), moved(box(30, 50), -360)),
    "on": polygons(box(10, 50)),
    "before": polygons(moved(box(10, 50), -360)),
    "jump": polygons([[x - 360 if x > 180 else x, y] for x, y in box(10, 50)]),
}


@pytest.mark.parametrize("first", [180, -180])
@pytest.mark.parametrize("how", AREAS)
def test_degrees(tmp_path, caplog, first, how):
    path = write(tmp_path / "scene.tif", first)
    np.testing.assert_array_equal(inside(path, AREAS[how]), EXPECTED)
    # A side that goes all the way around is sent the short way.
    assert ("short way" in caplog.text) == (how == "jump")
    assert "beyond the scene" not in caplog.text


@pytest.mark.parametrize("crs", ["EPSG:3857", "EPSG:3395", "EPSG:4087"])
@pytest.mark.parametrize("how", AREAS)
def test_cylinders(tmp_path, crs, how):
    x, y = transform(DEGREES, crs, [179.9, 179.9], [-16.5, -16.5002])
    edge = EarthTurn.of(CRS.from_user_input(crs)).length / 2
    step = edge / 180 * STEP
    rows = 40 * STEP / 0.0002
    grid = Affine(step, 0, edge - 30 * step, 0, (y[1] - y[0]) / 40 * rows, y[0])
    path = write_scene(
        tmp_path / "scene.tif", random_scene(40, 60), crs=crs, transform=grid
    )
    np.testing.assert_array_equal(inside(path, AREAS[how]), EXPECTED)


@pytest.mark.parametrize("how", AREAS)
def test_another_datum_in_degrees(tmp_path, how):
    """Which PROJ brings back to -180 to 180."""
    grid = Affine(STEP, 0, 180 - 30 * STEP, 0, -STEP, -16.5)
    path = write_scene(
        tmp_path / "scene.tif",
        random_scene(40, 60),
        crs="EPSG:7844",
        transform=grid,
    )
    found = inside(path, AREAS[how])
    # A datum of 2020: up to 2 m, four pixels, off.
    assert abs(found.sum() - EXPECTED.sum()) < 0.3 * EXPECTED.sum()
    assert found[15:25, 20:40].all()


@pytest.mark.parametrize("how", ["split", "on", "jump"])
@pytest.mark.parametrize("crs", ["EPSG:3832", "EPSG:3395", "EPSG:32701"])
def test_areas_in_metres(tmp_path, crs, how):
    """On the Pacific's own Mercator, any Mercator, and UTM."""
    rings = AreaOfInterest(AREAS[how]).polygons
    turn = EarthTurn.of(CRS.from_user_input(crs))
    rings = [across_the_antimeridian(ring, 360) for (ring,) in rings]
    moved = [turn.transform(DEGREES, ring).T.tolist() for ring in rings]
    area = AreaOfInterest(polygons(*moved), crs)
    for first in (180, -180):
        valid = inside(write(tmp_path / "scene.tif", first), area)
        assert (valid != EXPECTED).sum() <= 4


def test_longitudes_from_0_to_360(tmp_path):
    """A scene of a climate model, an area in America."""
    grid = Affine(1, 0, 240, 0, -1, 60)
    path = write_scene(
        tmp_path / "scene.tif",
        random_scene(40, 60),
        crs=DEGREES,
        transform=grid,
    )
    ring = [[-110, 30], [-90, 30], [-90, 50], [-110, 50]]
    valid = inside(path, polygons(ring))
    expected = np.zeros((40, 60), bool)
    expected[10:30, 10:30] = True
    np.testing.assert_array_equal(valid, expected)


def test_the_whole_earth_twice(tmp_path):
    """A box of the world is not a line, and meets such a scene at both ends."""
    path = write(tmp_path / "scene.tif")
    ring = [[-180, -80], [180, -80], [180, 80], [-180, 80]]
    assert inside(path, polygons(ring)).all()


def test_what_lies_outside_is_told(tmp_path, caplog):
    path = write(tmp_path / "scene.tif")
    inside(path, polygons(box(10, 50)))
    assert not caplog.records
    inside(path, polygons(box(10, 90), box(200, 210)))
    assert "extends beyond the scene" in caplog.text
    assert "1 of its 2 polygons lie outside" in caplog.text


def test_rings_around_a_pole_stay():
    ring = np.array([[-150, -70], [-30, -70], [90, -70], [179, -70.0]])
    assert across_the_antimeridian(ring, 360) is ring
    ring = np.array([[-120, -70], [-10, -70], [100, -70], [170, -70.0]])
    assert across_the_antimeridian(ring, 360) is ring


def test_no_turn_where_x_does_not_follow_longitude():
    assert EarthTurn.of(CRS.from_epsg(32632)).length is None
    assert EarthTurn.of(None).length is None
    area = AreaOfInterest(AREAS["split"])
    assert area.crs == DEGREES
