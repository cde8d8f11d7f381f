"""A map only where it is wanted."""

import json
import pathlib

import numpy as np
import pytest
import rasterio
from rasterio.features import geometry_mask
from rasterio.rpc import RPC
from rasterio.transform import Affine
from rasterio.warp import transform
from rasterio.warp import transform_geom

from keras_rsseg.scenes.reading.area_of_interest import AreaOfInterest
from keras_rsseg.scenes.reading.scene_reader import SceneReader
from keras_rsseg.scenes.reading.scene_reader import open_scene
from tests.scenes.scene_files import TRANSFORM
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import write_scene

HARBOUR = pathlib.Path(__file__).parents[3] / "examples/data/harbour.tif"
UTM = "EPSG:32632"
# Columns and rows; no side through a pixel's centre.
CORNERS = [(3.2, 2.1), (50.3, 8.7), (41.9, 36.2), (10.4, 30.9)]


def on_map(corners, matrix=TRANSFORM):
    return [
        [matrix.a * x + matrix.b * y + matrix.c]
        + [matrix.d * x + matrix.e * y + matrix.f]
        for x, y in corners
    ]


def polygon(corners, *holes):
    rings = [[*ring, ring[0]] for ring in (corners, *holes)]
    return {"type": "Polygon", "coordinates": rings}


def to_degrees(geometry, crs=UTM):
    return transform_geom(crs, "EPSG:4326", geometry, precision=12)


def expected_mask(geometry, matrix=TRANSFORM, shape=(40, 60)):
    """By GDAL, for a geometry in the scene's coordinates."""
    return geometry_mask([geometry], shape, matrix, invert=True)


@pytest.fixture
def scene(tmp_path):
    return write_scene(tmp_path / "scene.tif", random_scene(40, 60))


def read_valid(path, area):
    with open_scene(path) as dataset:
        reader = SceneReader(dataset, area=area)
        return reader.read_valid(0, 0, reader.height, reader.width)


class TestKinds:
    """All forms of an area mean the same pixels."""

    def check(self, scene, area):
        expected = expected_mask(polygon(on_map(CORNERS)))
        np.testing.assert_array_equal(read_valid(scene, area), expected)
        assert 0.3 < expected.mean() < 0.6

    def test_geojson_file(self, scene, tmp_path):
        path = tmp_path / "area.geojson"
        geometry = to_degrees(polygon(on_map(CORNERS)))
        feature = {"type": "Feature", "properties": {}, "geometry": geometry}
        empty = {"type": "Feature", "properties": {}, "geometry": None}
        for value in (
            geometry,
            feature,
            {"type": "FeatureCollection", "features": [empty, feature]},
            {"type": "GeometryCollection", "geometries": [geometry]},
            {
                "type": "MultiPolygon",
                "coordinates": [geometry["coordinates"]],
            },
        ):
            path.write_text(json.dumps(value))
            self.check(scene, path)
            self.check(scene, str(path))
            self.check(scene, value)

    def test_older_geojson_states_its_system(self, scene, tmp_path):
        path = tmp_path / "area.json"
        value = polygon(on_map(CORNERS))
        name = "urn:ogc:def:crs:EPSG::32632"
        value["crs"] = {"type": "name", "properties": {"name": name}}
        path.write_text(json.dumps(value))
        self.check(scene, path)

    def test_system_given(self, scene):
        value = polygon(on_map(CORNERS))
        self.check(scene, AreaOfInterest(value, crs=UTM))
        self.check(scene, AreaOfInterest(value, crs=32632))
        self.check(scene, AreaOfInterest(value, crs=None))

    def test_heights_are_left_out(self, scene):
        corners = [[x, y, 7.0] for x, y in on_map(CORNERS)]
        self.check(scene, AreaOfInterest(polygon(corners), crs=UTM))

    def test_geo_interface(self, scene):
        class Shape:
            __geo_interface__ = polygon(on_map(CORNERS))
            crs = UTM

        self.check(scene, Shape())
        del Shape.crs
        self.check(scene, AreaOfInterest(Shape(), crs=UTM))

    def test_shapely(self, scene):
        shapely = pytest.importorskip("shapely")
        shape = shapely.Polygon(on_map(CORNERS))
        self.check(scene, AreaOfInterest(shape, crs=UTM))
        self.check(scene, AreaOfInterest(shape.wkt, crs=UTM))

    @pytest.mark.parametrize(
        "name, driver",
        [("a.gpkg", "GPKG"), ("a.shp", "ESRI Shapefile"), ("a.fgb", None)],
    )
    def test_other_files(self, scene, tmp_path, name, driver):
        pyogrio = pytest.importorskip("pyogrio")
        shapely = pytest.importorskip("shapely")
        path = tmp_path / name
        pyogrio.raw.write(
            path,
            shapely.to_wkb([shapely.Polygon(on_map(CORNERS))]),
            field_data=[],
            fields=[],
            geometry_type="Polygon",
            crs=UTM,
            driver=driver or "FlatGeobuf",
        )
        self.check(scene, path)

    def test_frame(self, scene):
        geopandas = pytest.importorskip("geopandas")
        shapely = pytest.importorskip("shapely")
        shapes = [shapely.Polygon(on_map(CORNERS))]
        frame = geopandas.GeoDataFrame(geometry=shapes, crs=UTM)
        self.check(scene, frame)
        self.check(scene, frame.to_crs("EPSG:4326").geometry)

    def test_other_files_need_the_extra(self, scene, tmp_path, monkeypatch):
        monkeypatch.setitem(__import__("sys").modules, "pyogrio", None)
        path = tmp_path / "area.gpkg"
        path.write_bytes(b"")
        with pytest.raises(ImportError, match=r"keras-rsseg\[vector\]"):
            read_valid(scene, path)


class TestScenes:
    @pytest.mark.parametrize(
        "matrix",
        [
            Affine(0.5, 0, 5e5, 0, 0.5, 5e6),
            Affine(0.4, 0.3, 5e5, 0.3, -0.4, 5e6),
        ],
        ids=["south-up", "turned"],
    )
    def test_any_grid(self, tmp_path, matrix):
        scene = write_scene(
            tmp_path / "scene.tif", random_scene(40, 60), transform=matrix
        )
        geometry = polygon(on_map(CORNERS, matrix))
        valid = read_valid(scene, to_degrees(geometry))
        np.testing.assert_array_equal(valid, expected_mask(geometry, matrix))
        # The polygon is in the same place in the grid, however that is rotated.
        np.testing.assert_array_equal(
            valid, expected_mask(polygon(CORNERS), Affine.identity())
        )

    def test_the_documented_area_meets_the_example_scene(self):
        corners = [[4.987, 51.84], [4.989, 51.84], [4.989, 51.842]]
        assert str(corners) in AreaOfInterest.__doc__
        valid = read_valid(HARBOUR, polygon(corners))
        assert 0.1 < valid.mean() < 0.5

    def test_holes_and_several_polygons(self, scene):
        """Overlaps stay inside; GDAL alone would cut them out."""
        left = on_map([(2.2, 2.2), (30.3, 2.2), (30.3, 30.4), (2.2, 30.4)])
        right = on_map([(20.2, 9.1), (50.3, 9.1), (50.3, 35.4), (20.2, 35.4)])
        hole = on_map([(5.1, 5.1), (9.2, 5.1), (9.2, 9.2)])
        parts = [polygon(left, hole), polygon(right)]
        area = {
            "type": "MultiPolygon",
            "coordinates": [part["coordinates"] for part in parts],
        }
        valid = read_valid(scene, AreaOfInterest(area, crs=UTM))
        expected = expected_mask(parts[0]) | expected_mask(parts[1])
        np.testing.assert_array_equal(valid, expected)

    def test_data_decide_too(self, tmp_path):
        pixels = random_scene(40, 60)
        pixels[:, 10:20] = 0
        scene = write_scene(tmp_path / "scene.tif", pixels, nodata=0)
        area = AreaOfInterest(polygon(on_map(CORNERS)), crs=UTM)
        expected = expected_mask(polygon(on_map(CORNERS)))
        expected[10:20] = False
        np.testing.assert_array_equal(read_valid(scene, area), expected)

    def test_surroundings_are_seen_but_not_valid(self, scene):
        """A network needs them; distant pixels are not even read."""
        area = AreaOfInterest(polygon(on_map(CORNERS)), crs=UTM)
        with open_scene(scene) as dataset:
            reader = SceneReader(dataset, area=area)
            pixels, valid = reader.read(0, 0, 40, 60)
            assert not valid.all()
            np.testing.assert_array_equal(
                np.moveaxis(pixels, -1, 0), dataset.read()
            )
            reader.dataset = None
            pixels, valid = reader.read(38, 2, 2, 7)
            assert not valid.any()
            assert pixels.shape == (2, 7, 3)
            assert not reader.read_valid(38, 2, 2, 7).any()

    @pytest.mark.parametrize("size", [(10, 15), (13, 17), (80, 120), (53, 41)])
    def test_resampled(self, scene, size):
        """Every tile with a requested pixel is predicted."""
        area = AreaOfInterest(polygon(on_map(CORNERS)), crs=UTM)
        with open_scene(scene) as dataset:
            reader = SceneReader(dataset, area=area)
            wanted = reader.read_valid(0, 0, 40, 60)
            with reader.resampled(*size) as grid:
                _, valid = grid.read(0, 0, *size)
        rows, columns = np.nonzero(wanted)
        cells = np.zeros(size, bool)
        cells[
            ((rows + 0.5) * size[0] / 40).astype(int),
            ((columns + 0.5) * size[1] / 60).astype(int),
        ] = True
        assert valid[cells].all()
        assert valid.sum() < 1.35 * cells.sum() * max(1, size[0] / 40) ** 2

    def test_sides_bend_as_the_reference_system_asks(self, tmp_path):
        """A rectangle in degrees, 150 km wide: parallels are not straight."""
        matrix = Affine(250, 0, 4e5, 0, -250, 6.7e6)
        scene = write_scene(
            tmp_path / "scene.tif", random_scene(300, 700), transform=matrix
        )
        west, south, east, north = 7.8, 59.9, 10.6, 60.3
        ring = [(west, south), (east, south), (east, north), (west, north)]
        valid = read_valid(scene, polygon(ring))
        rows, columns = np.indices((300, 700)) + 0.5
        x, y = 4e5 + 250 * columns, 6.7e6 - 250 * rows
        lon, lat = transform(UTM, "EPSG:4326", x.ravel(), y.ravel())
        lon, lat = np.reshape(lon, x.shape), np.reshape(lat, x.shape)
        expected = (west < lon) & (lon < east) & (south < lat) & (lat < north)
        # A tenth of a pixel at either side.
        assert (valid != expected).sum() < 0.2 * (2 * 620 + 2 * 180)
        plain = transform_geom("EPSG:4326", UTM, polygon(ring))
        straight = expected_mask(plain, matrix, (300, 700))
        assert (straight != expected).sum() > 1000

    def test_no_reference_system(self, tmp_path):
        scene = write_scene(
            tmp_path / "scene.png",
            random_scene(40, 60),
            driver="PNG",
            crs=None,
            transform=None,
            photometric=None,
        )
        with pytest.raises(ValueError, match="has no coordinate reference"):
            read_valid(scene, polygon(CORNERS))
        valid = read_valid(scene, AreaOfInterest(polygon(CORNERS), crs=None))
        expected = expected_mask(polygon(CORNERS), Affine.identity())
        np.testing.assert_array_equal(valid, expected)

    @pytest.mark.parametrize("middle", [11.0, 179.9999])
    def test_rational_polynomials(self, tmp_path, caplog, middle):
        """An unrectified scene: they say approximately where it is."""
        one, zeros = [1.0] + [0.0] * 19, [0.0] * 16
        # Height shifts lines, but not at its mean.
        rpcs = RPC(
            height_off=300,
            height_scale=100,
            lat_off=48.0,
            lat_scale=0.001,
            line_den_coeff=one,
            line_num_coeff=[0.0, 0.125, -1.0, 0.5, *zeros],
            line_off=20,
            line_scale=20,
            long_off=middle,
            long_scale=0.001,
            samp_den_coeff=one,
            samp_num_coeff=[0.0, 1.0, 0.0, 0.0, *zeros],
            samp_off=30,
            samp_scale=30,
            err_bias=1,
            err_rand=1,
        )
        scene = write_scene(
            tmp_path / "scene.tif",
            random_scene(40, 60),
            crs=None,
            transform=None,
            rpcs=rpcs,
        )
        lon = [middle + (x - 30) / 30 * 0.001 for x, _ in CORNERS]
        lat = [
            48 - ((y - 20) / 20 - 0.125 * (x - 30) / 30) * 0.001
            for x, y in CORNERS
        ]
        lon = [(each + 180) % 360 - 180 for each in lon]
        valid = read_valid(scene, polygon(list(zip(lon, lat, strict=True))))
        expected = expected_mask(polygon(CORNERS), Affine.identity())
        # They count from the first pixel's centre.
        assert (valid != expected).mean() < 0.05
        (warning,) = [r for r in caplog.records if "polynomials" in r.message]
        assert "mean height, 300 m" in warning.message
        far = polygon([(9.1, 44), (9.2, 44), (9.2, 44.1)])
        with pytest.raises(ValueError, match="covers no pixel centre"):
            read_valid(scene, far)

    def test_control_points(self, tmp_path):
        points = [
            rasterio.control.GroundControlPoint(row, col, *xy)
            for row, col in ((0, 0), (0, 60), (40, 0), (40, 60))
            for xy in on_map([(col, row)])
        ]
        scene = write_scene(
            tmp_path / "scene.tif",
            random_scene(40, 60),
            transform=None,
            gcps=points,
        )
        geometry = polygon(on_map(CORNERS))
        np.testing.assert_array_equal(
            read_valid(scene, to_degrees(geometry)), expected_mask(geometry)
        )


class TestErrors:
    @pytest.mark.parametrize(
        "value, match",
        [
            ({"type": "Polygon", "coordinates": []}, "is empty"),
            ({"type": "FeatureCollection", "features": []}, "is empty"),
            ({"type": "Point", "coordinates": [9, 45]}, "there is a Point"),
            ({"type": "Polygon"}, "must hold polygons"),
            ({}, "must hold polygons"),
            (polygon([[9, 45], [9, 46]]), "fewer than three corners"),
            (polygon([[9, 45], [9, 46], [9, np.nan]]), "finite numbers"),
            (polygon([["a", "b"], [9, 46], [8, 45]]), "must hold polygons"),
            (polygon([[9], [9], [8]]), "finite numbers"),
        ],
    )
    def test_no_polygons(self, value, match):
        with pytest.raises(ValueError, match=match):
            AreaOfInterest(value)

    def test_files(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="there is no file"):
            AreaOfInterest(tmp_path / "area.geojson")
        path = tmp_path / "area.geojson"
        path.write_text("{")
        with pytest.raises(ValueError, match="is not JSON"):
            AreaOfInterest(path)
        path.write_text("[1]")
        with pytest.raises(ValueError, match="must hold polygons"):
            AreaOfInterest(path)
        pytest.importorskip("pyogrio")
        path = tmp_path / "area.gpkg"
        path.write_text("no file")
        with pytest.raises(ValueError, match="not a vector file"):
            AreaOfInterest(path)

    def test_types(self):
        with pytest.raises(TypeError, match="Received: int"):
            AreaOfInterest(3)
        with pytest.raises(ValueError, match="must be a reference system"):
            AreaOfInterest(polygon(CORNERS), crs="nowhere")

    def test_elsewhere(self, scene):
        """Also beside it in the box around, and smaller than a pixel."""
        far = polygon([(9.1, 44), (9.2, 44), (9.2, 44.1)])
        with pytest.raises(ValueError, match="covers no pixel centre"):
            read_valid(scene, far)
        corner = [(-30, -30), (70, -30), (70, -20), (-20, -20), (-20, 60)]
        for corners in (corner, [(3.6, 3.6), (3.9, 3.6), (3.9, 3.9)]):
            area = AreaOfInterest(polygon(on_map(corners)), crs=UTM)
            with pytest.raises(ValueError, match="covers no pixel centre"):
                read_valid(scene, area)

    def test_coordinates_that_are_not_degrees(self, scene):
        """The usual mistake: projected coordinates without their system."""
        with pytest.raises(ValueError, match="area_crs="):
            read_valid(scene, polygon(on_map(CORNERS)))


def test_digest_tells_areas_apart():
    one = AreaOfInterest(polygon(CORNERS))
    assert one.digest == AreaOfInterest(polygon(CORNERS)).digest
    assert one.digest != AreaOfInterest(polygon(CORNERS), crs=None).digest
    assert one.digest != AreaOfInterest(polygon(CORNERS[:3])).digest
