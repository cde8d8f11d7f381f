"""Polygons as masks, drawn on the grid of an image, window by window."""

import functools
import os
import pathlib
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
from rasterio.crs import CRS
from rasterio.errors import CRSError
from rasterio.features import rasterize
from rasterio.transform import Affine
from rasterio.warp import transform
from rasterio.warp import transform_bounds

from keras_rsseg.checks import is_integer
from keras_rsseg.errors import MaskError
from keras_rsseg.errors import MissingPackageError
from keras_rsseg.rasters.opener import is_path
from keras_rsseg.rasters.opener import open_raster
from keras_rsseg.rasters.windows import Window
from keras_rsseg.void import VOID

VECTOR_SUFFIXES = (".fgb", ".geojson", ".gpkg", ".json", ".parquet", ".shp")
_POLYGONS = ("Polygon", "MultiPolygon")
_LISTED = 10


def is_vector(source: Any) -> bool:
    """Return whether a mask is a file of polygons.

    Args:
        source: anything.
    """
    return is_path(source) and (
        pathlib.Path(source).suffix.lower() in VECTOR_SUFFIXES
    )


class VectorMask:
    """A mask of polygons drawn on an image's grid.

    A pixel belongs to the polygon that its centre lies in, the last one in
    the file if there are several. Pixels that no polygon covers are void if
    polygons can be of class 0: if `ids` names it, or one anywhere in the file
    is; else they are class 0. So the image does not matter: what is
    unlabelled on one image would otherwise be trained as class 0, and not on
    the next.

    Args:
        source: path of a GeoPackage, GeoJSON, shapefile, FlatGeobuf, or any
            other vector file that GDAL reads, by its suffix; its first layer
            is read. Needs the extra `vector`.
        image: path of the image, which must be georeferenced.
        class_attribute: name of the attribute that gives a polygon's class,
            or `None` if all are of class 1. Without a value it is void.
        ids: dict from the attribute's values to class ids, or `{}` if it
            holds class ids.

    Attributes:
        background: id of the pixels that no polygon covers.
        shape: `(height, width)` of the image.
        polygons: number of polygons that touch the image.

    Raises:
        FileNotFoundError: if there is no such file.
        MissingPackageError: if pyogrio or shapely are not installed.
        MaskError: if the file cannot be read, lacks that attribute, or holds
            anything but polygons or classes that `ids` does not name; or if
            the image is not georeferenced.
    """

    def __init__(
        self,
        source: str | os.PathLike,
        image: Any,
        class_attribute: str | None = None,
        ids: Mapping[Any, int] | None = None,
    ):
        self._path = os.fspath(source)
        if not os.path.exists(self._path):
            raise FileNotFoundError(f"`masks`: there is no file {self._path}")
        if not is_path(image):
            raise MaskError(
                f"Polygons ({self._path}) need georeferenced images: files, "
                "such as GeoTIFFs. Received: an array"
            )
        with open_raster(image, "images") as dataset:
            self.shape = dataset.shape
            self._transform, self._crs = dataset.transform, dataset.crs
            self._bounds = tuple(dataset.bounds)
            name = dataset.name
        if self._crs is None:
            raise MaskError(
                f"Polygons ({self._path}) need georeferenced images. "
                f"{name} has no coordinate reference system"
            )
        self._attribute = class_attribute
        ids = ids or {}
        shapes, values = self._load()
        self._shapes, self._values = shapes, self._as_ids(values, ids)
        self.polygons = len(shapes)
        self.background = VOID if self._has_class_0(ids) else 0
        self._tree = _import("shapely", self._path).STRtree(shapes)
        # A query may have GEOS prepare parts of the tree, for all threads.
        self._asking = threading.Lock()

    def __str__(self) -> str:
        return self._path

    def read(self, window: Window) -> np.ndarray:
        """Return the ids of a window.

        Args:
            window: `Window` inside the image.

        Returns:
            A uint8 array `(height, width)`.
        """
        shapely = _import("shapely", self._path)
        place = _shifted(self._transform, window.row, window.col)
        x = np.array([0, window.width, window.width, 0])
        y = np.array([0, 0, window.height, window.height])
        corners = np.stack(
            [
                place.a * x + place.b * y + place.c,
                place.d * x + place.e * y + place.f,
            ],
            axis=1,
        )
        with self._asking:
            found = self._tree.query(shapely.Polygon(corners))
        ids = np.full((window.height, window.width), self.background, "uint8")
        drawn = [
            (self._shapes[index], int(self._values[index]))
            for index in sorted(found)
        ]
        if drawn:
            rasterize(drawn, out=ids, transform=place)
        return ids

    def _load(self) -> tuple[np.ndarray, list[Any]]:
        """Polygons in the image's reference system, and their classes."""
        pyogrio = _import("pyogrio", self._path)
        shapely = _import("shapely", self._path)
        try:
            info = pyogrio.read_info(self._path)
            crs = self._own_crs(info["crs"])
            columns = [] if self._attribute is None else [self._attribute]
            missing = set(columns) - set(info["fields"].tolist())
            if missing:
                raise MaskError(
                    f"`class_attribute` must be an attribute of {self._path}: "
                    f"{', '.join(map(str, info['fields'])) or 'none'}. "
                    f"Received: {self._attribute!r}"
                )
            bounds = transform_bounds(self._crs, crs, *self._bounds)
            _, _, found, fields = pyogrio.raw.read(
                self._path, columns=columns, bbox=bounds
            )
        except (pyogrio.errors.DataSourceError, CRSError) as error:
            raise MaskError(
                f"`masks`: {self._path} is not a vector file that GDAL reads: "
                f"{error}"
            ) from error
        shapes = shapely.from_wkb(found)
        kept = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
        values = list(fields[0]) if columns else [1] * len(shapes)
        shapes = shapely.force_2d(shapes[kept])
        self._check_polygons({shape.geom_type for shape in shapes})
        if crs != self._crs:
            shapes = shapely.transform(
                shapes,
                lambda x, y: transform(crs, self._crs, x, y),
                interleaved=False,
            )
        return shapes, [v for v, keep in zip(values, kept, strict=True) if keep]

    def _own_crs(self, stated: str | None) -> CRS:
        if stated is None:
            raise MaskError(
                f"{self._path} does not state its coordinate reference "
                "system, so its place on the image is unknown. Set it, for "
                "example with 'Assign projection' in QGIS"
            )
        return CRS.from_user_input(stated)

    def _check_polygons(self, kinds: set[str]) -> None:
        others = kinds - set(_POLYGONS)
        if others:
            raise MaskError(
                f"{self._path} must hold polygons. Received: "
                f"{', '.join(sorted(others))}. Buffer points and lines first"
            )

    def _has_class_0(self, ids: Mapping[Any, int]) -> bool:
        """Whether polygons can be of class 0, on any image."""
        if 0 in ids.values() or self._attribute is None:
            return 0 in ids.values()
        changed = os.stat(self._path).st_mtime_ns
        values = _all_values(self._path, self._attribute, changed)
        return any(_class_of(value, ids) == 0 for value in values)

    def _as_ids(self, values: list[Any], ids: Mapping[Any, int]) -> np.ndarray:
        if self._attribute is None:
            return np.full(len(values), ids.get(1, 1), "uint8")
        found = [_class_of(value, ids) for value in values]
        wrong = sorted(
            {str(v) for v, i in zip(values, found, strict=True) if i is None}
        )
        if wrong:
            raise MaskError(
                f"`{self._attribute}` of {self._path} must hold class ids, 0 "
                f"to {VOID - 1}, or values that `ids` maps to them, such as "
                f"`ids={{{wrong[0]!r}: 1}}`. Received: "
                f"{', '.join(wrong[:_LISTED])}"
            )
        return np.array(found, "uint8")


@functools.lru_cache(maxsize=64)
def _all_values(path: str, attribute: str, changed: int) -> frozenset[Any]:
    """An attribute's values in the whole file, which many images may share."""
    pyogrio = _import("pyogrio", path)
    fields = pyogrio.raw.read(path, columns=[attribute], read_geometry=False)
    return frozenset(fields[3][0].tolist())


def _class_of(value: Any, ids: Mapping[Any, int]) -> int | None:
    """A class id, void if there is no value, `None` if it is not one."""
    value = value.item() if isinstance(value, np.generic) else value
    if value in ids:
        return ids[value]
    if value is None or value != value:
        return VOID
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if value in ids:
        return ids[value]
    if is_integer(value) and 0 <= value <= VOID:
        return int(value)
    return None


def _shifted(matrix: Affine, row: int, col: int) -> Affine:
    """The matrix of a window that starts there."""
    a, b, c, d, e, f = matrix[:6]
    return Affine(a, b, a * col + b * row + c, d, e, d * col + e * row + f)


def _import(name: str, what: str) -> Any:
    try:
        return __import__(name)
    except ImportError as error:
        raise MissingPackageError(
            f"`masks`: reading {what} needs {name}: pip install "
            "keras-rsseg[vector]"
        ) from error
