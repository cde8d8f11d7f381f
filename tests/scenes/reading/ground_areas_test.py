"""Areas on the ground, where the projection makes pixels unequal."""

import numpy as np
import pytest
import rasterio
import rasterio.warp
from rasterio.transform import Affine

from keras_rsseg.rasters.windows import Window
from keras_rsseg.scenes import predict_scene
from keras_rsseg.scenes import write_polygons
from keras_rsseg.scenes.maps.class_map import open_class_map
from keras_rsseg.scenes.reading.ground_areas import GroundAreas
from tests.scenes.scene_files import threshold_model
from tests.scenes.scene_files import write_scene

AXIS, ECCENTRICITY = 6378137.0, 0.0818191908426215


def zone(south, north, degrees):
    """Square metres of the ellipsoid between two latitudes.

    With the closed-form formula (Snyder, Map Projections, 3-12), where the
    package measures single pixels.
    """

    def authalic(latitude):
        sine = np.sin(np.radians(latitude))
        e = ECCENTRICITY
        return (1 - e**2) * (
            sine / (1 - (e * sine) ** 2)
            - np.log((1 - e * sine) / (1 + e * sine)) / (2 * e)
        )

    part = authalic(north) - authalic(south)
    return AXIS**2 * np.radians(degrees) * part / 2


def mercator(latitude):
    angle = np.radians(latitude)
    return AXIS * np.log(np.tan(np.pi / 4 + angle / 2))


def write(path, ids, crs, bounds, **profile):
    height, width = ids.shape
    west, south, east, north = bounds
    matrix = Affine(
        (east - west) / width, 0, west, 0, (south - north) / height, north
    )
    # Values for which `threshold_model` returns these ids.
    pixels = np.stack([ids * 64 + 1] * 3).astype("uint8")
    return write_scene(path, pixels, crs=crs, transform=matrix, **profile)


@pytest.fixture(params=["EPSG:4326", "EPSG:3857", "EPSG:3395"])
def halves(request, tmp_path):
    """A scene from the equator to 60 degrees, class 1 north of row 300.

    Returns its path, and the true areas of both classes.
    """
    ids = np.zeros((600, 40), "uint8")
    ids[:300] = 1
    west, east = 5.0, 9.0
    if request.param == "EPSG:4326":
        bounds, middle = (west, 0, east, 60), 30.0
    elif request.param == "EPSG:3857":
        top = mercator(60)
        middle = np.degrees(2 * np.arctan(np.exp(top / 2 / AXIS))) - 90
        east_m, west_m = (AXIS * np.radians(lon) for lon in (east, west))
        bounds = (west_m, 0, east_m, top)
    else:
        _, (bottom, top) = rasterio.warp.transform(
            "EPSG:4326", request.param, [west, east], [0, 60]
        )
        (west_m, east_m), _ = rasterio.warp.transform(
            "EPSG:4326", request.param, [west, east], [0, 60]
        )
        _, (middle,) = rasterio.warp.transform(
            request.param, "EPSG:4326", [west_m], [top / 2]
        )
        bounds = (west_m, bottom, east_m, top)
    scene = write(tmp_path / "scene.tif", ids, request.param, bounds)
    return scene, [zone(0, middle, 4), zone(middle, 60, 4)]


class TestLatitudes:
    """A class in the north must not be counted with pixels of the south."""

    def test_summary_and_polygons(self, tmp_path, halves):
        scene, truth = halves
        result = predict_scene(
            threshold_model,
            scene,
            tmp_path / "map.tif",
            tile_size=64,
            progress=False,
        )
        found = [result.class_areas[f"class_{i}"] for i in (0, 1)]
        np.testing.assert_allclose(found, truth, rtol=1e-3)
        pyogrio = pytest.importorskip("pyogrio")
        path = write_polygons(tmp_path / "map.tif", tmp_path / "map.gpkg")
        _, _, _, (ids, areas) = pyogrio.raw.read(
            path, layer="classes", columns=["class_id", "area_m2"]
        )
        np.testing.assert_allclose(areas[np.argsort(ids)], truth, rtol=1e-3)

    def test_a_finished_map_has_the_same(self, tmp_path, halves):
        scene, truth = halves
        options = {"tile_size": 64, "progress": False}
        for resume in (False, True):
            result = predict_scene(
                threshold_model,
                scene,
                tmp_path / "map.tif",
                resume=resume,
                **options,
            )
        found = [result.class_areas[f"class_{i}"] for i in (0, 1)]
        np.testing.assert_allclose(found, truth, rtol=1e-3)


def test_columns_count_too(tmp_path):
    """In a conic projection pixels become smaller to all sides."""
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 4, (90, 120), "uint8")
    ids[20:60, 30:100] = 2
    scene = write(
        *(tmp_path / "scene.tif", ids, "+proj=stere +lat_0=50 +lon_0=0"),
        (-5e6, -4e6, 6e6, 3e6),
    )
    result = predict_scene(
        *(threshold_model, scene, tmp_path / "map.tif"),
        tile_size=64,
        progress=False,
    )
    # By the scale of the projection at each pixel, on a sphere.
    x, y = np.meshgrid(np.linspace(-5e6, 6e6, 241), np.linspace(3e6, -4e6, 181))
    distance = (x**2 + y**2)[1::2, 1::2]
    pixel = (11e6 / 120) * (7e6 / 90)
    areas = pixel / (1 + distance / (4 * 6371e3**2)) ** 2
    for index in range(4):
        assert result.class_areas[f"class_{index}"] == pytest.approx(
            areas[ids == index].sum(), rel=0.01
        )
    pyogrio = pytest.importorskip("pyogrio")
    for simplify in (0, 200_000):
        path = write_polygons(
            *(tmp_path / "map.tif", tmp_path / f"{simplify}.gpkg"),
            simplify=simplify,
        )
        _, _, _, (found,) = pyogrio.raw.read(
            path, layer="classes", columns=["area_m2"]
        )
        assert found.sum() == pytest.approx(areas.sum(), rel=0.01)
        assert found.max() == pytest.approx(
            max(result.class_areas.values()), rel=0.9
        )


@pytest.mark.parametrize(
    "crs, bounds",
    [
        ("EPSG:4326", (5, 0, 9, 60)),
        ("+proj=stere +lat_0=50 +lon_0=0", (-5e6, -4e6, 6e6, 3e6)),
    ],
)
def test_polygons_have_the_areas_of_their_pixels(tmp_path, crs, bounds):
    shapely = pytest.importorskip("shapely")
    ids = np.zeros((200, 160), "uint8")
    scene = write(tmp_path / "scene.tif", ids, crs, bounds)
    with rasterio.open(scene) as dataset:
        ground = GroundAreas.of(dataset)
    windows = [
        Window(0, 0, 200, 160),
        Window(3, 7, 1, 1),
        Window(199, 159, 1, 1),
        Window(20, 0, 180, 3),
    ]
    boxes = [
        shapely.box(w.col, w.row, w.col + w.width, w.row + w.height)
        for w in windows
    ]
    wanted = [
        np.broadcast_to(ground.read(window), window[2:]).sum()
        for window in windows
    ]
    found = ground.of_polygons(np.array(boxes))
    np.testing.assert_allclose(found, wanted, rtol=3e-3)
    both = [boxes[0].difference(boxes[1]), boxes[1]]
    assert ground.of_polygons(np.array(both)).sum() == pytest.approx(found[0])


class TestEqualPixels:
    """Most scenes: nothing more is read, and the result is the same."""

    def test_utm(self, tmp_path):
        scene = write_scene(
            tmp_path / "scene.tif", np.zeros((3, 60, 50), "uint8")
        )
        with rasterio.open(scene) as dataset:
            ground = GroundAreas.of(dataset)
        assert ground.are_equal
        assert ground.read(Window(0, 0, 1, 1)).item() == pytest.approx(
            0.25, rel=1e-3
        )

    def test_no_reference_system(self, tmp_path):
        scene = write_scene(
            *(tmp_path / "scene.tif", np.zeros((3, 6, 5), "uint8")), crs=None
        )
        with rasterio.open(scene) as dataset:
            assert GroundAreas.of(dataset) is None

    def test_a_local_grid_has_a_unit(self, tmp_path):
        scene = write_scene(
            *(tmp_path / "scene.tif", np.zeros((3, 6, 5), "uint8")),
            crs='LOCAL_CS["site",UNIT["metre",1]]',
        )
        with rasterio.open(scene) as dataset:
            ground = GroundAreas.of(dataset)
        assert ground.read(Window(0, 0, 1, 1)).item() == pytest.approx(0.25)

    @pytest.mark.parametrize(
        "crs, bounds",
        [
            ("+proj=geos +h=35785831", (-5.5e6, -5.5e6, 5.5e6, 5.5e6)),
            ("ESRI:54009", (-1.8e7, -9e6, 1.8e7, 9e6)),
        ],
    )
    def test_beside_the_earth(self, tmp_path, crs, bounds):
        ids = np.zeros((80, 160), "uint8")
        scene = write(tmp_path / "scene.tif", ids, crs, bounds)
        with rasterio.open(scene) as dataset:
            ground = GroundAreas.of(dataset)
        areas = np.broadcast_to(ground.read(Window(0, 0, 80, 160)), ids.shape)
        assert (areas > 0).all() and np.isfinite(areas).all()
        if crs == "ESRI:54009":
            # It keeps areas, and no right angles.
            pixel = 3.6e7 / 160 * 1.8e7 / 80
            np.testing.assert_allclose(areas[20:60, 40:120], pixel, rtol=0.01)


class TestMinimumArea:
    """No polygon must be smaller than requested."""

    @pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:32632"])
    @pytest.mark.parametrize("simplify", [0.0, 1.5, 4.0])
    def test_holds_after_simplify(self, tmp_path, crs, simplify):
        pyogrio = pytest.importorskip("pyogrio")
        rng = np.random.default_rng(3)
        coarse = rng.integers(0, 4, (26, 22))
        ids = np.kron(coarse, np.ones((4, 4), int))
        swap = rng.random(ids.shape) < 0.15
        ids = np.where(swap, rng.integers(0, 4, ids.shape), ids)
        if crs == "EPSG:4326":
            step, top = 1e-5, 60.0
            bounds = (8, top - 104 * step, 8 + 88 * step, top)
        else:
            bounds = (5e5, 5e6, 5e5 + 88, 5e6 + 104)
        scene = write(tmp_path / "scene.tif", ids.astype("uint8"), crs, bounds)
        predict_scene(
            *(threshold_model, scene, tmp_path / "map.tif"),
            tile_size=64,
            progress=False,
        )
        minimum = 20.0
        path = write_polygons(
            *(tmp_path / "map.tif", tmp_path / "map.gpkg"),
            minimum_area=minimum,
            simplify=simplify,
        )
        _, _, _, (areas,) = pyogrio.raw.read(
            path, layer="classes", columns=["area_m2"]
        )
        assert len(areas) > 5
        assert areas.min() >= minimum
        with open_class_map(tmp_path / "map.tif") as classes:
            whole = GroundAreas.of(classes).of_classes(
                classes, np.bincount(ids.ravel(), minlength=256)
            )
        assert areas.sum() == pytest.approx(whole.sum(), rel=1e-6)

    def test_by_the_pixels_of_its_latitude(self, tmp_path):
        """Equal patches in degrees: the northern one is smaller."""
        pyogrio = pytest.importorskip("pyogrio")
        ids = np.zeros((600, 40), "uint8")
        ids[10:14, 10:14] = ids[580:584, 10:14] = 1
        scene = write(tmp_path / "s.tif", ids, "EPSG:4326", (5, 0, 9, 60))
        predict_scene(
            *(threshold_model, scene, tmp_path / "map.tif"),
            tile_size=64,
            progress=False,
        )
        southern = zone(1.6, 2.0, 0.4)
        path = write_polygons(
            *(tmp_path / "map.tif", tmp_path / "map.gpkg"),
            minimum_area=0.9 * southern,
        )
        _, _, _, (found, areas) = pyogrio.raw.read(
            path, layer="classes", columns=["class_id", "area_m2"]
        )
        assert sorted(found) == [0, 1]
        assert areas[found == 1] == pytest.approx(southern, rel=1e-3)


def test_matrix_of_a_turned_scene(tmp_path):
    matrix = Affine(0.3, 0.4, 5e5, 0.4, -0.3, 5e6)
    scene = write_scene(
        *(tmp_path / "scene.tif", np.zeros((3, 60, 50), "uint8")),
        transform=matrix,
    )
    with rasterio.open(scene) as dataset:
        ground = GroundAreas.of(dataset)
    assert ground.read(Window(0, 0, 1, 1)).item() == pytest.approx(
        0.25, rel=1e-3
    )
