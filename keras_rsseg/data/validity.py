"""Which pixels of an image hold data."""

import numpy as np
from rasterio.enums import ColorInterp
from rasterio.enums import MaskFlags

from keras_rsseg.data.reading import intersect
from keras_rsseg.data.reading import is_path
from keras_rsseg.data.reading import open_raster
from keras_rsseg.data.reading import pad
from keras_rsseg.data.reading import read_image
from keras_rsseg.data.reading import to_bounds


def may_lack_data(source):
    """Whether an image can have pixels without data.

    A file can if it declares a no-data value, an alpha band or a mask, or
    holds floats (NaN); an array, if it holds floats.

    Args:
        source: path or array.

    Returns:
        A bool; `False` spares reading the validity.
    """
    if not is_path(source):
        return np.asarray(source).dtype.kind == "f"
    with open_raster(source) as dataset:
        declared = any(
            MaskFlags.all_valid not in flags
            for flags in dataset.mask_flag_enums
        )
        return declared or np.dtype(dataset.dtypes[0]).kind == "f"


def read_valid(source, window=None, bands=None):
    """Read which pixels of an image hold data.

    Args:
        source: path of an image, or an array `(H, W, C)` or `(H, W)`.
        window: `Window`, or `None` for all. Outside the image nothing is
            valid.
        bands: the band numbers that are read, from 1; `None` for all. An
            alpha band among them is taken as data.

    Returns:
        A bool array `(height, width)`: `False` for no data by the file's
        declaration (no-data value in all bands, alpha 0, mask) and for
        pixels with a band that is not finite.
    """
    if is_path(source):
        with open_raster(source) as dataset:
            size = dataset.height, dataset.width
            inner, place, shape = intersect(window, size)
            valid = _declared_valid(dataset, to_bounds(inner), bands)
            floating = np.dtype(dataset.dtypes[0]).kind == "f"
    else:
        floating = np.asarray(source).dtype.kind == "f"
        inner, place, shape = intersect(window, np.shape(source)[:2])
        valid = np.ones((inner.height, inner.width), bool)
    if floating:
        pixels = read_image(source, inner, bands)
        valid &= np.isfinite(pixels).all(axis=-1)
    return pad(valid, place, shape, False)


def _declared_valid(dataset, bounds, bands):
    alpha = {
        number
        for number, meaning in enumerate(dataset.colorinterp, 1)
        if meaning == ColorInterp.alpha
    }
    if alpha and (bands is None or alpha & set(np.atleast_1d(bands).tolist())):
        (top, bottom), (left, right) = bounds
        return np.ones((bottom - top, right - left), bool)
    return dataset.dataset_mask(window=bounds) > 0
