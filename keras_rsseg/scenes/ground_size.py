"""How large a scene's pixels are on the ground."""

import logging
import math

from rasterio._err import CPLE_BaseError
from rasterio.errors import RasterioError
from rasterio.warp import transform

logger = logging.getLogger(__name__)

# WGS 84: semi-major axis in metres, squared eccentricity.
_AXIS = 6378137.0
_ECCENTRICITY = 0.00669437999014

# Pixels nearer to the model's than this factor are read as they are.
RESAMPLING_FACTOR = 1.25
_DOUBTFUL_FACTOR = 4


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
    if dataset.crs is None:
        return None
    col, row = dataset.width / 2, dataset.height / 2
    points = [(col - 0.5, row), (col + 0.5, row)]
    points += [(col, row - 0.5), (col, row + 0.5)]
    matrix = dataset.transform
    x = [matrix.a * col + matrix.b * row + matrix.c for col, row in points]
    y = [matrix.d * col + matrix.e * row + matrix.f for col, row in points]
    try:
        lon, lat = transform(dataset.crs, "EPSG:4326", x, y)
        size = _distance(lon[:2], lat[:2]), _distance(lon[2:], lat[2:])
    except (CPLE_BaseError, RasterioError, ValueError):
        # A local grid has no place on the ellipsoid, but may have a unit.
        size = _size_by_unit(dataset)
    if size and all(math.isfinite(side) and side > 0 for side in size):
        return size
    return None


def model_grid_size(dataset, ground_sample_distance):
    """Return the size of the grid on which the model should see a scene.

    Args:
        dataset: an open rasterio dataset.
        ground_sample_distance: pixel size that the model wants, metres.

    Returns:
        `(height, width)` in pixels, or `None` where the scene's pixels are
        within a factor of 1.25 of it or their size is unknown.
    """
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
    width = max(1, round(dataset.width / factors[0]))
    height = max(1, round(dataset.height / factors[1]))
    logger.warning(
        "The scene's pixels are %.3g m, the model's %.3g m: the scene is "
        "read at %d x %d pixels and the map written on its own grid of "
        "%d x %d.",
        math.sqrt(size[0] * size[1]),
        ground_sample_distance,
        width,
        height,
        dataset.width,
        dataset.height,
    )
    if min(factors) < 1 / _DOUBTFUL_FACTOR:
        logger.warning(
            "The scene is more than %d times coarser than what the model "
            "was made for: do not expect a good map.",
            _DOUBTFUL_FACTOR,
        )
    return height, width


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


def _size_by_unit(dataset):
    if dataset.crs.is_geographic:
        return None
    unit = dataset.crs.units_factor[1]
    matrix = dataset.transform
    return (
        math.hypot(matrix.a, matrix.d) * unit,
        math.hypot(matrix.b, matrix.e) * unit,
    )
