"""Areas in all kinds of files that people have."""

import json
import pathlib
import zipfile

import numpy as np
import pytest

from keras_rsseg.errors import ArgumentError
from keras_rsseg.scenes.reading.area_of_interest import AreaOfInterest
from keras_rsseg.scenes.reading.vector_files import read_vector
from tests.scenes.reading.area_of_interest_test import CORNERS
from tests.scenes.reading.area_of_interest_test import UTM
from tests.scenes.reading.area_of_interest_test import expected_mask
from tests.scenes.reading.area_of_interest_test import on_map
from tests.scenes.reading.area_of_interest_test import polygon
from tests.scenes.reading.area_of_interest_test import read_valid
from tests.scenes.reading.area_of_interest_test import to_degrees
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import write_scene

SQUARE = [(30.1, 5.1), (55.2, 5.1), (55.2, 20.3), (30.1, 20.3)]


@pytest.fixture
def scene(tmp_path):
    return write_scene(tmp_path / "scene.tif", random_scene(40, 60))


def check(scene, area, *corners):
    expected = np.zeros((40, 60), bool)
    for each in corners or (CORNERS,):
        expected |= expected_mask(polygon(on_map(each)))
    np.testing.assert_array_equal(read_valid(scene, area), expected)


def feature(geometry):
    return {"type": "Feature", "properties": {}, "geometry": geometry}


def write_layer(path, layer, shapes, kind="Polygon", crs=UTM, append=False):
    pyogrio = pytest.importorskip("pyogrio")
    shapely = pytest.importorskip("shapely")
    pyogrio.raw.write(
        path,
        shapely.to_wkb(np.array(shapes, object)),
        field_data=[np.arange(len(shapes), dtype="int32")],
        fields=["id"],
        geometry_type=kind,
        crs=crs,
        layer=layer,
        append=append,
    )


@pytest.mark.parametrize("mark", ["", "\x1e"])
@pytest.mark.parametrize("name", ["a.geojson", "a.ndjson", "a.geojsonl"])
def test_one_feature_a_line(scene, tmp_path, name, mark):
    geometries = [to_degrees(polygon(on_map(c))) for c in (CORNERS, SQUARE)]
    lines = [json.dumps(feature(geometry)) for geometry in geometries]
    lines[1] = json.dumps(geometries[1])
    text = "".join(f"{mark}{line}\n" for line in lines)
    (tmp_path / name).write_text(text + "\n")
    check(scene, tmp_path / name, CORNERS, SQUARE)


class TestEsriJson:
    def write(self, path, system, **geometry):
        ring = on_map(CORNERS)
        value = {
            "geometryType": "esriGeometryPolygon",
            "features": [
                {"attributes": {}, "geometry": {"rings": [ring], **geometry}},
                {"attributes": {}, "geometry": None},
            ],
        }
        if system is not None:
            value["spatialReference"] = system
        path.write_text(json.dumps(value))
        return path

    def test_its_system(self, scene, tmp_path):
        path = tmp_path / "esri.json"
        check(scene, self.write(path, {"wkid": 32632}))
        latest = {"wkid": 1, "latestWkid": 32632}
        check(scene, self.write(path, latest))
        named = {"spatialReference": {"wkid": 32632}}
        check(scene, self.write(path, None, **named))
        area = AreaOfInterest(self.write(path, {"wkid": 102100}))
        assert area.crs.to_authority() == ("ESRI", "102100")

    def test_none_is_asked_for(self, scene, tmp_path):
        path = self.write(tmp_path / "esri.json", None)
        with pytest.raises(ArgumentError, match="no reference system"):
            AreaOfInterest(path)
        check(scene, AreaOfInterest(path, "scene"))

    def test_holes(self, scene, tmp_path):
        path = tmp_path / "esri.json"
        outer = [(2, 2), (50, 2), (50, 38), (2, 38)]
        hole = [(10.2, 10.2), (20.3, 10.2), (20.3, 20.4)]
        rings = [
            on_map(outer),
            on_map(hole),
            on_map([(52, 2), (58, 2), (58, 9)]),
        ]
        path.write_text(
            json.dumps({"rings": rings, "spatialReference": {"wkid": 32632}})
        )
        valid = read_valid(scene, path)
        expected = expected_mask(polygon(*rings[:2]))
        expected |= expected_mask(polygon(rings[2]))
        np.testing.assert_array_equal(valid, expected)

    def test_what_holds_no_polygons(self, tmp_path):
        path = tmp_path / "esri.json"
        path.write_text(json.dumps({"geometryType": "esriGeometryPoint"}))
        with pytest.raises(ArgumentError, match="esriGeometryPoint"):
            AreaOfInterest(path)
        with pytest.raises(ArgumentError, match="curves"):
            value = {"curveRings": []}
            geometry = {"features": [{"geometry": value}]}
            path.write_text(json.dumps(geometry))
            AreaOfInterest(path)


def test_kml(scene, tmp_path):
    """With heights, in folders, which GDAL takes for layers; and zipped."""
    pytest.importorskip("pyogrio")
    folders = ""
    for corners in (CORNERS, SQUARE):
        (ring,) = to_degrees(polygon(on_map(corners)))["coordinates"]
        places = " ".join(f"{x},{y},5" for x, y in ring)
        folders += (
            f"<Folder><name>{len(folders)}</name><Placemark><Polygon>"
            "<outerBoundaryIs><LinearRing><coordinates>"
            f"{places}</coordinates></LinearRing></outerBoundaryIs></Polygon>"
            "</Placemark></Folder>"
        )
    text = (
        '<?xml version="1.0" encoding="UTF-8"?><kml '
        'xmlns="http://www.opengis.net/kml/2.2"><Document>'
        f"{folders}</Document></kml>"
    )
    path = tmp_path / "plots.kml"
    path.write_text(text)
    check(scene, path, CORNERS, SQUARE)
    with zipfile.ZipFile(tmp_path / "plots.kmz", "w") as archive:
        archive.writestr("doc.kml", text)
    check(scene, tmp_path / "plots.kmz", CORNERS, SQUARE)


class TestLayers:
    @pytest.fixture
    def project(self, tmp_path):
        shapely = pytest.importorskip("shapely")
        path = tmp_path / "project.gpkg"
        point = shapely.Point(on_map(CORNERS)[0])
        write_layer(path, "notes", [point], "Point")
        shape = shapely.Polygon(on_map(CORNERS))
        write_layer(path, "plots", [shape], append=True)
        return path

    def test_the_only_one_with_polygons(self, scene, project):
        check(scene, project)

    def test_named(self, scene, project):
        shapely = pytest.importorskip("shapely")
        square = shapely.Polygon(on_map(SQUARE))
        write_layer(project, "fields", [square], append=True)
        with pytest.raises(ArgumentError, match="`area_layer=NAME`.*'notes'"):
            AreaOfInterest(project)
        check(scene, AreaOfInterest(project, layer="fields"), SQUARE)
        check(scene, AreaOfInterest.of(project, None, "plots"))
        # As QGIS writes it.
        check(scene, f"{project}|layername=fields", SQUARE)
        check(scene, f"{project}|layername=plots|geometrytype=Polygon")
        with pytest.raises(ArgumentError, match="no layer 'x'.*'plots' "):
            AreaOfInterest(project, layer="x")
        with pytest.raises(ArgumentError, match="there is a Point"):
            AreaOfInterest(project, layer="notes")


@pytest.mark.filterwarnings("ignore:.*crs.*:UserWarning")
def test_shapefile_without_prj(scene, tmp_path):
    shapely = pytest.importorskip("shapely")
    path = tmp_path / "plot.shp"
    write_layer(path, None, [shapely.Polygon(on_map(CORNERS))])
    check(scene, path)
    pathlib.Path(tmp_path / "plot.prj").unlink()
    with pytest.raises(ArgumentError, match="plot.prj is missing.*area_crs="):
        AreaOfInterest(path)
    check(scene, AreaOfInterest(path, "scene"))
    check(scene, AreaOfInterest.of(path, UTM))


def test_coordinates_of_the_scene_without_a_word(scene):
    """GeoJSON is in degrees; a system that fits the scene is suggested."""
    with pytest.raises(ValueError, match="area_crs='scene'"):
        read_valid(scene, polygon(on_map(CORNERS)))
    with pytest.raises(ValueError) as caught:
        read_valid(scene, polygon([(9, 44), (9.1, 44), (9.1, 44.1)]))
    assert "area_crs=..." in str(caught.value)


def test_an_area_has_its_own_system():
    area = AreaOfInterest(polygon(CORNERS))
    assert AreaOfInterest.of(area) is area
    with pytest.raises(ArgumentError, match="`area_crs`"):
        AreaOfInterest.of(area, UTM)


def test_what_is_stated():
    ring = polygon(CORNERS)
    assert read_vector(ring)[1] is None
    named = {"crs": {"properties": {"name": UTM}}}
    assert read_vector({**ring, **named})[1] == UTM


class TestText:
    """A user's own area, typed on the command line or in a list."""

    def test_boxes(self, scene):
        (west, south), (east, north) = on_map([(10.2, 30.3), (50.1, 4.4)])
        around = [(10.2, 4.4), (50.1, 4.4), (50.1, 30.3), (10.2, 30.3)]
        for box in (
            (west, south, east, north),
            [np.float64(west), south, east, north],
            f"{west},{south},{east},{north}",
            f" {west} {south}  {east} {north}",
        ):
            check(scene, AreaOfInterest(box, crs=UTM), around)

    def test_boxes_are_in_degrees_by_themselves(self):
        area = AreaOfInterest("-74.1,-4e1,-74,-.5")
        assert area.crs.to_epsg() == 4326
        np.testing.assert_array_equal(
            area.polygons[0][0],
            [(-74.1, -40), (-74, -40), (-74, -0.5), (-74.1, -0.5)],
        )

    @pytest.mark.parametrize("box", ["4,51,4,52", "5,51,4,52", (4, 52, 5, 51)])
    def test_corners_in_another_order(self, box):
        with pytest.raises(ArgumentError, match="west, south, east, north"):
            AreaOfInterest(box)

    def test_geojson(self, scene):
        text = json.dumps(polygon(on_map(SQUARE)))
        check(scene, AreaOfInterest(text, crs=UTM), SQUARE)
        with pytest.raises(ArgumentError, match="not GeoJSON"):
            AreaOfInterest(text[:-1])

    @pytest.mark.parametrize("text", ["1,2,3", "1,2,3,4,5", "a 1 2 3 4"])
    def test_others_are_files(self, text):
        with pytest.raises(FileNotFoundError, match="there is no file"):
            AreaOfInterest(text)
