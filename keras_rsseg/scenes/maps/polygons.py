"""Polygons of a map, and the files that hold them."""

import contextlib
import math
import os
import pathlib
import re
import sqlite3
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import rasterio
from rasterio.crs import CRS

from keras_rsseg.checks import check_not_negative
from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import MissingPackageError
from keras_rsseg.files import replace_durably
from keras_rsseg.scenes.maps.class_map import Legend
from keras_rsseg.scenes.maps.class_map import hex_color
from keras_rsseg.scenes.maps.class_map import open_class_map
from keras_rsseg.scenes.maps.class_map import read_legend
from keras_rsseg.scenes.maps.coverage import trace_polygons
from keras_rsseg.scenes.maps.qgis_style import polygon_style
from keras_rsseg.scenes.maps.work_folder import working_folder
from keras_rsseg.scenes.reading.ground_areas import GroundAreas
from keras_rsseg.scenes.reading.ground_size import ground_pixel_size
from keras_rsseg.scenes.reading.ground_size import scene_georeference
from keras_rsseg.typing import PathLike
from keras_rsseg.void import VOID

LAYER = "classes"
# What SQLite may leave beside a database, and would spoil the next one.
_SIDECARS = ("-journal", "-shm", "-wal")
# Where QGIS looks for the styles of a GeoPackage's layers.
_STYLE_TABLE = """
CREATE TABLE layer_styles (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    f_table_catalog TEXT(256), f_table_schema TEXT(256),
    f_table_name TEXT(256), f_geometry_column TEXT(256),
    styleName TEXT(30), styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN,
    description TEXT, owner TEXT(30), ui TEXT(30),
    update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now'))
)
"""

# Pixels that a ground control point may be off the grid of the map.
_POINT_TOLERANCE = 0.5


def write_features(
    path: pathlib.Path,
    polygons: np.ndarray,
    fields: dict[str, np.ndarray],
    crs: CRS | None,
    legend: Legend,
    overwrite: bool = False,
) -> None:
    """Write a GeoPackage or, where `path` ends in .geojson, GeoJSON.

    Args:
        path: `pathlib.Path` of the file, checked.
        polygons: array of shapely polygons.
        fields: dict of attribute names and arrays.
        crs: `rasterio.crs.CRS` of the polygons, or `None`.
        legend: a complete `Legend`, for QGIS's style.
        overwrite: whether an existing file may be replaced.
    """
    # The file, and what SQLite keeps beside it.
    names = rf"{re.escape(path.name)}(-\w+)?"
    with _naming(path), working_folder(path, names) as folder:
        partial = os.path.join(folder, path.name)
        if path.suffix.lower() == ".geojson":
            options = {"RFC7946": "YES", "COORDINATE_PRECISION": "9"}
            _write(partial, "GeoJSON", polygons, fields, crs, options)
        else:
            _write(partial, "GPKG", polygons, fields, crs, {})
            _add_style(partial, polygon_style(legend))
        _publish(partial, path, overwrite)


@contextlib.contextmanager
def _naming(path: pathlib.Path) -> Iterator[None]:
    """Name a file in what GDAL and SQLite say of a disk that is full."""
    from pyogrio import errors

    try:
        yield
    except (
        errors.DataLayerError,
        errors.DataSourceError,
        errors.FeatureError,
        sqlite3.Error,
    ) as error:
        raise OSError(
            f"{path} could not be written completely. Is the disk full? {error}"
        ) from error


def _write(
    path: str,
    driver: str,
    polygons: np.ndarray,
    fields: dict[str, np.ndarray],
    crs: CRS | None,
    options: dict[str, str],
) -> None:
    import pyogrio.raw
    import shapely

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "'crs' was not provided")
        pyogrio.raw.write(
            path,
            shapely.to_wkb(polygons),
            field_data=list(fields.values()),
            fields=list(fields),
            layer=LAYER,
            driver=driver,
            geometry_type="Polygon",
            crs=crs and crs.to_wkt(),
            layer_options=options,
        )


def _add_style(path: str, style: str) -> None:
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute(_STYLE_TABLE)
        database.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier) "
            "VALUES ('layer_styles', 'attributes', 'layer_styles')"
        )
        database.execute(
            "INSERT INTO layer_styles (f_table_catalog, f_table_schema, "
            "f_table_name, f_geometry_column, styleName, styleQML, styleSLD, "
            "useAsDefault, description, owner) VALUES "
            "('', '', ?, 'geom', ?, ?, '', 1, '', '')",
            (LAYER, LAYER, style),
        )


def _publish(partial: str, path: pathlib.Path, overwrite: bool) -> None:
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} was made by something else meanwhile")
    for suffix in _SIDECARS:
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    replace_durably(partial, path)


def write_polygons(
    classes: PathLike,
    destination: PathLike,
    *,
    minimum_area: float = 0.0,
    simplify: float = 0.0,
    overwrite: bool = False,
) -> pathlib.Path:
    """Write the patches of a map of classes as polygons.

    Each patch, a connected area (by sides of pixels) of one class, becomes
    a polygon with `class_id`, `class_name`, `color` (`#rrggbb`) and
    `area_m2`. Void is left out. Polygons follow the borders of pixels, have
    holes, and do not overlap; where two meet, both have the same vertices.

    A GeoPackage has the map's reference system and the layer `classes`,
    which QGIS draws in the map's colours (it keeps them in a second table,
    `layer_styles`). GeoJSON is in WGS 84, longitude
    first, as RFC 7946 wants it.

    The map is traced line by line and never in memory as a whole; its
    borders are, with some 120 bytes a vertex.

    Needs shapely and pyogrio: `pip install keras-rsseg[vector]`.

    Args:
        classes: path of a map that `predict_scene` wrote.
        destination: path of the file, `.gpkg` or `.geojson`. It appears
            complete or not at all.
        minimum_area: patches of less than so many square metres on the
            ground are merged into their largest neighbour, the smallest
            first, and so are those that `simplify` makes as small. Void
            neither grows nor shrinks: a small patch stays where void
            surrounds it.
        simplify: about the size of the corners that are cut off, metres on
            the ground: vertices are removed as long as the triangles that
            go with them have at most an area of `simplify` squared
            (Visvalingam and Whyatt). Neighbours keep sharing their border,
            void too, and the map its frame. The stairs of pixels go from
            one pixel's length on.
        overwrite: whether an existing destination may be replaced.

    Returns:
        The destination as a `pathlib.Path`.

    Raises:
        FileExistsError: if the destination exists and `overwrite` is false.
        FileNotFoundError: if the map or the destination's folder does not
            exist.
        ImportError: without shapely 2.1 or pyogrio.
        ValueError: if `classes` is no map of classes or has ground control
            points that no transform fits, for another suffix, for negative
            sizes; where the map has no reference system, for sizes in
            metres and for GeoJSON.
        rasterio.errors.RasterioIOError: if the map is damaged.

    Example:

    ```python
    keras.utils.save_img("scene.png", np.zeros((8, 8, 3)))
    keras_rsseg.predict_scene(
        lambda tiles: tiles, "scene.png", "classes.tif", tile_size=8
    )
    keras_rsseg.scenes.write_polygons("classes.tif", "classes.gpkg")
    ```

    Reference:
        - [Visvalingam and Whyatt, 1993](
          https://doi.org/10.1179/000870493786962263)
    """
    check_not_negative("minimum_area", minimum_area)
    check_not_negative("simplify", simplify)
    path = check_polygons(destination, overwrite)
    with open_class_map(classes) as dataset:
        sized = bool(minimum_area or simplify)
        crs, matrix = _check_grid(dataset, path, sized)
        pixel_size = ground_pixel_size(dataset)
        areas = GroundAreas.of(dataset)
        tolerance = 0.0
        if pixel_size is not None:
            tolerance = simplify / math.sqrt(pixel_size[0] * pixel_size[1])
        polygons, ids = trace_polygons(dataset, minimum_area, tolerance, areas)
        legend = read_legend(dataset)
        kept = ids != VOID
        polygons, ids = polygons[kept], ids[kept]
        fields = _fields(polygons, ids, legend, areas)
        polygons = _on_map(polygons, matrix)
        write_features(path, polygons, fields, crs, legend, overwrite)
    return path


def check_polygons(
    destination: PathLike, overwrite: bool = False
) -> pathlib.Path:
    """Raise what `write_polygons` would raise about its destination.

    Args:
        destination: path of the file.
        overwrite: whether an existing file may be replaced.

    Returns:
        The destination as a `pathlib.Path`.

    Raises:
        FileExistsError: if it exists and `overwrite` is false.
        FileNotFoundError: if its folder does not exist.
        ImportError: without shapely 2.1 or pyogrio.
        PermissionError: if its folder cannot be written.
        ValueError: for another suffix than .gpkg and .geojson.
    """
    path = pathlib.Path(destination)
    if path.suffix.lower() not in (".gpkg", ".geojson"):
        raise ArgumentError(
            "Polygons are written to a .gpkg or a .geojson file. Received: "
            f"{path}"
        )
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {path.parent}")
    if path.is_dir() or (path.exists() and not overwrite):
        raise FileExistsError(
            f"{path} exists. Give `overwrite=True` to replace it"
        )
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise PermissionError(f"The folder {path.parent} cannot be written")
    try:
        import pyogrio  # noqa: F401
        from shapely import coverage_simplify  # noqa: F401
    except ImportError as error:
        raise MissingPackageError(
            "Polygons need shapely (2.1 or later) and pyogrio: pip install "
            "'keras-rsseg[vector]'"
        ) from error
    return path


def _check_grid(
    dataset: rasterio.DatasetReader, path: pathlib.Path, sized: bool
) -> tuple[CRS | None, rasterio.Affine]:
    """Return the reference system and the transform of a map."""
    crs, matrix = scene_georeference(dataset)
    inverse = ~matrix
    for point in dataset.gcps[0]:
        col, row = (
            a * point.x + b * point.y + c
            for a, b, c in (inverse[:3], inverse[3:6])
        )
        if math.hypot(col - point.col, row - point.row) > _POINT_TOLERANCE:
            raise ArgumentError(
                f"`classes`: {dataset.name} has ground control points that "
                "no transform fits. Warp it to a grid first (gdalwarp -r near)"
            )
    if sized and ground_pixel_size(dataset) is None:
        raise ArgumentError(
            "`minimum_area` and `simplify` are measured on the ground; how "
            f"large the pixels of {dataset.name} are there is unknown (no "
            "coordinate reference system)"
        )
    if crs is None and path.suffix.lower() == ".geojson":
        raise ArgumentError(
            "GeoJSON has longitudes and latitudes, and where "
            f"{dataset.name} lies is unknown (no coordinate reference "
            "system). Write a .gpkg, which can do without"
        )
    return crs, matrix


def _fields(
    polygons: np.ndarray,
    ids: np.ndarray,
    legend: Legend,
    areas: GroundAreas | None,
) -> dict[str, Any]:
    """The attributes of polygons that are still in pixels."""
    unknown = np.unique(ids[ids >= legend.num_classes])
    if len(unknown):
        raise ArgumentError(
            f"`classes` holds the ids {unknown.tolist()}, but names only "
            f"{legend.num_classes} classes"
        )
    unsized = np.full(len(ids), math.nan)
    colors = [hex_color(color) for color in legend.colors or []]
    return {
        "class_id": ids.astype("int32"),
        "class_name": np.array(legend.names, object)[ids],
        "color": np.array(colors, object)[ids],
        "area_m2": areas.of_polygons(polygons) if areas else unsized,
    }


def _on_map(polygons: np.ndarray, matrix: rasterio.Affine) -> np.ndarray:
    """Polygons in pixels to the map's coordinates, outer rings leftwards."""
    import shapely

    def place(points: np.ndarray) -> np.ndarray:
        col, row = points.T
        x = matrix.a * col + matrix.b * row + matrix.c
        y = matrix.d * col + matrix.e * row + matrix.f
        return np.stack([x, y], axis=1)

    return shapely.orient_polygons(shapely.transform(polygons, place))
