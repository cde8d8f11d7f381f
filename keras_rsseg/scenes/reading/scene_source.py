"""Open the raster of a scene and choose its bands, with plain errors."""

import contextlib
import logging
import os
import threading
import warnings

import numpy as np
import rasterio
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning
from rasterio.errors import RasterioError

from keras_rsseg.errors import ArgumentError

logger = logging.getLogger(__name__)

_filtering = threading.Lock()

# Bytes of GDAL's block cache: at least, at most.
_CACHE = 64 << 20, 1 << 30

# Size of the windows that a whole scene is read by: few blocks are cut.
_ROWS, _COLUMNS = 512, 4096


def is_virtual(path):
    """Return whether `path` is a URL, a GDAL virtual path or a VRT's XML."""
    return "://" in path or path.startswith(("/vsi", "<VRTDataset"))


@contextlib.contextmanager
def open_scene(source):
    """Open a scene for reading.

    Args:
        source: path or URL of any raster that GDAL reads, or the XML of a
            VRT.

    Yields:
        A `rasterio.DatasetReader`, for one thread.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not a raster, or has no bands.

    Example:

    ```python
    with open_scene("scene.tif") as dataset:
        print(dataset.crs, dataset.shape)
    ```
    """
    path = os.fspath(source)
    if not is_virtual(path) and not os.path.exists(path):
        raise FileNotFoundError(f"`source`: there is no file {path}")
    # libjpeg only warns where a file breaks off, and fills it with grey.
    with rasterio.Env(GDAL_ERROR_ON_LIBJPEG_WARNING=True):
        with _open(path) as dataset:
            if not dataset.count:
                listed = ", ".join(dataset.subdatasets) or "none"
                raise ArgumentError(
                    f"`source`: {path} has no bands of its own. Its "
                    f"subdatasets, one of which may be given: {listed}"
                )
            yield dataset


def _open(path):
    # Filters of warnings are common to all threads.
    with _filtering, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        try:
            return rasterio.open(path)
        except RasterioError as error:
            raise ArgumentError(
                f"`source`: {path} is not a raster that GDAL reads "
                f"(GeoTIFF, VRT, PNG, JPEG ...): {error}"
            ) from error


@contextlib.contextmanager
def block_cache(dataset, rows):
    """Bound GDAL's cache of blocks by so many rows of a scene.

    By itself GDAL keeps what it has read up to 5 % of the machine's memory,
    which looks like a leak. Enough is kept that no block is decoded twice
    for tiles side by side. A limit that the user has set is left alone.

    Args:
        dataset: an open rasterio dataset.
        rows: number of rows read at a time.

    Yields:
        Nothing.
    """
    options = rasterio.env.getenv() if rasterio.env.hasenv() else {}
    if "GDAL_CACHEMAX" in {**os.environ, **options}:
        yield
        return
    width = sum(np.dtype(dtype).itemsize for dtype in dataset.dtypes)
    size = 2 * rows * dataset.width * width
    with rasterio.Env(GDAL_CACHEMAX=min(max(size, _CACHE[0]), _CACHE[1])):
        yield


def reading_windows(height, width):
    """Yield windows to read a whole scene by, in bounded memory.

    Args:
        height: number of rows of the scene.
        width: number of columns of the scene.

    Yields:
        `(row, col, height, width)`, row by row.
    """
    for row in range(0, height, _ROWS):
        for col in range(0, width, _COLUMNS):
            yield row, col, min(_ROWS, height - row), min(_COLUMNS, width - col)


def choose_bands(dataset, bands=None, model_bands=None):
    """Return the numbers of the bands to read, counted from 1.

    Without `bands`, those that the model names, where the scene has all of
    these names (as descriptions or colour interpretations); else all bands
    but alpha, in the order of the file.

    Args:
        dataset: an open rasterio dataset.
        bands: list of band numbers (from 1) or names, or `None`.
        model_bands: what the model takes: a number of bands, a list of
            their names, or `None` for unknown.

    Returns:
        A list of ints.

    Raises:
        ValueError: for a band that does not exist, another number of bands
            than the model takes, bands of different or complex dtypes.
    """
    names = _band_names(dataset)
    if bands is not None:
        chosen = [_band_number(band, names) for band in _as_list(bands)]
    else:
        chosen = _default_bands(dataset, names, model_bands)
    wanted = _count(model_bands)
    if not chosen or (wanted is not None and len(chosen) != wanted):
        what = f"{wanted} bands" if wanted else "at least one band"
        listed = (
            ""
            if isinstance(model_bands, int | None)
            else (f" ({', '.join(map(str, model_bands))})")
        )
        raise ArgumentError(
            f"The model takes {what}{listed}; "
            f"{'`bands` names' if bands is not None else 'the scene has'} "
            f"{len(chosen)}. Say which to read with `bands=`, by number or "
            f"name. The scene {dataset.name} has: {_describe(dataset, names)}"
        )
    _check_dtypes(dataset, chosen)
    return chosen


def alpha_band(dataset):
    """Return the number of the alpha band, or `None`."""
    for number, meaning in enumerate(dataset.colorinterp, 1):
        if meaning == ColorInterp.alpha:
            return number
    return None


def _default_bands(dataset, names, model_bands):
    alpha = alpha_band(dataset)
    plain = [n for n in range(1, dataset.count + 1) if n != alpha]
    if model_bands is None or isinstance(model_bands, int):
        return plain
    found = [_find(band, names) for band in model_bands]
    if all(found) and len(set(found)) == len(found):
        return found
    if len(found) == len(plain) and any(
        place and place != number
        for place, number in zip(found, plain, strict=True)
    ):
        logger.warning(
            "The model takes the bands %s, the scene calls its bands %s: "
            "they are taken in the order of the file. Give `bands=` if that "
            "is wrong.",
            ", ".join(map(str, model_bands)),
            _describe(dataset, names),
        )
    return plain


def _count(model_bands):
    if model_bands is None or isinstance(model_bands, int):
        return model_bands
    return len(model_bands)


def _as_list(bands):
    return [bands] if isinstance(bands, int | str) else list(bands)


def _band_names(dataset):
    """Each band's own name and its colour, in lower case."""
    return [
        (str(description or "").lower(), meaning.name.lower())
        for description, meaning in zip(
            dataset.descriptions, dataset.colorinterp, strict=True
        )
    ]


def _find(band, names):
    wanted = str(band).lower()
    for kind in (0, 1):
        for number, pair in enumerate(names, 1):
            if pair[kind] == wanted:
                return number
    return None


def _band_number(band, names):
    if isinstance(band, str) and not band.isdigit():
        number = _find(band, names)
    else:
        number = int(band)
    if number is None or not 1 <= number <= len(names):
        known = sorted({name for pair in names for name in pair if name})
        raise ArgumentError(
            f"`bands` must hold band numbers 1 to {len(names)} or names of "
            f"{known}. Received: {band!r}"
        )
    return number


def _describe(dataset, names):
    return ", ".join(
        f"{number} {description or colour} ({dtype})"
        for number, ((description, colour), dtype) in enumerate(
            zip(names, dataset.dtypes, strict=True), 1
        )
    )


def _check_dtypes(dataset, chosen):
    dtypes = sorted({dataset.dtypes[number - 1] for number in chosen})
    if len(dtypes) > 1:
        raise ArgumentError(
            "The bands read from a scene must have one dtype. Received: "
            f"{', '.join(dtypes)} in {dataset.name}"
        )
    if np.dtype(dtypes[0]).kind not in "uif":
        raise ArgumentError(
            "A scene must hold integers or real numbers. Received: "
            f"{dtypes[0]} in {dataset.name}"
        )
