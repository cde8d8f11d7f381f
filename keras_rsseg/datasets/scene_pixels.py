"""Pixels of a data set's files as records hold them."""

import numpy as np
from rasterio.enums import ColorInterp

from keras_rsseg.data.reading import open_raster
from keras_rsseg.data.reading import read_image
from keras_rsseg.data.reading import read_mask
from keras_rsseg.void import VOID

_UNLISTED = 254
_WHITE = 0x010101


def read_scene_image(path, num_bands):
    """Read a whole image.

    Alpha is left out, and grey is repeated where `num_bands` is three.

    Args:
        path: a PNG, JPEG or TIFF file.
        num_bands: how many bands the image must have.

    Returns:
        A uint8 array `(H, W, num_bands)`, and whether the file is a PNG
        that decodes to it, so that its bytes can be kept.

    Raises:
        ValueError: if the file is no image, has another number of bands, or
            is not 8-bit.
    """
    with open_raster(path) as dataset:
        dtypes, driver = set(dataset.dtypes), dataset.driver
        kinds = dataset.colorinterp
    image = read_image(path)
    plain = driver == "PNG" and len(kinds) == num_bands
    if kinds[-1] == ColorInterp.alpha and len(kinds) == num_bands + 1:
        image = np.ascontiguousarray(image[..., :num_bands])
    if image.shape[-1] == 1 and num_bands == 3:
        image = np.repeat(image, 3, axis=-1)
    if image.shape[-1] != num_bands or dtypes != {"uint8"}:
        raise ValueError(
            f"{path} must have {num_bands} bands of 8 bits. Received: "
            f"{len(kinds)} bands of {', '.join(sorted(dtypes))}"
        )
    return image, plain


def read_scene_mask(path, palette, unlisted, values=None, inexact=False):
    """Read a whole mask as class ids.

    Args:
        path: a PNG or TIFF file.
        palette: `Palette` of a coloured mask.
        unlisted: `UnlistedColors` that collects what the palette, or
            `values`, lacks; it becomes void.
        values: dict `value -> class id` of a mask of one band, or `None`.
        inexact: whether to round every colour to 0 and 255 first.

    Returns:
        A uint8 array `(H, W)`.

    Raises:
        ValueError: if the file is no such mask.
    """
    if values is not None:
        return _ids_of_values(path, values, unlisted)
    if not inexact:
        return read_mask(path, palette=palette, unlisted=unlisted)
    colors = read_image(path)[..., :3]
    colors = np.where(colors < 128, np.uint8(0), np.uint8(255))
    return palette.to_ids(colors, unlisted, path)


def _ids_of_values(path, values, unlisted):
    with open_raster(path) as dataset:
        if dataset.count != 1 or dataset.dtypes[0] != "uint8":
            raise ValueError(
                f"{path} must be a mask of one band of 8 bits. Received: "
                f"{dataset.count} bands of {dataset.dtypes[0]}"
            )
        pixels = dataset.read(1)
    table = np.full(256, _UNLISTED, "uint8")
    table[list(values)] = list(values.values())
    ids = table[pixels]
    missing = ids == _UNLISTED
    if missing.any():
        unlisted.add(path, pixels[missing].astype("int32") * _WHITE)
        ids[missing] = VOID
    return ids
