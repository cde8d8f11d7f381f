"""Read the polygons of a vector file or geometry, with clear errors."""

import json
import os
import pathlib
import re
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import MissingPackageError

# Corners of a ring, float64 `(N, 2)`; a polygon is a list of rings.
Ring = np.ndarray
Polygon = list[Ring]

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_BOX = re.compile(rf"\s*{_NUMBER}(?:\s*[,\s]\s*{_NUMBER}){{3}}\s*")
_WKT = re.compile(r"\s*(multi)?(polygon|surface|geometrycollection)", re.I)
# Suffixes of JSON: one object, or one per line.
_JSON = (".geojson", ".json")
_LINES = (".geojsonl", ".geojsons", ".geojsonseq", ".jsonl", ".ndjson")
_COLLECTIONS = {"FeatureCollection": "features"}
_COLLECTIONS["GeometryCollection"] = "geometries"
# If these state no system, it is WGS 84.
_IN_DEGREES = (".kml", ".kmz", ".gpx", *_JSON, *_LINES)
# What QGIS appends to a file's name.
_LAYER = re.compile(r"\|layername=([^|]*)(\|.*)?$")
# Types of layers, as GDAL names them.
_MAY_BE_POLYGONS = re.compile("polygon|surface|unknown|collection", re.I)
# Esri's own codes of reference systems begin here.
_FIRST_OF_ESRI = 37001


def read_vector(
    source: Any, layer: str | None = None
) -> tuple[list[Polygon], Any]:
    """Return the polygons of a file, a GeoJSON-like dict or a geometry.

    Args:
        source: see `AreaOfInterest`.
        layer: likewise.

    Returns:
        `(polygons, crs)`: a list of polygons, each a list of rings, float64
        arrays `(N, 2)`, the last corner not repeated; and the reference
        system that `source` states: `""` if a file should state one but does
        not, `None` if none means WGS 84.

    Raises:
        FileNotFoundError, ImportError, TypeError, ArgumentError: see
            `AreaOfInterest`.
    """
    name, value, crs = _load(source, layer)
    try:
        polygons = list(_polygons(value))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ArgumentError(
            f"`area`: {name} must hold polygons, as GeoJSON has them: {error}"
        ) from error
    if not polygons:
        raise ArgumentError(f"`area`: {name} is empty")
    return polygons, crs


def is_geometry(text: str) -> bool:
    """Return whether text is a geometry itself rather than a path.

    Args:
        text: WKT, a box or GeoJSON, or a path.
    """
    begins = text.lstrip()[:1]
    return bool(begins == "{" or _WKT.match(text) or _BOX.fullmatch(text))


def _load(source: Any, layer: str | None) -> tuple[str, Any, Any]:
    """A name for messages, the GeoJSON-like dict, the reference system."""
    if isinstance(source, str) and is_geometry(source):
        source = _read_geometry(source)
    if _is_box(source):
        return "the box", _from_box(source), None
    if isinstance(source, str | os.PathLike):
        return _load_file(os.fspath(source), layer)
    if isinstance(source, Mapping):
        return "the dict", source, _json_crs(source)
    if hasattr(source, "__geo_interface__"):
        name = f"the {type(source).__name__}"
        value = source.__geo_interface__
        return name, value, getattr(source, "crs", None) or _json_crs(value)
    raise TypeError(
        "`area` must be a path, four numbers (west, south, east, north), a "
        "GeoJSON-like dict, or have `__geo_interface__`. Received: "
        f"{type(source).__name__}"
    )


def _read_geometry(text: str) -> Any:
    """Parse a text that is a geometry."""
    if _BOX.fullmatch(text):
        return [float(number) for number in re.findall(_NUMBER, text)]
    if not _WKT.match(text):
        try:
            return json.loads(text)
        except ValueError as error:
            raise ArgumentError(f"`area`: not GeoJSON: {error}") from error
    shapely = _import("shapely", "WKT")
    try:
        return shapely.from_wkt(text).__geo_interface__
    except shapely.errors.ShapelyError as error:
        raise ArgumentError(f"`area`: not WKT: {error}") from error


def _is_box(source: Any) -> bool:
    return (
        isinstance(source, list | tuple)
        and len(source) == 4
        and all(isinstance(each, int | float | np.number) for each in source)
    )


def _from_box(box: Sequence[float]) -> dict[str, Any]:
    """GeoJSON of west, south, east and north."""
    west, south, east, north = map(float, box)
    if not (west < east and south < north):
        raise ArgumentError(
            "`area`: a box is west, south, east, north, in this order, with "
            "east above 180 if it lies across the 180th meridian. "
            f"Received: {west:g}, {south:g}, {east:g}, {north:g}"
        )
    ring = [[west, south], [east, south], [east, north], [west, north]]
    return {"type": "Polygon", "coordinates": [ring]}


def _load_file(name: str, layer: str | None) -> tuple[str, Any, Any]:
    named = None if os.path.exists(name) else _LAYER.search(name)
    if named is not None:
        name, layer = name[: named.start()], layer or named[1]
    path = pathlib.Path(name)
    if not path.exists() and not name.startswith("/vsi"):
        raise FileNotFoundError(f"`area`: there is no file {path}")
    if path.suffix.lower() in _JSON + _LINES and path.is_file():
        value = _read_json(path)
        if value is not None:
            return str(path), value, _json_crs(value)
    return _load_layer(path, layer)


def _read_json(path: pathlib.Path) -> Any:
    """GeoJSON of a file, `None` if GDAL has to read it."""
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ArgumentError(f"`area`: {path} is not JSON: {error}") from error
    try:
        value = json.loads(text)
    except ValueError as error:
        value = _read_lines(text)
        if value is None:
            raise ArgumentError(
                f"`area`: {path} is not JSON: {error}"
            ) from error
    if not isinstance(value, Mapping):
        return value
    if "rings" in value or "geometryType" in value:
        return _from_esri(path, value)
    if value.get("type") == "Topology":
        return None
    if "features" in value and "type" not in value:
        return _from_esri(path, value)
    return value


def _read_lines(text: str) -> Any:
    """GeoJSON with one object per line (RFC 8142 puts a mark before each)."""
    lines = [line.strip("\x1e \t\r") for line in text.split("\n")]
    try:
        values = [json.loads(line) for line in lines if line]
    except ValueError:
        return None
    if len(values) < 2 or not all(isinstance(each, Mapping) for each in values):
        return None
    geometries = [
        part.get("geometry") if part.get("type") == "Feature" else part
        for part in values
    ]
    return {"type": "GeometryCollection", "geometries": geometries}


def _from_esri(path: pathlib.Path, value: Mapping[str, Any]) -> Any:
    """GeoJSON of Esri JSON, with its reference system."""
    kind = value.get("geometryType", "esriGeometryPolygon")
    if kind != "esriGeometryPolygon":
        raise ArgumentError(
            f"`area`: {path} is Esri JSON with {kind}; it must hold polygons"
        )
    parts = [part.get("geometry") for part in value.get("features", [])]
    parts = parts or [value]
    if any(part and "rings" not in part for part in parts):
        raise ArgumentError(
            f"`area`: {path} is Esri JSON without rings: convert curves to "
            "straight lines first"
        )
    found = {
        "type": "GeometryCollection",
        # By the even-odd rule, rings inside others are holes.
        "geometries": [
            part and {"type": "Polygon", "coordinates": part["rings"]}
            for part in parts
        ],
    }
    stated = [part.get("spatialReference") for part in [value, *parts] if part]
    system: dict[str, Any] = next(filter(None, stated), {})
    number = system.get("latestWkid") or system.get("wkid")
    if number is not None:
        authority = "ESRI" if number >= _FIRST_OF_ESRI else "EPSG"
        found["crs"] = f"{authority}:{number}"
    elif system.get("wkt"):
        found["crs"] = system["wkt"]
    else:
        found["crs"] = ""
    return found


def _load_layer(path: pathlib.Path, layer: str | None) -> tuple[str, Any, Any]:
    """Read a layer with pyogrio."""
    pyogrio = _import("pyogrio", str(path))
    shapely = _import("shapely", str(path))
    try:
        layers = _choose_layers(path, pyogrio.list_layers(path), layer)
        crs, parts = None, []
        for name in layers:
            facts, _, geometries, _ = pyogrio.raw.read(
                path, columns=[], layer=name
            )
            crs = crs or facts["crs"]
            parts += [part and shapely.from_wkb(part) for part in geometries]
    except ArgumentError:
        raise
    except shapely.errors.ShapelyError as error:
        raise ArgumentError(
            f"`area`: {path} holds more than plain polygons: {error}"
        ) from error
    except (pyogrio.errors.DataSourceError, ValueError) as error:
        raise ArgumentError(
            f"`area`: {path} is not a vector file that GDAL reads: {error}"
        ) from error
    value = {
        "type": "GeometryCollection",
        "geometries": [part and part.__geo_interface__ for part in parts],
    }
    if not crs and path.suffix.lower() not in _IN_DEGREES:
        crs = ""
    return str(path), value, crs


def _choose_layers(
    path: pathlib.Path, found: Sequence[Sequence[Any]], layer: str | None
) -> list[str]:
    """The layer that is named, or the one that can have polygons.

    All of them in KML, whose layers are only folders.
    """
    names = [str(name) for name, _ in found]
    listed = ", ".join(
        f"{name!r} ({kind or 'no shapes'})" for name, kind in found
    )
    if layer is not None:
        if layer not in names:
            raise ArgumentError(
                f"`area_layer`: {path} has no layer {layer!r}. It has: {listed}"
            )
        return [layer]
    if len(names) <= 1 or path.suffix.lower() in (".kml", ".kmz"):
        return names
    likely = [
        str(name) for name, kind in found if _MAY_BE_POLYGONS.search(str(kind))
    ]
    if len(likely) != 1:
        raise ArgumentError(
            f"`area`: {path} has several layers; give one as "
            f"`area_layer=NAME`: {listed}"
        )
    return likely


def _import(name: str, what: str) -> Any:
    try:
        return __import__(name)
    except ImportError as error:
        raise MissingPackageError(
            f"`area`: reading {what} needs {name}: pip install "
            "keras-rsseg[vector]. GeoJSON files need no package"
        ) from error


def _json_crs(value: Any) -> Any:
    """The reference system in GeoJSON's older standard, or `None`."""
    stated: Any = value.get("crs") if isinstance(value, Mapping) else None
    try:
        return stated["properties"]["name"]
    except (KeyError, TypeError):
        return stated


def _polygons(value: Mapping[str, Any]) -> Iterator[Polygon]:
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
        raise ArgumentError(f"there is a {kind}")


def _ring(points: Any) -> Ring:
    """A ring as an array, without heights."""
    ring = np.array([point[:2] for point in points], "float64")
    if ring.ndim != 2 or ring.shape[1:] != (2,) or not np.isfinite(ring).all():
        raise ArgumentError("coordinates must be pairs of finite numbers")
    if (ring[0] == ring[-1]).all():
        ring = ring[:-1]
    if len(np.unique(ring, axis=0)) < 3:
        raise ArgumentError("a ring has fewer than three corners")
    return ring
