"""Polygons of a map: exact areas, valid, in the right place."""

import sqlite3
import sys
import xml.etree.ElementTree as ElementTree

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
import rasterio
from rasterio.control import GroundControlPoint
from rasterio.features import rasterize
from rasterio.transform import Affine

from keras_rsseg.scenes.maps.polygon_files import check_polygons
from keras_rsseg.scenes.maps.polygons import write_polygons
from keras_rsseg.scenes.reading.ground_size import ground_pixel_size
from tests.scenes.class_maps import NAMES
from tests.scenes.class_maps import PALETTE
from tests.scenes.class_maps import TRANSFORM
from tests.scenes.class_maps import random_classes
from tests.scenes.class_maps import write_classes

shapely = pytest.importorskip("shapely")
geopandas = pytest.importorskip("geopandas")
pytest.importorskip("pyogrio")


def polygons_of(path, name="map.gpkg", **arguments):
    """The map's polygons as a data frame."""
    output = write_polygons(path, path.with_name(name), **arguments)
    layer = {"layer": "classes"} if name.endswith(".gpkg") else {}
    return geopandas.read_file(output, **layer)


def pixel_area(path):
    with rasterio.open(path) as dataset:
        width, height = ground_pixel_size(dataset)
    return width * height


def drawn(frame, shape, transform):
    """The polygons as a raster of class ids."""
    return rasterize(
        zip(frame.geometry, frame.class_id, strict=True),
        out_shape=shape,
        transform=transform,
        fill=255,
        dtype="uint8",
    )


def check_coverage(frame):
    assert (frame.geom_type == "Polygon").all()
    assert frame.is_valid.all()
    # No overlaps, no slivers, borders with the same vertices.
    assert shapely.coverage_is_valid(frame.geometry.values)


@hypothesis.settings(max_examples=15)
@hypothesis.given(
    height=st.integers(1, 30),
    width=st.integers(1, 30),
    seed=st.integers(0, 1000),
    cell=st.integers(1, 4),
)
def test_areas_are_those_of_the_pixels(
    tmp_path_factory, height, width, seed, cell
):
    ids = random_classes(height, width, seed, cell, void=0.2)
    hypothesis.assume((ids != 255).any())
    path = tmp_path_factory.mktemp("polygons") / "map.tif"
    frame = polygons_of(write_classes(path, ids))
    check_coverage(frame)
    union = shapely.union_all(frame.geometry.values)
    assert union.area == (ids != 255).sum() * 0.25
    np.testing.assert_array_equal(drawn(frame, ids.shape, TRANSFORM), ids)
    on_ground = pixel_area(path)
    for index, group in frame.groupby("class_id"):
        count = (ids == index).sum()
        assert group.area.sum() == count * 0.25
        assert group.area_m2.sum() == pytest.approx(count * on_ground)
        assert set(group.class_name) == {NAMES[index]}
        color = "#{:02x}{:02x}{:02x}".format(*PALETTE[index])
        assert set(group.color) == {color}


@hypothesis.settings(max_examples=15)
@hypothesis.given(
    seed=st.integers(0, 1000),
    cell=st.integers(1, 4),
    simplify=st.sampled_from([0.4, 0.7, 2, 9]),
    minimum_area=st.sampled_from([0, 1, 20]),
)
def test_simplified_neighbours_share_borders(
    tmp_path_factory, seed, cell, simplify, minimum_area
):
    ids = random_classes(30, 40, seed, cell, void=0)
    path = tmp_path_factory.mktemp("polygons") / "map.tif"
    frame = polygons_of(
        write_classes(path, ids), simplify=simplify, minimum_area=minimum_area
    )
    check_coverage(frame)
    # The frame of the map stays, and nothing within it is lost.
    union = shapely.union_all(frame.geometry.values)
    assert union.equals(shapely.box(500_000, 4_999_985, 500_020, 5_000_000))
    areas = frame.area.to_numpy() / 0.25 * pixel_area(path)
    np.testing.assert_allclose(frame.area_m2, areas)


@hypothesis.settings(max_examples=15)
@hypothesis.given(seed=st.integers(0, 1000), minimum=st.integers(2, 40))
def test_no_patch_is_below_the_minimum(tmp_path_factory, seed, minimum):
    ids = random_classes(20, 30, seed, void=0)
    path = write_classes(tmp_path_factory.mktemp("polygons") / "map.tif", ids)
    # Just below this number of pixels: patches of this size stay.
    area = (minimum - 0.5) * pixel_area(path)
    frame = polygons_of(path, minimum_area=area)
    check_coverage(frame)
    assert frame.area.sum() == ids.size * 0.25
    assert frame.area.min() >= minimum * 0.25
    # Merged patches have no vertices left over on straight lines.
    merged = drawn(frame, ids.shape, TRANSFORM)
    again = polygons_of(write_classes(path, merged), "again.gpkg")
    assert len(again) == len(frame)
    assert (
        shapely.get_num_coordinates(again.geometry.values).sum()
        == shapely.get_num_coordinates(frame.geometry.values).sum()
    )


def test_small_patches_join_the_largest_neighbour_and_void_stays(tmp_path):
    ids = np.zeros((20, 20), "uint8")
    ids[:, 12:] = 1
    ids[5, 11] = 2  # between the two, class 0 is the larger one
    ids[2, 2] = 255
    ids[10:13, 3:6] = 255
    ids[11, 4] = 2  # an island in void
    path = write_classes(tmp_path / "map.tif", ids)
    frame = polygons_of(path, minimum_area=2.4)
    ids[5, 11] = 0
    np.testing.assert_array_equal(drawn(frame, ids.shape, TRANSFORM), ids)
    largest = frame.geometry.iloc[frame.area.argmax()]
    assert len(largest.interiors) == 2


def test_large_maps_have_no_seams(tmp_path):
    # Many blocks and strips; a spiral that runs through all of them.
    ids = np.zeros((700, 900), "uint8")
    ids[::4] = 1
    ids[1:, ::899] = 1
    frame = polygons_of(write_classes(tmp_path / "map.tif", ids, tiled=True))
    assert (frame.class_id == 1).sum() == 1
    check_coverage(frame)


@pytest.mark.parametrize(
    "transform",
    [
        pytest.param(Affine(0.5, 0, 5e5, 0, 0.5, 5e6), id="south_up"),
        pytest.param(
            Affine(0.43, 0.12, 5e5, 0.25, -0.21, 5e6),
            id="rotated",
        ),
    ],
)
@pytest.mark.parametrize("simplify", [0, 1])
def test_any_transform(tmp_path, transform, simplify):
    ids = random_classes(30, 40, cell=5)
    path = write_classes(tmp_path / "map.tif", ids, transform=transform)
    frame = polygons_of(path, simplify=simplify)
    check_coverage(frame)
    assert shapely.is_ccw(frame.geometry.exterior.values).all()
    if not simplify:
        np.testing.assert_array_equal(drawn(frame, ids.shape, transform), ids)


def test_keeps_the_reference_system(tmp_path):
    ids = random_classes(8, 8)
    path = write_classes(tmp_path / "map.tif", ids, crs="EPSG:28992")
    assert polygons_of(path).crs.to_epsg() == 28992


def test_geojson_is_longitude_and_latitude(tmp_path):
    ids = random_classes(30, 40, cell=5, void=0)
    path = write_classes(tmp_path / "map.tif", ids)
    frame = polygons_of(path, "map.geojson")
    assert frame.crs.to_epsg() == 4326
    west, south, east, north = frame.total_bounds
    assert 8.9 < west < east < 9.1 and 45.1 < south < north < 45.2
    check_coverage(frame)
    ground = frame.to_crs("EPSG:32632")
    np.testing.assert_array_equal(drawn(ground, ids.shape, TRANSFORM), ids)


def test_without_a_reference_system(tmp_path):
    ids = random_classes(8, 9, cell=2)
    path = write_classes(tmp_path / "map.tif", ids, crs=None, transform=None)
    frame = polygons_of(path)
    assert frame.crs is None
    assert frame.area_m2.isna().all()
    np.testing.assert_array_equal(
        drawn(frame, ids.shape, Affine.identity()), ids
    )
    for arguments in ({"minimum_area": 1}, {"simplify": 1}):
        with pytest.raises(ValueError, match="no coordinate reference"):
            write_polygons(path, tmp_path / "no.gpkg", **arguments)
    with pytest.raises(ValueError, match="Write a .gpkg"):
        write_polygons(path, tmp_path / "no.geojson")
    assert not list(tmp_path.glob("*no.*"))


@pytest.mark.parametrize("bent", [0, 20])
def test_ground_control_points(tmp_path, bent):
    ids = random_classes(30, 40, cell=5)
    points = [
        GroundControlPoint(row, col, 5e5 + col / 2, 5e6 - row / 2)
        for row, col in ((0, 0), (0, 40), (30, 0), (30, 40))
    ]
    points[0].x += bent
    path = write_classes(tmp_path / "map.tif", ids, transform=None, gcps=points)
    if bent:
        with pytest.raises(ValueError, match="no transform fits"):
            polygons_of(path)
    else:
        frame = polygons_of(path)
        assert frame.crs.to_epsg() == 32632
        np.testing.assert_array_equal(drawn(frame, ids.shape, TRANSFORM), ids)


def test_all_void(tmp_path):
    path = write_classes(tmp_path / "map.tif", np.full((9, 9), 255))
    frame = polygons_of(path, minimum_area=3, simplify=1)
    assert len(frame) == 0
    assert "class_name" in frame.columns


def test_qgis_finds_its_style(tmp_path):
    path = write_classes(tmp_path / "map.tif", random_classes(8, 8))
    polygons_of(path)
    with sqlite3.connect(tmp_path / "map.gpkg") as database:
        (row,) = database.execute(
            "SELECT f_table_name, f_geometry_column, useAsDefault, styleQML "
            "FROM layer_styles"
        )
        geometry = database.execute(
            "SELECT table_name, column_name FROM gpkg_geometry_columns"
        ).fetchall()
        kinds = database.execute(
            "SELECT table_name, data_type FROM gpkg_contents"
        ).fetchall()
    database.close()
    assert geometry == [row[:2]]
    assert row[2] == 1
    assert ("layer_styles", "attributes") in kinds
    style = ElementTree.fromstring(row[3])
    labels = [item.get("label") for item in style.iter("category")]
    assert labels == NAMES


def test_an_existing_file_is_safe(tmp_path):
    path = write_classes(tmp_path / "map.tif", random_classes(8, 8))
    other = tmp_path / "map.gpkg"
    other.write_text("mine")
    with pytest.raises(FileExistsError, match="overwrite"):
        write_polygons(path, other)
    assert other.read_text() == "mine"
    # SQLite would mend the new file with the log of the old one.
    log = tmp_path / "map.gpkg-wal"
    log.write_text("old")
    write_polygons(path, other, overwrite=True)
    assert not log.exists()
    assert len(geopandas.read_file(other, layer="classes"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["map.gpkg", "map.tif"]


def test_a_failure_leaves_nothing(tmp_path, monkeypatch):
    import pyogrio.raw

    def fail(path, *arguments, **options):
        open(path, "w").close()
        raise OSError("disk full")

    path = write_classes(tmp_path / "map.tif", random_classes(8, 8))
    monkeypatch.setattr(pyogrio.raw, "write", fail)
    with pytest.raises(OSError, match="disk full"):
        write_polygons(path, tmp_path / "map.gpkg")
    assert [p.name for p in tmp_path.iterdir()] == ["map.tif"]


def test_bad_arguments(tmp_path):
    path = write_classes(tmp_path / "map.tif", random_classes(8, 8))
    with pytest.raises(ValueError, match=".gpkg, .geojson, .fgb, .shp"):
        check_polygons(tmp_path / "map.dxf")
    with pytest.raises(FileNotFoundError, match="no folder"):
        check_polygons(tmp_path / "nowhere" / "map.gpkg")
    with pytest.raises(FileNotFoundError, match="no file"):
        write_polygons(tmp_path / "none.tif", tmp_path / "map.gpkg")
    for name in ("minimum_area", "simplify"):
        for value in (-1, float("nan"), "much"):
            with pytest.raises(ValueError, match=name):
                write_polygons(path, tmp_path / "map.gpkg", **{name: value})
    write_classes(path, np.full((4, 4), 7))
    with pytest.raises(ValueError, match=r"ids \[7\].*3 classes"):
        write_polygons(path, tmp_path / "map.gpkg")


def test_names_the_extra_that_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "shapely", None)
    with pytest.raises(ImportError, match=r"keras-rsseg\[vector\]"):
        check_polygons(tmp_path / "map.gpkg")


def test_simplify_goes_by_the_ground_of_each_row(tmp_path):
    """In degrees a pixel is half as large at 60 as at the equator."""
    ids = np.zeros((240, 20), "uint8")
    ids[:, 10:] = 1
    # One pixel sticks out at 59 degrees, one at 1 degree.
    ids[[4, 235], 9] = 1
    path = write_classes(
        tmp_path / "map.tif",
        ids,
        crs="EPSG:4326",
        transform=Affine(0.25, 0, 10, 0, -0.25, 60),
    )
    north, south = (
        111_000 * 0.25 * np.sqrt(np.cos(np.radians(lat)) / 2) for lat in (59, 1)
    )
    for simplify, expected in [
        (north * 0.9, {4, 235}),
        ((north + south) / 2, {235}),
        (south * 1.1, set()),
    ]:
        frame = polygons_of(path, simplify=simplify, overwrite=True)
        check_coverage(frame)
        found = drawn(frame, ids.shape, Affine(0.25, 0, 10, 0, -0.25, 60))
        assert set(np.flatnonzero(found[:, 9]).tolist()) == expected
