"""Write the polygons of a map."""

import math
import pathlib
from typing import Any

import numpy as np
import rasterio
from rasterio.crs import CRS

from keras_rsseg.checks import check_not_negative
from keras_rsseg.errors import ArgumentError
from keras_rsseg.scenes.maps.class_map import Legend
from keras_rsseg.scenes.maps.class_map import hex_color
from keras_rsseg.scenes.maps.class_map import open_class_map
from keras_rsseg.scenes.maps.class_map import read_legend
from keras_rsseg.scenes.maps.coverage import trace_polygons
from keras_rsseg.scenes.maps.polygon_files import check_polygons
from keras_rsseg.scenes.maps.polygon_files import write_features
from keras_rsseg.scenes.reading.ground_areas import GroundAreas
from keras_rsseg.scenes.reading.ground_size import ground_pixel_size
from keras_rsseg.scenes.reading.ground_size import lacks_place
from keras_rsseg.scenes.reading.ground_size import scene_georeference
from keras_rsseg.typing import PathLike
from keras_rsseg.void import VOID

# Pixels by which a ground control point may miss the grid of the map.
_POINT_TOLERANCE = 0.5


def write_polygons(
    classes: PathLike,
    destination: PathLike,
    *,
    minimum_area: float = 0.0,
    simplify: float = 0.0,
    overwrite: bool = False,
) -> pathlib.Path:
    """Write the patches of a class map as polygons.

    Each patch, an area of one class connected by sides of pixels, becomes
    a polygon with `class_id`, `class_name`, `color` (`#rrggbb`) and
    `area_m2`. Void is left out. Polygons follow the borders of pixels, can
    have holes, and do not overlap; where two meet, both have the same
    vertices.

    A GeoPackage has the map's reference system and the layer `classes`,
    which QGIS draws in the map's colours (stored in a second table,
    `layer_styles`). FlatGeobuf and shapefiles (.shp and its companion files,
    2 GB at most) also have the reference system. GeoJSON is in WGS 84,
    longitude first, as RFC 7946 requires.

    The map is traced line by line; only its borders are in memory as a
    whole, at some 120 bytes per vertex.

    Needs shapely and pyogrio: `pip install keras-rsseg[vector]`.

    Args:
        classes: path of a map that `predict_scene` wrote.
        destination: path of the file, `.gpkg`, `.geojson`, `.fgb` or
            `.shp`. It appears only when it is complete.
        minimum_area: patches smaller than this, in square metres on the
            ground, are merged into their largest neighbour, the smallest
            first; likewise those that `simplify` makes that small. Void
            neither grows nor shrinks: a small patch surrounded by void
            stays.
        simplify: approximate size of the corners to cut off, in metres on
            the ground: vertices are removed while their triangles have an
            area of at most `simplify` squared (Visvalingam and Whyatt).
            Neighbours, including void, still share their borders, and the
            map keeps its frame. From one pixel's length on, the stairs of
            pixels disappear.
        overwrite: whether an existing destination may be replaced.

    Returns:
        The destination as a `pathlib.Path`.

    Raises:
        FileExistsError: if the destination exists and `overwrite` is false.
        FileNotFoundError: if the map or the destination's folder does not
            exist.
        ImportError: without shapely 2.1 or pyogrio.
        ValueError: if `classes` is not a class map or has ground control
            points that no transform fits; for any other suffix or negative
            sizes; for sizes in metres and for GeoJSON if the map has no
            reference system.
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
        crs, matrix = check_grid(dataset, path, sized)
        areas = GroundAreas.of(dataset)
        polygons, ids = trace_polygons(dataset, minimum_area, simplify, areas)
        legend = read_legend(dataset)
        kept = ids != VOID
        polygons, ids = polygons[kept], ids[kept]
        fields = _fields(polygons, ids, legend, areas)
        polygons = _on_map(polygons, matrix)
        write_features(path, polygons, fields, crs, legend, overwrite)
    return path


def check_grid(
    dataset: rasterio.DatasetReader, path: pathlib.Path, sized: bool
) -> tuple[CRS | None, rasterio.Affine]:
    """Check that a raster's place is known well enough for polygons.

    Args:
        dataset: an open map, or the scene to be mapped.
        path: path of the polygon file.
        sized: whether polygons are merged or simplified by size.

    Returns:
        `(crs, transform)`, as `scene_georeference` does.

    Raises:
        ArgumentError: if it is not.
    """
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
            "`minimum_area` and `simplify` are measured on the ground, but "
            f"the pixel size of {dataset.name} is unknown "
            f"({lacks_place(dataset)}). If you know it, make the map with "
            "`pixel_size=`, which it keeps"
        )
    if crs is None and path.suffix.lower() == ".geojson":
        raise ArgumentError(
            "GeoJSON has longitudes and latitudes, but the place of "
            f"{dataset.name} is unknown ({lacks_place(dataset)}). Write a "
            ".gpkg, which does not need it"
        )
    return crs, matrix


def _fields(
    polygons: np.ndarray,
    ids: np.ndarray,
    legend: Legend,
    areas: GroundAreas | None,
) -> dict[str, Any]:
    """The attributes of polygons still in pixels."""
    unknown = np.unique(ids[ids >= legend.num_classes])
    if len(unknown):
        raise ArgumentError(
            f"`classes` has the ids {unknown.tolist()}, but names only "
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
    """Polygons in the map's coordinates, outer rings counterclockwise."""
    import shapely

    def place(points: np.ndarray) -> np.ndarray:
        col, row = points.T
        x = matrix.a * col + matrix.b * row + matrix.c
        y = matrix.d * col + matrix.e * row + matrix.f
        return np.stack([x, y], axis=1)

    return shapely.orient_polygons(shapely.transform(polygons, place))
