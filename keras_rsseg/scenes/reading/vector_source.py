"""Read the polygons of a vector file or geometry, with plain errors."""

import json
import os
import pathlib
import re
from collections.abc import Mapping

import numpy as np

_WKT = re.compile(r"\s*(multi)?(polygon|surface|geometrycollection)", re.I)
_JSON = (".geojson", ".json")
_COLLECTIONS = {"FeatureCollection": "features"}
_COLLECTIONS["GeometryCollection"] = "geometries"


def read_vector(source):
    """Return the polygons of a file, a GeoJSON-like dict or a geometry.

    Args:
        source: see `AreaOfInterest`.

    Returns:
        `(polygons, crs)`: a list of polygons, each a list of rings, float64
        arrays `(N, 2)`, the last corner not repeated; and what `source`
        states of their reference system, `None` for nothing.

    Raises:
        FileNotFoundError, ImportError, TypeError, ValueError: see
            `AreaOfInterest`.
    """
    name, value, crs = _load(source)
    try:
        polygons = list(_polygons(value))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(
            f"`area`: {name} must hold polygons, as GeoJSON has them: {error}"
        ) from error
    if not polygons:
        raise ValueError(f"`area`: {name} is empty")
    return polygons, crs


def _load(source):
    """A name for messages, the GeoJSON-like dict, the reference system."""
    if isinstance(source, str) and _WKT.match(source):
        shapely = _import("shapely", "WKT")
        try:
            geometry = shapely.from_wkt(source)
        except shapely.errors.ShapelyError as error:
            raise ValueError(f"`area`: no WKT: {error}") from error
        return "the WKT", geometry.__geo_interface__, None
    if isinstance(source, str | os.PathLike):
        return _load_file(pathlib.Path(source))
    if isinstance(source, Mapping):
        return "the dict", source, _json_crs(source)
    if hasattr(source, "__geo_interface__"):
        name = f"the {type(source).__name__}"
        value = source.__geo_interface__
        return name, value, getattr(source, "crs", None) or _json_crs(value)
    raise TypeError(
        "`area` must be a path, a GeoJSON-like dict, or have "
        f"`__geo_interface__`. Received: {type(source).__name__}"
    )


def _load_file(path):
    if not path.exists():
        raise FileNotFoundError(f"`area`: there is no file {path}")
    if path.suffix.lower() in _JSON:
        try:
            value = json.loads(path.read_text("utf-8-sig"))
        except ValueError as error:
            raise ValueError(f"`area`: {path} is no JSON: {error}") from error
        return str(path), value, _json_crs(value)
    pyogrio = _import("pyogrio", str(path))
    shapely = _import("shapely", str(path))
    try:
        facts, _, geometries, _ = pyogrio.raw.read(path, columns=[])
    except (pyogrio.errors.DataSourceError, ValueError) as error:
        raise ValueError(
            f"`area`: {path} is not a vector file that GDAL reads: {error}"
        ) from error
    parts = [
        None if geometry is None else shapely.from_wkb(geometry)
        for geometry in geometries
    ]
    value = {
        "type": "GeometryCollection",
        "geometries": [part and part.__geo_interface__ for part in parts],
    }
    return str(path), value, facts["crs"]


def _import(name, what):
    try:
        return __import__(name)
    except ImportError as error:
        raise ImportError(
            f"`area`: reading {what} needs {name}: pip install "
            "keras-rsseg[vector]. GeoJSON files need nothing"
        ) from error


def _json_crs(value):
    """The reference system by GeoJSON's older standard, or `None`."""
    stated = value.get("crs") if isinstance(value, Mapping) else None
    try:
        return stated["properties"]["name"]
    except (KeyError, TypeError):
        return stated


def _polygons(value):
    """Yield the polygons of anything in GeoJSON."""
    kind = value["type"]
    if kind in _COLLECTIONS:
        for part in value[_COLLECTIONS[kind]]:
            if part is not None:
                yield from _polygons(part)
    elif kind == "Feature":
        if value["geometry"] is not None:
            yield from _polygons(value["geometry"])
    elif kind == "Polygon":
        if value["coordinates"]:
            yield [_ring(ring) for ring in value["coordinates"]]
    elif kind == "MultiPolygon":
        for rings in value["coordinates"]:
            yield [_ring(ring) for ring in rings]
    else:
        raise ValueError(f"there is a {kind}")


def _ring(points):
    """A ring as an array; heights are left out."""
    ring = np.array([point[:2] for point in points], "float64")
    if ring.ndim != 2 or ring.shape[1:] != (2,) or not np.isfinite(ring).all():
        raise ValueError("coordinates must be pairs of finite numbers")
    if (ring[0] == ring[-1]).all():
        ring = ring[:-1]
    if len(np.unique(ring, axis=0)) < 3:
        raise ValueError("a ring has fewer than three corners")
    return ring
