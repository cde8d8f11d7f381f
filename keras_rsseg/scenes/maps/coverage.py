"""The polygons of a map as one coverage, in which borders stay shared."""

import numpy as np
import rasterio

from keras_rsseg.rasters.opener import RasterReadError
from keras_rsseg.scenes.maps.patches import joined_pairs
from keras_rsseg.scenes.maps.patches import merge_small
from keras_rsseg.scenes.maps.patches import neighbours
from keras_rsseg.scenes.maps.patches import trace_patches
from keras_rsseg.scenes.reading.ground_areas import GroundAreas


def trace_polygons(
    dataset: rasterio.DatasetReader,
    minimum_area: float,
    tolerance: float,
    areas: GroundAreas | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Trace a map, merge small patches, and simplify the outlines.

    Args:
        dataset: an open class map.
        minimum_area: square metres below which patches are merged, 0 for
            none.
        tolerance: tolerance of simplifying, in metres; 0 for none.
        areas: `GroundAreas` of the map; `None` if its pixel size is unknown,
            when nothing is merged or simplified.

    Returns:
        `(polygons, ids)`: an array of shapely polygons in pixels (column,
        row), including void, and their classes.

    Raises:
        RasterReadError: if the map cannot be read completely.
    """
    import shapely

    patches = trace_patches(dataset)
    polygons = shapely.from_ragged_array(
        shapely.GeometryType.POLYGON,
        patches.points.astype("float64"),
        (patches.rings, patches.polygons),
    )
    ids = patches.classes
    if shapely.area(polygons).sum() != dataset.width * dataset.height:
        raise RasterReadError(f"{dataset.name} cannot be read completely")
    if areas is None:
        return polygons, ids
    if not minimum_area:
        return _simplify(polygons, tolerance, areas, dataset.height), ids
    pairs, shown = neighbours(patches), polygons
    while True:
        # Simplifying may have made polygons too small.
        merged = merge_small(ids, areas.of_polygons(shown), pairs, minimum_area)
        kept = np.unique(merged)
        first = shown is polygons
        if len(kept) == len(ids) and not first:
            return shown, ids
        if len(kept) < len(ids):
            polygons, ids = _dissolve(polygons, merged), ids[kept]
            pairs = joined_pairs(pairs, np.searchsorted(kept, merged))
        if not tolerance:
            return polygons, ids
        shown = _simplify(polygons, tolerance, areas, dataset.height)


def _dissolve(polygons: np.ndarray, merged: np.ndarray) -> np.ndarray:
    """Join the polygons that belong together, in the order of their keys."""
    import shapely

    order = np.argsort(merged, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(merged[order])) + 1)
    joined = [
        polygons[group[0]]
        if len(group) == 1
        else shapely.coverage_union_all(polygons[group])
        for group in groups
    ]
    # A tolerance of 0 removes vertices on straight lines.
    return shapely.coverage_simplify(np.array(joined), 0.0)


def _simplify(
    polygons: np.ndarray, tolerance: float, areas: GroundAreas, height: int
) -> np.ndarray:
    """Simplify a coverage; its vertices remain corners of pixels.

    It uses integers, on which GEOS is exact: otherwise a border could run
    through a corner that lies on it. Pixels need not be square, as areas
    decide; if these differ from row to row, row heights are made
    proportional to them.
    """
    import shapely

    if not tolerance:
        return polygons
    lines, unit = areas.row_lines(height)

    def stretch(points: np.ndarray) -> np.ndarray:
        rows = np.rint(points[:, 1]).astype(int)
        return np.stack([points[:, 0], lines[rows]], axis=1)

    def shrink(points: np.ndarray) -> np.ndarray:
        rows = np.searchsorted(lines, np.rint(points[:, 1]))
        return np.stack([points[:, 0], rows], axis=1)

    simplified = shapely.coverage_simplify(
        shapely.transform(polygons, stretch),
        tolerance / np.sqrt(unit),
        simplify_boundary=False,
    )
    return shapely.transform(simplified, shrink)
