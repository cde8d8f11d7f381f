"""Images and masks from files or arrays, whole or by window."""

import os
from typing import Any

import numpy as np
from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader

from keras_rsseg.checks import as_number
from keras_rsseg.data.mask_values import IdMapping
from keras_rsseg.data.mask_values import as_id_mapping
from keras_rsseg.data.mask_values import colors_to_ids
from keras_rsseg.data.mask_values import stored_to_ids
from keras_rsseg.data.palette import Palette
from keras_rsseg.data.palette import UnlistedColors
from keras_rsseg.data.palette import as_palette
from keras_rsseg.data.vector_masks import VectorMask
from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import MaskError
from keras_rsseg.rasters.bands import band_names
from keras_rsseg.rasters.bands import band_numbers
from keras_rsseg.rasters.opener import Raster
from keras_rsseg.rasters.opener import is_path
from keras_rsseg.rasters.opener import name_of
from keras_rsseg.rasters.opener import open_raster
from keras_rsseg.rasters.validity import Validity
from keras_rsseg.rasters.windows import Window
from keras_rsseg.rasters.windows import intersect
from keras_rsseg.rasters.windows import pad
from keras_rsseg.sample_checks import ids_hint
from keras_rsseg.void import VOID

# The bands of an indexed image, whose one band holds indices of colours.
_RGB = [("", "red"), ("", "green"), ("", "blue")]
# `bincount` takes 8 bytes per pixel.
_CHUNK = 1 << 20

Source = str | os.PathLike | np.ndarray

_LOSSY = (
    "{} has lossy compression (such as JPEG), which changes the ids near every "
    "boundary. Save masks of class ids as PNG or TIFF (DEFLATE, LZW) from "
    "their source. For a mask of colours give `palette`, with a `tolerance`"
)


def read_image(
    source: Source,
    window: Window | None = None,
    bands: Any = None,
    argument: str = "source",
) -> np.ndarray:
    """Read an image, or a window of one, channels last.

    Args:
        source: path of a PNG, JPEG, TIFF or any other file that GDAL reads,
            or an array `(H, W, C)` or `(H, W)`.
        window: `Window(row, col, height, width)`, or `None` for all. Pixels
            outside the image are 0.
        bands: list of band numbers, counted from 1 as in GDAL, or (for a
            file) names; `None` for all.
        argument: name of `source` in error messages.

    Returns:
        An array `(height, width, bands)` in the dtype of the source.

    Raises:
        FileNotFoundError: if there is no such file.
        RasterError: if the file is not an image or is truncated, or a band
            does not exist.
        ArgumentError: if the array has another rank.

    Example:

    ```python
    keras.utils.save_img("image.png", np.zeros((64, 64, 3)), scale=False)
    window = keras_rsseg.data.Window(0, 0, 32, 48)
    image = keras_rsseg.data.read_image("image.png", window, bands=[1, 2])
    image.shape  # (32, 48, 2)
    ```
    """
    if is_path(source):
        with open_raster(source, argument) as dataset:
            inner, place, shape = intersect(window, dataset.shape)
            pixels = _read_bands(dataset, inner, bands)
        pixels = np.ascontiguousarray(np.moveaxis(pixels, 0, -1))
    else:
        array = _image_array(source)
        inner, place, shape = intersect(window, array.shape[:2])
        pixels = array[inner.slices]
        if bands is not None:
            numbers = band_numbers(bands, array.shape[-1], "the array")
            pixels = pixels[..., [number - 1 for number in numbers]]
    return pad(pixels, place, shape, 0)


def _read_bands(dataset: Raster, window: Window, bands: Any) -> np.ndarray:
    if _is_indexed(dataset):
        # The values of an indexed image are not brightness: use its colours.
        numbers = band_numbers(bands, 3, dataset.name, _RGB)
        indices = dataset.read(1, window=window.to_rasterio())
        colors = _color_table(dataset)[indices]
        return np.moveaxis(colors[..., [n - 1 for n in numbers]], -1, 0)
    numbers = _band_numbers(dataset, bands)
    return dataset.read(numbers, window=window.to_rasterio())


def _band_numbers(dataset: Raster, bands: Any) -> list[int]:
    names = () if bands is None else band_names(dataset)
    return band_numbers(bands, dataset.count, dataset.name, names)


def _is_indexed(dataset: DatasetReader) -> bool:
    return dataset.colorinterp == (ColorInterp.palette,)


def may_lack_data(source: Source, bands: Any = None) -> bool:
    """Return whether an image can have pixels without data.

    Args:
        source: path or array.
        bands: the bands that are read; see `read_image`.

    Returns:
        A bool; `False` saves reading the validity.
    """
    if not is_path(source):
        return np.asarray(source).dtype.kind == "f"
    with open_raster(source) as dataset:
        return Validity(dataset, _stored_bands(dataset, bands)).may_lack_data


def read_valid(
    source: Source, window: Window | None = None, bands: Any = None
) -> np.ndarray:
    """Read which pixels of an image hold data, by `rasters.validity`'s rule.

    Args:
        source: path of an image, or an array `(H, W, C)` or `(H, W)`.
        window: `Window`, or `None` for all. Outside the image nothing is
            valid.
        bands: the bands that are read; see `read_image`.

    Returns:
        A bool array `(height, width)`.
    """
    if is_path(source):
        with open_raster(source) as dataset:
            inner, place, shape = intersect(window, dataset.shape)
            numbers = _stored_bands(dataset, bands)
            valid = Validity(dataset, numbers).read_from(dataset, inner)
    else:
        array = np.asarray(source)
        inner, place, shape = intersect(window, array.shape[:2])
        valid = np.ones((inner.height, inner.width), bool)
        if array.dtype.kind == "f":
            pixels = read_image(source, inner, bands)
            valid = np.isfinite(pixels).all(axis=-1)
    return pad(valid, place, shape, False)


def _stored_bands(dataset: Raster, bands: Any) -> list[int]:
    return [1] if _is_indexed(dataset) else _band_numbers(dataset, bands)


def read_mask(
    source: Source,
    window: Window | None = None,
    palette: Palette | list | None = None,
    unlisted: UnlistedColors | None = None,
    argument: str = "source",
    ids: IdMapping | None = None,
) -> np.ndarray:
    """Read a mask, or a window of one, as class ids.

    With a palette the mask must be colour-coded: RGB, RGBA, or one band
    with a colour map (an indexed PNG), which is expanded first. Without
    one, it must have one band, whose values are the class ids, whole numbers
    of any dtype. Files of ids must not have lossy compression (JPEG), which
    changes ids.

    The no-data value that a mask of class ids declares is void, and so are
    the transparent pixels of a colour mask.

    Args:
        source: path of a PNG or TIFF file, or an array `(H, W)`,
            `(H, W, 1)` or, with a palette, `(H, W, 3)`.
        window: `Window(row, col, height, width)`, or `None` for all. Pixels
            outside the mask are void.
        palette: a `Palette` or a list of `(r, g, b)`, or `None`.
        unlisted: an `UnlistedColors` that collects colours that the palette
            lacks; `None` warns at once.
        argument: name of `source` in error messages.
        ids: dict from mask values to class ids and 255 for void, such as
            `{255: 1}`; ids not named stay. It applies after the palette, and
            before a no-data value, which it may name as well.

    Returns:
        A uint8 array `(height, width)`: ids, void = 255.

    Raises:
        FileNotFoundError: if there is no such file.
        RasterError: if the file is not an image, or is truncated.
        MaskError: if it is coloured without a palette or not coloured with
            one, holds ids outside 0..255 or fractions, or is a lossy file
            of ids.

    Example:

    ```python
    colors = [(60, 16, 152), (132, 41, 246)]
    mask = np.full((64, 64, 3), colors[1], "uint8")
    keras.utils.save_img("mask.png", mask, scale=False)
    ids = keras_rsseg.data.read_mask("mask.png", palette=colors)
    ids.shape, ids.max()  # ((64, 64), 1)
    ```
    """
    name = name_of(source, "the mask array")
    palette, mapping = as_palette(palette), as_id_mapping(ids)
    if isinstance(source, VectorMask):
        inner, place, shape = intersect(window, source.shape)
        return pad(source.read(inner), place, shape, VOID)
    if is_path(source):
        with open_raster(source, argument) as dataset:
            inner, place, shape = intersect(window, dataset.shape)
            pixels = dataset.read(window=inner.to_rasterio())
            pixels = np.moveaxis(pixels, 0, -1)
            nodata = dataset.nodata
            if palette is not None and pixels.shape[-1] == 1:
                pixels = _expand_color_map(dataset, pixels[..., 0], name)
            if palette is None and is_lossy(dataset):
                raise MaskError(_LOSSY.format(name))
    else:
        pixels, nodata = _mask_array(source), None
        inner, place, shape = intersect(window, pixels.shape[:2])
        pixels = pixels[inner.slices]
    if palette is None:
        found = stored_to_ids(pixels, nodata, name, mapping)
    else:
        found = colors_to_ids(pixels, palette, unlisted, name, mapping)
    return pad(found, place, shape, VOID)


def count_ids(ids: np.ndarray) -> np.ndarray:
    """Count the pixels of each id of a mask.

    Args:
        ids: uint8 array of any shape.

    Returns:
        An int64 array `(256,)`.
    """
    flat = ids.ravel()
    counts = np.zeros(VOID + 1, "int64")
    for start in range(0, flat.size, _CHUNK):
        counts += np.bincount(flat[start : start + _CHUNK], minlength=VOID + 1)
    return counts


def check_ids(
    counts: np.ndarray, num_classes: int | None, name: str = "A mask"
) -> None:
    """Raise if masks hold ids that are neither a class nor void.

    Args:
        counts: what `count_ids` returned for them.
        num_classes: number of classes, `None` for any.
        name: name of the mask, for the error.

    Raises:
        MaskError: if there are such ids, listing them.
    """
    if num_classes is None:
        return
    wrong = np.flatnonzero(counts[num_classes:VOID]) + num_classes
    if wrong.size:
        raise MaskError(
            f"{name} holds class ids out of range: {wrong.tolist()}. Accepted "
            f"with num_classes={num_classes}: 0..{num_classes - 1} and {VOID} "
            f"(void).{ids_hint(np.flatnonzero(counts), num_classes)}"
        )


def _image_array(source: Any) -> np.ndarray:
    array = np.asarray(source)
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.dtype.kind not in "uif":
        raise ArgumentError(
            "An image must be a path or a numeric array (H, W, C) or (H, W). "
            f"Received: {array.dtype} {array.shape}"
        )
    return array


def _mask_array(source: Any) -> np.ndarray:
    array = np.asarray(source)
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3:
        raise MaskError(
            "A mask must be a path or an array (H, W), (H, W, 1) or, with a "
            f"palette, (H, W, 3). Received: {array.dtype} {array.shape}"
        )
    return array


def _expand_color_map(
    dataset: DatasetReader, indices: np.ndarray, name: str
) -> np.ndarray:
    try:
        table = _color_table(dataset)
    except ValueError:
        raise MaskError(
            f"`palette` was given but {name} has one band and no colour map: "
            "its values are class ids already. Leave `palette` out."
        ) from None
    return table[indices]


def _color_table(dataset: DatasetReader) -> np.ndarray:
    entries = dataset.colormap(1)
    table = np.zeros((max(256, max(entries) + 1), 4), "uint8")
    for index, color in entries.items():
        table[index] = color
    return table


def is_lossy(dataset: Any) -> bool:
    """Return whether a raster's compression may have changed its values.

    JPEG, on its own or in a TIFF, lossy JPEG 2000, WebP and JPEG XL, and LERC
    with a tolerance: fine for photographs, not for class ids.

    Args:
        dataset: an open rasterio dataset.

    Example:

    ```python
    from keras_rsseg.data.reading import is_lossy
    from keras_rsseg.rasters.opener import open_raster

    keras.utils.save_img("mask.jpg", np.zeros((8, 8, 3)), scale=False)
    with open_raster("mask.jpg") as dataset:
        lossy = is_lossy(dataset)
    lossy  # True
    ```
    """
    if dataset.driver == "JPEG":
        return True
    structure = dataset.tags(ns="IMAGE_STRUCTURE")
    if structure.get("COMPRESSION_REVERSIBILITY") == "LOSSY":
        return True
    compression = structure.get("COMPRESSION", "").upper()
    # "JPEG" and "YCbCr JPEG", but neither "JPEG2000" nor "JPEG XL".
    if compression.endswith("JPEG"):
        return True
    return as_number(structure.get("MAX_Z_ERROR", 0)) > 0
