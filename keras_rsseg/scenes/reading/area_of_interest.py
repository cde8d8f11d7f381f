"""Polygons that limit a map: it is void outside them."""

import hashlib
import json
import logging
import math
import os
from collections.abc import Callable
from typing import Any

import numpy as np
from rasterio._err import CPLE_BaseError
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.transform import Affine
from rasterio.transform import RPCTransformer

from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import SceneError
from keras_rsseg.scenes.reading.ground_areas import PixelArea
from keras_rsseg.scenes.reading.ground_size import lacks_place
from keras_rsseg.scenes.reading.ground_size import scene_georeference
from keras_rsseg.scenes.reading.round_the_earth import EarthTurn
from keras_rsseg.scenes.reading.round_the_earth import across_the_antimeridian
from keras_rsseg.scenes.reading.scene_file import as_crs
from keras_rsseg.scenes.reading.vector_files import Polygon
from keras_rsseg.scenes.reading.vector_files import Ring
from keras_rsseg.scenes.reading.vector_files import read_vector

logger = logging.getLogger(__name__)

# How far, in pixels, a side may deviate from its true place, and how often it
# may be halved to get there: 4 ** 20 times nearer.
_TOLERANCE = 0.1
_HALVINGS = 20
_MOST_CORNERS = 2_000_000


class AreaOfInterest:
    """Polygons that limit a map: it is void outside them.

    Args:
        source: path of a GeoJSON file (one object, or one per line), of
            Esri JSON, or of any other vector file (GeoPackage, Shapefile,
            KML; needs the extra `vector`); a WKT string (same extra); a box
            as four numbers or as text, `"4.98, 51.84, 4.99, 51.85"`: west,
            south, east, north; a GeoJSON-like dict; a shapely geometry, a
            geopandas frame, or anything else with `__geo_interface__`. It
            must hold polygons or multipolygons only, one or more.
        crs: reference system of its coordinates, anything that rasterio
            accepts. `"auto"` takes the one stated with `source`, or WGS 84
            longitude and latitude for GeoJSON, KML and geometries that state
            none; `None` or `"scene"` means that of the scene.
        layer: name of the layer in a file with several; QGIS's notation
            `"plan.gpkg|layername=plots"` works as well. Defaults to the only
            one that can hold polygons.

    Longitudes can run from -180 to 180 or from 0 to 360: the area is shifted
    to where the scene is, on either side of the 180th meridian.

    Raises:
        FileNotFoundError: if there is no such file.
        ImportError: if reading it needs the extra `vector`.
        TypeError: if `source` is none of these.
        ArgumentError: if it cannot be read, is empty, holds anything but
            polygons, or coordinates that are not numbers; if the `crs` or
            layer does not exist; if a file lacks the reference system that
            its format provides for, and `crs` is not given.

    Example:

    ```python
    harbour = {
        "type": "Polygon",
        "coordinates": [[[4.987, 51.84], [4.989, 51.84], [4.989, 51.842]]],
    }
    area = keras_rsseg.scenes.AreaOfInterest(harbour)
    area.crs  # CRS.from_epsg(4326)
    ```

    `keras_rsseg.predict_scene(..., area=area)` maps its inside.
    """

    def __init__(
        self, source: Any, crs: Any = "auto", layer: str | None = None
    ):
        self.polygons, own_crs = read_vector(source, layer)
        if isinstance(crs, str) and crs == "auto":
            if own_crs == "":
                raise ArgumentError(_missing_system(source))
            crs = own_crs or "EPSG:4326"
        if isinstance(crs, str) and crs == "scene":
            crs = None
        self.crs = None
        if crs is not None:
            self.crs = as_crs("area_crs", crs, ", 'auto' or 'scene'")

    @classmethod
    def of(
        cls, area: Any, crs: Any = None, layer: str | None = None
    ) -> "AreaOfInterest":
        """Return `area` itself, or make an `AreaOfInterest` of it.

        Args:
            area: an `AreaOfInterest`, or a `source` of one.
            crs: as for `AreaOfInterest`; `None` for `"auto"`.
            layer: as for `AreaOfInterest`.
        """
        if isinstance(area, cls):
            if crs is not None or layer is not None:
                raise ArgumentError(
                    "`area_crs` and `area_layer` go with a file or geometry; "
                    "an AreaOfInterest has its own"
                )
            return area
        return cls(area, "auto" if crs is None else crs, layer)

    @property
    def digest(self) -> str:
        """A string that is the same only for equal areas."""
        rings = [[ring.tolist() for ring in rings] for rings in self.polygons]
        system = self.crs and self.crs.to_wkt()
        text = json.dumps([system, rings])
        return hashlib.sha256(text.encode()).hexdigest()

    def on(self, dataset: DatasetReader) -> PixelArea:
        """Return the area on the grid of a scene.

        Sides that are straight in the area's reference system are curved in
        the scene's, to within a tenth of a pixel. Parts outside the scene
        are logged. On a scene that has only rational polynomials, the area
        lies where they put it at their mean height.

        Args:
            dataset: an open rasterio dataset.

        Returns:
            A `PixelArea`.

        Raises:
            SceneError: if the area does not meet the scene, cannot be
                transformed to its reference system, or the scene has none.
        """
        crs, matrix = scene_georeference(dataset)
        if self.crs is not None and crs is None and dataset.rpcs is not None:
            return self._by_rpcs(dataset)
        if self.crs is not None and crs is None:
            raise SceneError(
                f"The scene {dataset.name} has {lacks_place(dataset)}; the "
                "area of interest has one. Give the scene's with `crs=`, or "
                "give the area in the scene's own coordinates (columns and "
                "rows, from the upper left corner) and `area_crs='scene'`"
            )
        inverse = ~matrix
        turn = EarthTurn.of(crs)
        center, _ = matrix @ (dataset.width / 2, dataset.height / 2)

        def to_pixels(points: np.ndarray) -> np.ndarray:
            x, y = turn.transform(self.crs or crs, points, center)
            columns = inverse.a * x + inverse.b * y + inverse.c
            rows = inverse.d * x + inverse.e * y + inverse.f
            return np.stack([columns, rows], axis=1)

        straight = self.crs is None or self.crs == crs
        polygons = self._bent(dataset, crs, to_pixels, straight)
        polygons = _shifted(polygons, dataset, matrix, turn.length)
        return self._checked(polygons, dataset)

    def _by_rpcs(self, dataset: DatasetReader) -> PixelArea:
        """The area where a scene's rational polynomials put it."""
        rpcs = dataset.rpcs
        logger.warning(
            "The area of interest is placed on %s by its rational polynomials "
            "at their mean height, %g m: in hills it may be off by tens of "
            "metres. For exact results, orthorectify the scene first, with "
            "gdalwarp -rpc and a terrain model.",
            dataset.name,
            rpcs.height_off,
        )
        degrees = CRS.from_epsg(4326)
        turn, center = EarthTurn.of(degrees), rpcs.long_off
        with RPCTransformer(rpcs, RPC_HEIGHT=rpcs.height_off) as polynomials:

            def to_pixels(points: np.ndarray) -> np.ndarray:
                lon, lat = turn.transform(self.crs, points, center)
                lon = center + (lon - center + 180) % 360 - 180
                rows, columns = polynomials.rowcol(lon, lat, op=np.asarray)
                return np.stack([columns, rows], axis=1)

            polygons = self._bent(dataset, degrees, to_pixels, straight=False)
        return self._checked(polygons, dataset)

    def _bent(
        self,
        dataset: DatasetReader,
        crs: CRS | None,
        to_pixels: Callable[[Ring], Ring],
        straight: bool,
    ) -> list[Polygon]:
        """The polygons in a scene's pixels."""
        try:
            return [
                [_bend(ring, to_pixels, straight) for ring in rings]
                for rings in self._unwrapped(crs)
            ]
        except (CPLE_BaseError, RasterioError, _Unreachable) as error:
            raise SceneError(
                f"The area of interest, in {self._describe()}, cannot be "
                f"transformed to the scene's {crs}: {error}. Cut it to the "
                "surroundings of the scene, or give its reference system if "
                f"this is the wrong one: {self._advice(dataset)}"
            ) from error

    def _checked(
        self, polygons: list[Polygon], dataset: DatasetReader
    ) -> PixelArea:
        area = PixelArea(polygons)
        self._check_meeting(area, dataset)
        _tell_of_outside(area, dataset)
        return area

    def _unwrapped(self, scene_crs: CRS | None) -> list[Polygon]:
        """The polygons; sides around the earth are taken the short way."""
        crs = self.crs or scene_crs
        if crs is None or not crs.is_geographic:
            return self.polygons
        length = EarthTurn.of(crs).length or math.inf
        polygons = [
            [across_the_antimeridian(ring, length) for ring in rings]
            for rings in self.polygons
        ]
        if any(
            new is not old
            for rings, olds in zip(polygons, self.polygons, strict=True)
            for new, old in zip(rings, olds, strict=True)
        ):
            logger.warning(
                "Sides of the area of interest run from near 180 to near -180 "
                "degrees: they are taken to go the short way, across the "
                "180th meridian."
            )
        return polygons

    def _check_meeting(self, area: PixelArea, dataset: DatasetReader) -> None:
        if area.meets(dataset.height, dataset.width):
            return
        (left, top), (right, bottom) = area.bounds
        raise SceneError(
            f"The area of interest covers no pixel centre of the scene "
            f"{dataset.name}: in pixels it reaches from column {left:.1f} to "
            f"{right:.1f} and from row {top:.1f} to {bottom:.1f} of "
            f"{dataset.width} x {dataset.height}. Its coordinates were taken "
            f"as {self._describe()}; if that is wrong, give "
            f"{self._advice(dataset)}"
        )

    def _advice(self, dataset: DatasetReader) -> str:
        """How to state the coordinates, if they were misread."""
        corners = np.concatenate([ring for (ring, *_) in self.polygons])
        ends = (0, 0), (dataset.width, dataset.height)
        scene = np.sort([dataset.transform @ end for end in ends], axis=0)
        meets = (scene[0] < corners.max(axis=0)) & (
            corners.min(axis=0) < scene[1]
        )
        if self.crs is not None and meets.all():
            return "`area_crs='scene'`, as they are close to the scene's"
        return "`area_crs=...`"

    def _describe(self) -> str:
        if self.crs is None:
            return "the scene's own coordinates"
        authority = self.crs.to_authority()
        return ":".join(authority) if authority else self.crs.to_wkt()


def _missing_system(source: Any) -> str:
    stem, suffix = os.path.splitext(str(source))
    lacking = ""
    if suffix.lower() == ".shp":
        lacking = f" ({os.path.basename(stem)}.prj is missing)"
    return (
        f"`area`: {source} states no reference system{lacking}. Give one, "
        "such as `area_crs='EPSG:25832'`, or `area_crs='scene'` if its "
        "coordinates are those of the scene"
    )


def _shifted(
    polygons: list[Polygon],
    dataset: DatasetReader,
    matrix: Affine,
    length: float | None,
) -> list[Polygon]:
    """Polygons shifted to the scene by whole turns around the earth.

    Those that never meet it are left unchanged; one wider than the earth may
    meet it twice.
    """
    if length is None:
        return polygons
    inverse = ~matrix
    size = dataset.width, dataset.height
    corners = [(col, row) for col in (0, size[0]) for row in (0, size[1])]
    scene = [(matrix @ corner)[0] for corner in corners]
    found = []
    for rings in polygons:
        pixels = np.concatenate(rings)
        x = matrix.a * pixels[:, 0] + matrix.b * pixels[:, 1] + matrix.c
        first = int(np.ceil((min(scene) - x.max()) / length))
        last = int(np.floor((max(scene) - x.min()) / length))
        for turns in range(first, last + 1) or [0]:
            step = turns * length * np.array([inverse.a, inverse.d])
            found.append([ring + step for ring in rings])
    return found


def _tell_of_outside(area: PixelArea, dataset: DatasetReader) -> None:
    size = np.array([dataset.width, dataset.height])
    (left, top), (right, bottom) = area.bounds
    # Half a pixel of tolerance, for borders drawn along the scene's.
    if (
        min(left, top) >= -0.5
        and right <= size[0] + 0.5
        and bottom <= size[1] + 0.5
    ):
        return
    away = area.count_outside(*dataset.shape)
    logger.warning(
        "The area of interest extends beyond the scene %s, where nothing is "
        "mapped: in pixels, from column %.1f to %.1f and from row %.1f to "
        "%.1f of %d x %d%s.",
        dataset.name,
        left,
        right,
        top,
        bottom,
        *size,
        f"; {away} of its {len(area)} polygons lie outside" if away else "",
    )


class _Unreachable(Exception):
    """A point has no place in a reference system."""


def _bend(
    ring: Ring, to_pixels: Callable[[Ring], Ring], straight: bool
) -> Ring:
    """Transform a ring, adding corners where its sides are curved."""
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
