"""How large a scene's pixels are on the ground."""

import logging
import math

from rasterio._err import CPLE_BaseError
from rasterio.errors import RasterioError
from rasterio.transform import from_gcps
from rasterio.warp import transform

logger = logging.getLogger(__name__)

# WGS 84: semi-major axis in metres, squared eccentricity.
_AXIS = 6378137.0
_ECCENTRICITY = 0.00669437999014

# Pixels nearer to the model's than this factor are read as they are.
RESAMPLING_FACTOR = 1.25
_DOUBTFUL_FACTOR = 4


def scene_georeference(dataset):
    """Return a scene's reference system and the transform of its grid.

    Where a scene has ground control points alone, the transform is the one
    that fits them best.

    Args:
        dataset: an open rasterio dataset.

    Returns:
        `(crs, transform)`, a `rasterio.crs.CRS` or `None` and an `Affine`.
    """
    points, crs = dataset.gcps
    if dataset.crs is None and crs is not None and len(points) >= 3:
        matrix = from_gcps(points)
        if matrix.determinant:
            return crs, matrix
    return dataset.crs, dataset.transform


def ground_pixel_size(dataset):
    """Return the ground size of a scene's central pixel.

    Measured on the ellipsoid, so it is right for degrees, feet, and
    projections that stretch (web mercator's pixels at 52 degrees north
    cover 0.62 of what its units say).

    Args:
        dataset: an open rasterio dataset.

    Returns:
        `(width, height)` of a pixel in metres, or `None` where the scene
        has no coordinate reference system.
    """
    crs, matrix = scene_georeference(dataset)
    if crs is None:
        return None
    col, row = dataset.width / 2, dataset.height / 2
    points = [(col - 0.5, row), (col + 0.5, row)]
    points += [(col, row - 0.5), (col, row + 0.5)]
    x = [matrix.a * col + matrix.b * row + matrix.c for col, row in points]
    y = [matrix.d * col + matrix.e * row + matrix.f for col, row in points]
    try:
        lon, lat = transform(crs, "EPSG:4326", x, y)
        size = _distance(lon[:2], lat[:2]), _distance(lon[2:], lat[2:])
    except (CPLE_BaseError, RasterioError, ValueError):
        # A local grid has no place on the ellipsoid, but may have a unit.
        size = _size_by_unit(crs, matrix)
    if size and all(math.isfinite(side) and side > 0 for side in size):
        return size
    return None


def model_grid_size(dataset, ground_sample_distance, resample="auto"):
    """Return the size of the grid on which the model should see a scene.

    Args:
        dataset: an open rasterio dataset.
        ground_sample_distance: pixel size that the model wants, metres.
        resample: `"auto"`, or `"never"` for the scene's own grid whatever
            its pixel size, of which the log then tells.

    Returns:
        `(height, width)` in pixels, or `None` where the scene's pixels are
        within a factor of 1.25 of it or their size is unknown.

    Raises:
        ValueError: for another value of `resample`.
    """
    if resample not in ("auto", "never"):
        raise ValueError(
            f"`resample` must be 'auto' or 'never'. Received: {resample!r}"
        )
    size = ground_pixel_size(dataset)
    if size is None:
        logger.warning(
            "The model wants pixels of %g m; how large those of %s are is "
            "unknown (no coordinate reference system), so they are taken "
            "as they are.",
            ground_sample_distance,
            dataset.name,
        )
        return None
    factors = [ground_sample_distance / side for side in size]
    spread = max(max(factor, 1 / factor) for factor in factors)
    if spread <= RESAMPLING_FACTOR:
        return None
    _warn_of_coarse_pixels(factors)
    own, wanted = math.sqrt(size[0] * size[1]), ground_sample_distance
    if resample == "never":
        logger.warning(
            "The scene's pixels are %.3g m, the model's %.3g m: with "
            "resample='never' they are taken as they are.",
            own,
            wanted,
        )
        return None
    width = max(1, round(dataset.width / factors[0]))
    height = max(1, round(dataset.height / factors[1]))
    logger.warning(
        "The scene's pixels are %.3g m, the model's %.3g m: the scene is "
        "read at %d x %d pixels and the map written on its own grid of "
        "%d x %d.",
        own,
        wanted,
        width,
        height,
        dataset.width,
        dataset.height,
    )
    return height, width


def _warn_of_coarse_pixels(factors):
    if min(factors) < 1 / _DOUBTFUL_FACTOR:
        logger.warning(
            "The scene is more than %d times coarser than what the model "
            "was made for: do not expect a good map.",
            _DOUBTFUL_FACTOR,
        )


def _distance(lon, lat):
    """Length in metres of a short line on the ellipsoid."""
    middle = math.radians(sum(lat) / 2)
    slope = 1 - _ECCENTRICITY * math.sin(middle) ** 2
    north = _AXIS * (1 - _ECCENTRICITY) / slope**1.5
    east = _AXIS / math.sqrt(slope) * math.cos(middle)
    turn = (lon[1] - lon[0] + 180) % 360 - 180
    return math.hypot(
        math.radians(turn) * east, math.radians(lat[1] - lat[0]) * north
    )


def _size_by_unit(crs, matrix):
    if crs.is_geographic:
        return None
    unit = crs.units_factor[1]
    return (
        math.hypot(matrix.a, matrix.d) * unit,
        math.hypot(matrix.b, matrix.e) * unit,
    )
