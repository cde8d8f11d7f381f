"""Write polygons with attributes to a file, whole or not at all."""

import contextlib
import os
import sqlite3
import tempfile
import warnings

from keras_rsseg.scenes.pictures.qgis_style import polygon_style

LAYER = "classes"
# What SQLite may leave beside a database, and would spoil the next one.
_SIDECARS = ("-journal", "-shm", "-wal")
# Where QGIS looks for the styles of a GeoPackage's layers.
_STYLE_TABLE = """
CREATE TABLE layer_styles (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
    f_table_catalog TEXT(256),
    f_table_schema TEXT(256),
    f_table_name TEXT(256),
    f_geometry_column TEXT(256),
    styleName TEXT(30),
    styleQML TEXT,
    styleSLD TEXT,
    useAsDefault BOOLEAN,
    description TEXT,
    owner TEXT(30),
    ui TEXT(30),
    update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now'))
)
"""


def write_features(path, polygons, fields, crs, legend, overwrite=False):
    """Write a GeoPackage or, where `path` ends in .geojson, GeoJSON.

    Args:
        path: `pathlib.Path` of the file, checked.
        polygons: array of shapely polygons.
        fields: dict of attribute names and arrays.
        crs: `rasterio.crs.CRS` of the polygons, or `None`.
        legend: a complete `Legend`, for QGIS's style.
        overwrite: whether an existing file may be replaced.
    """
    with tempfile.TemporaryDirectory(
        prefix=f".{path.name}.", dir=path.parent
    ) as folder:
        partial = os.path.join(folder, path.name)
        if path.suffix.lower() == ".geojson":
            options = {"RFC7946": "YES", "COORDINATE_PRECISION": "9"}
            _write(partial, "GeoJSON", polygons, fields, crs, options)
        else:
            _write(partial, "GPKG", polygons, fields, crs, {})
            _add_style(partial, polygon_style(legend))
        _publish(partial, path, overwrite)


def _write(path, driver, polygons, fields, crs, options):
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


def _add_style(path, style):
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


def _publish(partial, path, overwrite):
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} was made by something else meanwhile")
    for suffix in _SIDECARS:
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    os.replace(partial, path)
