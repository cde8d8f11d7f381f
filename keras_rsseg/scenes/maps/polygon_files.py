"""Write the files of a map's polygons."""

import contextlib
import os
import pathlib
import sqlite3
import warnings

import numpy as np
from rasterio.crs import CRS

from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import MissingPackageError
from keras_rsseg.files import check_free
from keras_rsseg.files import link_target
from keras_rsseg.files import remove_file
from keras_rsseg.files import replace_durably
from keras_rsseg.scenes.maps.class_map import Legend
from keras_rsseg.scenes.maps.qgis_style import polygon_style
from keras_rsseg.typing import PathLike
from keras_rsseg.work_folder import working_folder

LAYER = "classes"
# GDAL's driver and its options, by suffix.
_DRIVERS = {
    ".gpkg": ("GPKG", {}),
    ".geojson": (
        "GeoJSON",
        {"RFC7946": "YES", "COORDINATE_PRECISION": "9"},
    ),
    ".fgb": ("FlatGeobuf", {}),
    ".shp": ("ESRI Shapefile", {"ENCODING": "UTF-8"}),
}
# Files that may lie beside an older file and would corrupt the new one.
_SIDECARS = ("-journal", "-shm", "-wal")
_SHAPEFILE = (".shx", ".dbf", ".prj", ".cpg", ".qpj", ".qix", ".sbn", ".sbx")
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


def write_features(
    path: pathlib.Path,
    polygons: np.ndarray,
    fields: dict[str, np.ndarray],
    crs: CRS | None,
    legend: Legend,
    overwrite: bool = False,
) -> None:
    """Write polygons in the format that a file's suffix names.

    Args:
        path: `pathlib.Path` of the file, checked.
        polygons: array of shapely polygons.
        fields: dict of attribute names and arrays.
        crs: `rasterio.crs.CRS` of the polygons, or `None`.
        legend: a complete `Legend`, for QGIS's style in a GeoPackage.
        overwrite: whether an existing file may be replaced.

    Raises:
        FileExistsError: if something else created it meanwhile.
        OSError: if it cannot be written.
    """
    from pyogrio import errors

    suffix = path.suffix.lower()
    # Short names: SQLite accepts no long ones, and adds files beside its own.
    with working_folder(path, rf"{LAYER}\.\w+(-\w+)?") as folder:
        partial = os.path.join(folder, f"{LAYER}{suffix}")
        try:
            _write(partial, suffix, polygons, fields, crs)
            if suffix == ".gpkg":
                _add_style(partial, polygon_style(legend))
        except (
            errors.DataSourceError,
            errors.DataLayerError,
            errors.GeometryError,
            errors.FeatureError,
            sqlite3.Error,
        ) as error:
            limit = ", of 2 GB at most" if suffix == ".shp" else ""
            raise OSError(
                f"{path} could not be written{limit}: {error}. Is the disk "
                "full?"
            ) from error
        _publish(partial, path, overwrite)


def _write(
    path: str,
    suffix: str,
    polygons: np.ndarray,
    fields: dict[str, np.ndarray],
    crs: CRS | None,
) -> None:
    import pyogrio.raw
    import shapely

    driver, options = _DRIVERS[suffix]
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
        raise FileExistsError(f"{path} was created by something else meanwhile")
    for suffix in _SIDECARS:
        remove_file(path.with_name(path.name + suffix))
    if path.suffix.lower() == ".shp":
        for suffix in _SHAPEFILE:
            remove_file(path.with_suffix(suffix))
            part = pathlib.Path(partial).with_suffix(suffix)
            if part.exists():
                replace_durably(part, path.with_suffix(suffix))
    # Last: where it exists, everything does.
    replace_durably(partial, path)


def check_polygons(
    destination: PathLike, overwrite: bool = False
) -> pathlib.Path:
    """Raise what `write_polygons` would raise about its destination.

    Args:
        destination: path of the file.
        overwrite: whether an existing file may be replaced.

    Returns:
        The destination as a `pathlib.Path`, with links resolved.

    Raises:
        FileExistsError: if it exists and `overwrite` is false.
        FileNotFoundError: if its folder does not exist.
        ImportError: without shapely 2.1 or pyogrio.
        PermissionError: if its folder is not writable.
        ValueError: for any suffix but .gpkg, .geojson, .fgb and .shp.
    """
    path = link_target(destination)
    if path.suffix.lower() not in _DRIVERS:
        raise ArgumentError(
            "A polygon file must end in one of "
            f"{', '.join(_DRIVERS)}. Received: {path}"
        )
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {path.parent}")
    check_free(path, overwrite)
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise PermissionError(f"The folder {path.parent} cannot be written to")
    try:
        import pyogrio  # noqa: F401
        from shapely import coverage_simplify  # noqa: F401
    except ImportError as error:
        raise MissingPackageError(
            "Polygons need shapely (2.1 or later) and pyogrio: pip install "
            "'keras-rsseg[vector]'"
        ) from error
    return path
