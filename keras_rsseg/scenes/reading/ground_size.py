"""The size of pixels on the ground."""

import logging
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from rasterio._err import CPLE_BaseError
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.transform import Affine
from rasterio.transform import RPCTransformer
from rasterio.transform import from_gcps
from rasterio.warp import transform

from keras_rsseg.checks import as_number
from keras_rsseg.checks import check_choice
from keras_rsseg.errors import SceneError
from keras_rsseg.rasters.windows import Window

logger = logging.getLogger(__name__)

# WGS 84: semi-major axis in metres, squared eccentricity.
_AXIS = 6378137.0
_ECCENTRICITY = 0.00669437999014

# Degrees around the earth.
_ROUND = 360

# Scenes with pixels within this factor of the model's are not resampled.
RESAMPLING_FACTOR = 1.25
_DOUBTFUL_FACTOR = 4
# The most pixels along a side that GDAL can count.
_LONGEST_SIDE = (1 << 31) - 1


def scene_georeference(dataset: DatasetReader) -> tuple[CRS | None, Affine]:
    """Return a scene's reference system and the transform of its grid.

    If a scene has only ground control points, the transform is the best fit
    to them. A reference system whose transform is missing or leaves the
    earth does not place the scene; see `lacks_place`.

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
    if dataset.crs is not None and not _has_place(dataset):
        return None, dataset.transform
    return dataset.crs, dataset.transform


def lacks_place(dataset: DatasetReader) -> str | None:
    """Return why a scene's place is unknown, `None` if it is known.

    Args:
        dataset: an open rasterio dataset.
    """
    if scene_georeference(dataset)[0] is not None:
        return None
    if dataset.crs is not None:
        return "a coordinate reference system, but no place in it"
    if dataset.rpcs is not None:
        return (
            "no coordinate reference system but rational polynomials; "
            "orthorectify it first, with gdalwarp -rpc"
        )
    return "no coordinate reference system"


def _has_place(dataset: DatasetReader) -> bool:
    """Whether the transform is possible in the stated reference system."""
    matrix, crs = dataset.transform, dataset.crs
    if matrix.is_identity:
        return False
    if not crs.is_geographic:
        return True
    size = dataset.width, dataset.height
    corners = [
        matrix @ (col, row) for col in (0, size[0]) for row in (0, size[1])
    ]
    unit = math.degrees(crs.units_factor[1])
    x, y = (np.array(values) * unit for values in zip(*corners, strict=True))
    # Half a pixel may be beyond the pole if centres were taken for corners.
    most = 90 + max(abs(matrix.d), abs(matrix.e)) * unit
    return bool((abs(y) <= most).all() and (abs(x) <= 2 * _ROUND).all())


def ground_pixel_size(
    dataset: DatasetReader, window: Window | None = None
) -> tuple[float, float] | None:
    """Return the ground size of a scene's central pixel.

    Measured on the ellipsoid, so it is right for degrees, feet, and
    projections that stretch (at 52 degrees north, web mercator's pixels
    measure 0.62 of what its units say). Rational polynomials are evaluated at
    their mean height.

    Args:
        dataset: an open rasterio dataset.
        window: the part whose central pixel to measure, `None` for all.

    Returns:
        `(width, height)` of a pixel in metres, or `None` if it is unknown:
        the scene has no place, and no `pixel_size` was given.

    Example:

    ```python
    keras.utils.save_img("scene.png", np.zeros((64, 48, 3)))
    with keras_rsseg.scenes.open_scene("scene.png") as dataset:
        size = keras_rsseg.scenes.ground_pixel_size(dataset)
    size  # None
    ```
    """
    size = _measured_size(dataset, window)
    if size and all(math.isfinite(side) and side > 0 for side in size):
        return size
    stated = _stated_size(dataset)
    return None if stated is None else (stated, stated)


def _stated_size(dataset: DatasetReader) -> float | None:
    """Metres that the user stated; for a map, those stated for its scene."""
    stated = getattr(dataset, "stated", None)
    if stated is not None and stated.pixel_size is not None:
        return float(stated.pixel_size)
    tags = dataset.tags()
    return (
        as_number(tags["pixel_size"])
        if {"run", "pixel_size"} <= tags.keys()
        else None
    )


def _measured_size(
    dataset: DatasetReader, window: Window | None
) -> tuple[float, float] | None:
    crs, matrix = scene_georeference(dataset)
    window = window or Window(0, 0, *dataset.shape)
    col = window.col + window.width / 2
    row = window.row + window.height / 2
    points = [(col - 0.5, row), (col + 0.5, row)]
    points += [(col, row - 0.5), (col, row + 0.5)]
    if crs is None:
        return None if dataset.rpcs is None else _size_by_rpcs(dataset, points)
    x = [matrix.a * col + matrix.b * row + matrix.c for col, row in points]
    y = [matrix.d * col + matrix.e * row + matrix.f for col, row in points]
    try:
        lon, lat = transform(crs, "EPSG:4326", x, y)
        return _distance(lon[:2], lat[:2]), _distance(lon[2:], lat[2:])
    except (CPLE_BaseError, RasterioError, ValueError):
        # A local grid has no place on the ellipsoid, but can have a unit.
        return _size_by_unit(crs, matrix)


def _size_by_rpcs(
    dataset: DatasetReader, points: Sequence[tuple[float, float]]
) -> tuple[float, float] | None:
    columns, rows = zip(*points, strict=True)
    try:
        with RPCTransformer(
            dataset.rpcs, RPC_HEIGHT=dataset.rpcs.height_off
        ) as polynomials:
            lon, lat = polynomials.xy(rows, columns, offset="ul")
    except (CPLE_BaseError, RasterioError, ValueError):
        return None
    return _distance(lon[:2], lat[:2]), _distance(lon[2:], lat[2:])


def model_grid_size(
    dataset: DatasetReader,
    ground_sample_distance: float,
    resample: str = "auto",
    window: Window | None = None,
) -> tuple[int, int] | None:
    """Return the size of the grid on which the model should see a scene.

    Args:
        dataset: an open rasterio dataset.
        ground_sample_distance: pixel size that the model wants, metres.
        resample: `"auto"`, or `"never"` for the scene's own grid whatever
            its pixel size, which is then logged.
        window: the part of it to map, `None` for all.

    Returns:
        `(height, width)` of the whole scene in pixels, or `None` if its
        own pixels are within a factor of 1.25 or of unknown size.

    Raises:
        ArgumentError: for any other value of `resample`.
        SceneError: if there would be more pixels than GDAL can count.
    """
    check_choice("resample", resample, ("auto", "never"))
    size = ground_pixel_size(dataset, window)
    if size is None:
        logger.warning(
            "The model expects pixels of %g m; the pixel size of %s is "
            "unknown (%s), so it is not resampled. If you know it, "
            "give `pixel_size=` (--pixel-size).",
            ground_sample_distance,
            dataset.name,
            lacks_place(dataset),
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
            "resample='never' the scene is not resampled.",
            own,
            wanted,
        )
        return None
    rows, columns = window[2:] if window else dataset.shape
    logger.warning(
        "The scene's pixels are %.3g m, the model's %.3g m: the scene is "
        "resampled to %d x %d pixels, and the map is written on its own grid "
        "of %d x %d.",
        own,
        wanted,
        _length(columns, factors[0]),
        _length(rows, factors[1]),
        columns,
        rows,
    )
    height = _length(dataset.height, factors[1])
    width = _length(dataset.width, factors[0])
    if max(height, width) > _LONGEST_SIDE:
        raise SceneError(
            f"`ground_sample_distance={wanted:g}`: the scene {dataset.name} "
            f"would be read at {width} x {height} pixels, more than GDAL can "
            f"count. Its own pixels are {own:.3g} m"
        )
    return height, width


def check_upsampling(
    dataset: DatasetReader,
    ground_sample_distance: float,
    resample: str = "auto",
    window: Window | None = None,
) -> None:
    """Refuse a scene that is far too coarse for a model.

    Upsampled, it would cost many times as much to predict, and the map would
    be poor.

    Args:
        dataset: an open rasterio dataset.
        ground_sample_distance: pixel size that the model was trained at,
            in metres, if the user did not ask for one.
        resample: as for `model_grid_size`.
        window: the part of it to map, `None` for all.

    Raises:
        SceneError: if its pixels are more than 4 times as long.
    """
    size = ground_pixel_size(dataset, window)
    if size is None or resample != "auto":
        return
    factors = [side / ground_sample_distance for side in size]
    if max(factors) <= _DOUBTFUL_FACTOR:
        return
    rows, columns = window[2:] if window else dataset.shape
    raise SceneError(
        f"The pixels of {dataset.name} are {math.sqrt(size[0] * size[1]):.3g} "
        f"m, the model was made for {ground_sample_distance:.3g} m: at that, "
        f"{_length(columns, 1 / factors[0])} x "
        f"{_length(rows, 1 / factors[1])} pixels would be predicted for "
        f"{columns} x {rows}, {factors[0] * factors[1]:.3g} times as many, "
        "and the map would be poor. Give "
        f"`ground_sample_distance={ground_sample_distance:g}` to do it "
        "anyway, `resample='never'` to predict the scene's own pixels, "
        "or use a model for such imagery"
    )


def _length(pixels: int, factor: float) -> int:
    return max(1, round(pixels / factor))


def _warn_of_coarse_pixels(factors: Sequence[float]) -> None:
    if min(factors) < 1 / _DOUBTFUL_FACTOR:
        logger.warning(
            "The scene is more than %d times coarser than the model was made "
            "for: do not expect a good map.",
            _DOUBTFUL_FACTOR,
        )


def metres_per_degree(latitude: Any) -> tuple[Any, Any]:
    """Return the length of a degree on the ellipsoid.

    Args:
        latitude: degrees, a float or an array.

    Returns:
        `(east, north)` in metres, each like `latitude`.
    """
    angle = np.radians(latitude)
    slope = 1 - _ECCENTRICITY * np.sin(angle) ** 2
    east = np.radians(_AXIS / np.sqrt(slope) * np.cos(angle))
    return east, np.radians(_AXIS * (1 - _ECCENTRICITY) / slope**1.5)


def _distance(lon: Sequence[float], lat: Sequence[float]) -> float:
    """Length in metres of a short line on the ellipsoid."""
    east, north = metres_per_degree(sum(lat) / 2)
    turn = (lon[1] - lon[0] + 180) % 360 - 180
    return math.hypot(turn * east, (lat[1] - lat[0]) * north)


def _size_by_unit(crs: CRS, matrix: Affine) -> tuple[float, float] | None:
    if crs.is_geographic:
        return None
    unit = crs.units_factor[1]
    return (
        math.hypot(matrix.a, matrix.d) * unit,
        math.hypot(matrix.b, matrix.e) * unit,
    )
