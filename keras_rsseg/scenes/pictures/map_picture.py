"""Scenes and maps, made small enough to be looked at."""

import math

import numpy as np
from rasterio.enums import Resampling

from keras_rsseg.scenes.reading.scene_source import alpha_band
from keras_rsseg.scenes.reading.scene_source import choose_bands
from keras_rsseg.void import VOID

# Percent of the values of a band that a stretch may cut off, on each side.
_CUT = 2


def picture_shape(dataset, max_size):
    """Return the height and width of a raster's picture.

    Args:
        dataset: an open rasterio dataset.
        max_size: length of the longer side, pixels, at most.
    """
    shrink = max(1, max(dataset.shape) / max_size)
    return tuple(math.ceil(side / shrink) for side in dataset.shape)


def scene_picture(dataset, max_size, bands=None):
    """Read a scene as a picture; memory follows that, not the scene.

    Shows the bands that are red, green and blue by their names or colours,
    else the first three, else the first one. uint8 is shown as it is,
    anything else from the 2nd to the 98th percentile of each band.

    Args:
        dataset: an open rasterio dataset.
        max_size: length of the longer side, pixels, at most.
        bands: three band numbers (from 1) or names, or one, or `None`.

    Returns:
        A uint8 array `(h, w, 4)`, alpha 0 where the scene is not valid.

    Raises:
        ValueError: for bands that do not exist, or two, or more than three.
    """
    numbers = _shown_bands(dataset, bands)
    shape = picture_shape(dataset, max_size)
    valid = dataset.dataset_mask(out_shape=shape) > 0
    planes = []
    for number in numbers:
        plane = dataset.read(
            number, out_shape=shape, resampling=Resampling.average
        )
        if plane.dtype.kind == "f":
            valid &= np.isfinite(plane)
        planes.append(plane)
    planes = [_stretched(plane, valid) for plane in planes]
    planes = planes * 3 if len(planes) == 1 else planes
    picture = np.stack([*planes, valid * np.uint8(255)], axis=-1)
    picture[~valid] = 0
    return picture


def class_picture(dataset, max_size, legend):
    """Read a map of classes as a picture in its colours.

    Args:
        dataset: an open map of classes.
        max_size: length of the longer side, pixels, at most.
        legend: its `Legend`.

    Returns:
        A uint8 array `(h, w, 4)`, alpha 0 where the map is void.
    """
    ids = dataset.read(
        1,
        out_shape=picture_shape(dataset, max_size),
        resampling=Resampling.nearest,
    )
    table = np.zeros((VOID + 1, 4), "uint8")
    for index, color in legend.colormap().items():
        table[index] = color
    return table[ids]


def _shown_bands(dataset, bands):
    if bands is not None:
        numbers = choose_bands(dataset, bands)
        if len(numbers) not in (1, 3):
            raise ValueError(
                "`bands` must name one band or three, to be shown. "
                f"Received: {bands!r}"
            )
        return numbers
    try:
        return choose_bands(dataset, ["red", "green", "blue"])
    except ValueError:
        alpha = alpha_band(dataset)
        plain = [n for n in range(1, dataset.count + 1) if n != alpha]
        return plain[:3] if len(plain) >= 3 else plain[:1] or [alpha]


def _stretched(plane, valid):
    if plane.dtype == np.uint8:
        return plane
    plane = plane.astype("float32")
    if not valid.any():
        return np.zeros(plane.shape, "uint8")
    low, high = np.percentile(plane[valid], (_CUT, 100 - _CUT))
    plane = (plane - low) / max(high - low, 1e-12)
    plane = np.where(valid, np.clip(plane, 0, 1), 0)
    return np.rint(255 * plane).astype("uint8")
