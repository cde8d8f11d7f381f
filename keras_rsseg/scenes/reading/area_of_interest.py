"""Read the polygons of a vector file or geometry, with plain errors."""

import hashlib
import json
import os
import pathlib
import re
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

import numpy as np
from rasterio._err import CPLE_BaseError
from rasterio.crs import CRS
from rasterio.errors import CRSError
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.warp import transform

from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import MissingPackageError
from keras_rsseg.errors import SceneError
from keras_rsseg.scenes.reading.ground_size import PixelArea
from keras_rsseg.scenes.reading.ground_size import scene_georeference

# Corners of a ring, float64 `(N, 2)`; a polygon is a list of rings.
Ring = np.ndarray
Polygon = list[Ring]

_WKT = re.compile(r"\s*(multi)?(polygon|surface|geometrycollection)", re.I)
_JSON = (".geojson", ".json")
_COLLECTIONS = {"FeatureCollection": "features"}
_COLLECTIONS["GeometryCollection"] = "geometries"

# How far a side may be from its true place, pixels, and how often it may be
# halved for that: 4 ** 20 times nearer.
_TOLERANCE = 0.1
_HALVINGS = 20
_MOST_CORNERS = 2_000_000


def read_vector(source: Any) -> tuple[list[Polygon], Any]:
    """Return the polygons of a file, a GeoJSON-like dict or a geometry.

    Args:
        source: see `AreaOfInterest`.

    Returns:
        `(polygons, crs)`: a list of polygons, each a list of rings, float64
        arrays `(N, 2)`, the last corner not repeated; and what `source`
        states of their reference system, `None` for nothing.

    Raises:
        FileNotFoundError, ImportError, TypeError, ArgumentError: see
            `AreaOfInterest`.
    """
    name, value, crs = _load(source)
    try:
        polygons = list(_polygons(value))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ArgumentError(
            f"`area`: {name} must hold polygons, as GeoJSON has them: {error}"
        ) from error
    if not polygons:
        raise ArgumentError(f"`area`: {name} is empty")
    return polygons, crs


def _load(source: Any) -> tuple[str, Any, Any]:
    """A name for messages, the GeoJSON-like dict, the reference system."""
    if isinstance(source, str) and _WKT.match(source):
        shapely = _import("shapely", "WKT")
        try:
            geometry = shapely.from_wkt(source)
        except shapely.errors.ShapelyError as error:
            raise ArgumentError(f"`area`: no WKT: {error}") from error
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


def _load_file(path: pathlib.Path) -> tuple[str, Any, Any]:
    if not path.exists():
        raise FileNotFoundError(f"`area`: there is no file {path}")
    if path.suffix.lower() in _JSON:
        try:
            value = json.loads(path.read_text("utf-8-sig"))
        except ValueError as error:
            raise ArgumentError(
                f"`area`: {path} is no JSON: {error}"
            ) from error
        return str(path), value, _json_crs(value)
    pyogrio = _import("pyogrio", str(path))
    shapely = _import("shapely", str(path))
    try:
        facts, _, geometries, _ = pyogrio.raw.read(path, columns=[])
    except (pyogrio.errors.DataSourceError, ValueError) as error:
        raise ArgumentError(
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


def _import(name: str, what: str) -> Any:
    try:
        return __import__(name)
    except ImportError as error:
        raise MissingPackageError(
            f"`area`: reading {what} needs {name}: pip install "
            "keras-rsseg[vector]. GeoJSON files need nothing"
        ) from error


def _json_crs(value: Any) -> Any:
    """The reference system by GeoJSON's older standard, or `None`."""
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
    """A ring as an array; heights are left out."""
    ring = np.array([point[:2] for point in points], "float64")
    if ring.ndim != 2 or ring.shape[1:] != (2,) or not np.isfinite(ring).all():
        raise ArgumentError("coordinates must be pairs of finite numbers")
    if (ring[0] == ring[-1]).all():
        ring = ring[:-1]
    if len(np.unique(ring, axis=0)) < 3:
        raise ArgumentError("a ring has fewer than three corners")
    return ring


class AreaOfInterest:
    """Polygons outside of which a map is void.

    Args:
        source: a path of a GeoJSON file, or of any other vector file
            (GeoPackage, Shapefile; needs the extra `vector`), whose first
            layer is taken; a WKT string (same extra); a GeoJSON-like dict; a
            geometry of shapely or a frame of geopandas, or anything else
            with `__geo_interface__`. Everything in it must be polygons or
            multipolygons; it may be in several.
        crs: reference system of its coordinates, anything that rasterio
            takes. `"auto"` takes the one stated with `source`, WGS 84
            longitude and latitude (GeoJSON's) where none is; `None` says
            that they are those of the scene.

    Raises:
        FileNotFoundError: if there is no such file.
        ImportError: if reading it needs the extra `vector`.
        TypeError: if `source` is none of these.
        ArgumentError: if it cannot be read, holds anything but polygons,
            nothing, or coordinates that are no numbers; for a `crs` that
            there is not.

    Example:

    ```python
    harbour = {
        "type": "Polygon",
        "coordinates": [[[4.987, 51.84], [4.989, 51.84], [4.989, 51.842]]],
    }
    area = keras_rsseg.scenes.AreaOfInterest(harbour)
    area.crs  # CRS.from_epsg(4326)
    ```

    `keras_rsseg.predict_scene(..., area=area)` maps what lies inside.
    """

    def __init__(self, source: Any, crs: Any = "auto"):
        self.polygons, own_crs = read_vector(source)
        if isinstance(crs, str) and crs == "auto":
            crs = own_crs or "EPSG:4326"
        try:
            self.crs = None if crs is None else CRS.from_user_input(crs)
        except CRSError as error:
            raise ArgumentError(
                "`crs` of an area must be a reference system, 'auto' or "
                f"None. Received: {crs!r}"
            ) from error

    @classmethod
    def of(cls, area: Any) -> "AreaOfInterest":
        """Return `area` itself, or one made of it."""
        return area if isinstance(area, cls) else cls(area)

    @property
    def digest(self) -> str:
        """A string that is the same for equal areas only."""
        rings = [[ring.tolist() for ring in rings] for rings in self.polygons]
        system = self.crs and self.crs.to_wkt()
        text = json.dumps([system, rings])
        return hashlib.sha256(text.encode()).hexdigest()

    def on(self, dataset: DatasetReader) -> PixelArea:
        """Return the area on the grid of a scene.

        Sides, which are straight in the area's reference system, are bent
        as the scene's asks for, to a tenth of a pixel.

        Args:
            dataset: an open rasterio dataset.

        Returns:
            A `PixelArea`.

        Raises:
            SceneError: if the area does not meet the scene, cannot be
                transformed to its reference system, or the scene has none.
        """
        crs, matrix = scene_georeference(dataset)
        if self.crs is not None and crs is None:
            raise SceneError(
                f"The scene {dataset.name} has no coordinate reference "
                "system, the area of interest has. Give it in the scene's "
                "own coordinates (columns and rows, from the upper left "
                "corner) as `AreaOfInterest(area, crs=None)`"
            )
        inverse = ~matrix
        same = self.crs is None or self.crs == crs

        def to_pixels(points: np.ndarray) -> np.ndarray:
            x, y = points.T
            if not same:
                x, y = np.array(transform(self.crs, crs, x, y))
            columns = inverse.a * x + inverse.b * y + inverse.c
            rows = inverse.d * x + inverse.e * y + inverse.f
            return np.stack([columns, rows], axis=1)

        try:
            area = PixelArea(
                [
                    [_bend(ring, to_pixels, same) for ring in rings]
                    for rings in self.polygons
                ]
            )
        except (CPLE_BaseError, RasterioError, _Unreachable) as error:
            raise SceneError(
                f"The area of interest, in {self._describe()}, cannot be "
                f"transformed to the scene's {crs}: {error}. Cut it to the "
                "surroundings of the scene, or give its `crs` if it is "
                "another: `AreaOfInterest(area, crs=...)`"
            ) from error
        self._check_meeting(area, dataset)
        return area

    def _check_meeting(self, area: PixelArea, dataset: DatasetReader) -> None:
        if area.meets(dataset.height, dataset.width):
            return
        (left, top), (right, bottom) = area.bounds
        raise SceneError(
            f"The area of interest covers no pixel's centre of the scene "
            f"{dataset.name}: in pixels it reaches from column {left:.1f} to "
            f"{right:.1f} and from row {top:.1f} to {bottom:.1f} of "
            f"{dataset.width} x {dataset.height}. Its coordinates were taken "
            f"for {self._describe()}; if they are others, give "
            "`AreaOfInterest(area, crs=...)`"
        )

    def _describe(self) -> str:
        if self.crs is None:
            return "the scene's own coordinates"
        authority = self.crs.to_authority()
        return ":".join(authority) if authority else self.crs.to_wkt()


class _Unreachable(Exception):
    """A point has no place in a reference system."""


def _bend(
    ring: Ring, to_pixels: Callable[[Ring], Ring], straight: bool
) -> Ring:
    """Transform a ring, with more corners where its sides are bent."""
    pixels = _finite(ring, to_pixels)
    for _ in range(0 if straight else _HALVINGS):
        middle = (ring + np.roll(ring, -1, axis=0)) / 2
        moved = _finite(middle, to_pixels)
        chord = (pixels + np.roll(pixels, -1, axis=0)) / 2
        bent = np.hypot(*(moved - chord).T) > _TOLERANCE
        if not bent.any() or len(ring) + bent.sum() > _MOST_CORNERS:
            break
        places = np.flatnonzero(bent) + 1
        ring = np.insert(ring, places, middle[bent], axis=0)
        pixels = np.insert(pixels, places, moved[bent], axis=0)
    return pixels


def _finite(points: Ring, to_pixels: Callable[[Ring], Ring]) -> Ring:
    pixels = to_pixels(points)
    bad = ~np.isfinite(pixels).all(axis=1)
    if bad.any():
        x, y = points[bad][0]
        raise _Unreachable(f"({x:g}, {y:g}) has no place there")
    return pixels
