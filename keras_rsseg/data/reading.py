"""Images and masks from files or arrays, whole or by window."""

import contextlib
import os
import threading
import warnings

import numpy as np
import rasterio
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning
from rasterio.errors import RasterioError

from keras_rsseg.data.palette import as_palette
from keras_rsseg.data.tiling import Window
from keras_rsseg.errors import ArgumentError
from keras_rsseg.void import VOID

# By default GDAL fills the rest of a PNG that breaks off with whatever is in
# memory, and the rest of a JPEG with grey, and reports success.
_STRICT = {
    "GDAL_PNG_WHOLE_IMAGE_OPTIM": False,
    "GDAL_ERROR_ON_LIBJPEG_WARNING": True,
}

_OPENING = threading.Lock()


def is_path(source):
    """Whether `source` names a file."""
    return isinstance(source, str | os.PathLike)


def name_of(source, fallback="the array"):
    """Return how to call `source` in a message."""
    return os.fspath(source) if is_path(source) else fallback


@contextlib.contextmanager
def open_raster(path):
    """Open a raster file for reading, with errors that name it.

    Args:
        path: a file that GDAL reads: PNG, JPEG, TIFF, GeoTIFF ...

    Yields:
        A `rasterio.DatasetReader`.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not an image, or breaks off.
    """
    path = os.fspath(path)
    virtual = "://" in path or path.startswith("/vsi")
    if not virtual and not os.path.exists(path):
        raise FileNotFoundError(f"No such image or mask file: {path}")
    try:
        with rasterio.Env(**_STRICT):
            # The filters of `warnings` belong to the process, not a thread.
            with _OPENING, warnings.catch_warnings():
                warnings.simplefilter("ignore", NotGeoreferencedWarning)
                dataset = rasterio.open(path)
            with dataset:
                yield dataset
    except RasterioError as error:
        raise ArgumentError(
            f"{path} cannot be read as an image (PNG, JPEG, TIFF): {error}"
        ) from error


def read_image(source, window=None, bands=None):
    """Read an image, or a window of one, channels last.

    Args:
        source: path of a PNG, JPEG or TIFF file, or an array `(H, W, C)` or
            `(H, W)`.
        window: `Window(row, col, height, width)`, or `None` for all. What
            lies outside the image is 0.
        bands: list of band numbers, counted from 1 as in GDAL, or `None`
            for all.

    Returns:
        An array `(height, width, bands)` in the dtype of the source.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is no image, the array has another rank, or
            a band number does not exist.

    Example:

    ```python
    rgb = read_image("scene.tif", Window(0, 0, 512, 512), bands=[1, 2, 3])
    ```
    """
    if is_path(source):
        with open_raster(source) as dataset:
            size = dataset.height, dataset.width
            inner, place, shape = intersect(window, size)
            pixels = _read_bands(dataset, inner, bands)
        pixels = np.ascontiguousarray(np.moveaxis(pixels, 0, -1))
    else:
        array = _image_array(source)
        inner, place, shape = intersect(window, array.shape[:2])
        pixels = array[inner.slices]
        if bands is not None:
            numbers = _band_numbers(bands, array.shape[-1], "the array")
            pixels = pixels[..., [number - 1 for number in numbers]]
    return pad(pixels, place, shape, 0)


def _read_bands(dataset, window, bands):
    bounds = to_bounds(window)
    if dataset.colorinterp == (ColorInterp.palette,):
        # The values of an indexed image are no brightness: use its colours.
        numbers = _band_numbers(bands, 3, dataset.name)
        colors = _color_table(dataset)[dataset.read(1, window=bounds)]
        return np.moveaxis(colors[..., [n - 1 for n in numbers]], -1, 0)
    numbers = _band_numbers(bands, dataset.count, dataset.name)
    return dataset.read(numbers, window=bounds)


def read_mask(source, window=None, palette=None, unlisted=None):
    """Read a mask, or a window of one, as class ids.

    With a palette the mask must be colour-coded: RGB, RGBA, or one band
    with a colour map (an indexed PNG), which is expanded first. Without
    one, it must have one band, whose values are the class ids.

    The no-data value that a mask of class ids declares is void, and so are
    the transparent pixels of a colour mask.

    Args:
        source: path of a PNG or TIFF file, or an array `(H, W)`,
            `(H, W, 1)` or, with a palette, `(H, W, 3)`.
        window: `Window(row, col, height, width)`, or `None` for all. What
            lies outside the mask is void.
        palette: a `Palette` or a list of `(r, g, b)`, or `None`.
        unlisted: an `UnlistedColors` that collects colours which the
            palette lacks; `None` warns at once.

    Returns:
        A uint8 array `(height, width)`: ids, void = 255.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is no image, is coloured without a palette
            or not coloured with one, or holds ids outside 0..255.

    Example:

    ```python
    ids = read_mask("mask.png", palette=[(60, 16, 152), (132, 41, 246)])
    ```
    """
    name = name_of(source, "the mask array")
    palette = as_palette(palette)
    if is_path(source):
        with open_raster(source) as dataset:
            size = dataset.height, dataset.width
            inner, place, shape = intersect(window, size)
            pixels = dataset.read(window=to_bounds(inner))
            pixels = np.moveaxis(pixels, 0, -1)
            nodata = dataset.nodata
            if palette is not None and pixels.shape[-1] == 1:
                pixels = _expand_color_map(dataset, pixels[..., 0], name)
    else:
        pixels, nodata = _mask_array(source), None
        inner, place, shape = intersect(window, pixels.shape[:2])
        pixels = pixels[inner.slices]
    if palette is None:
        ids = _as_ids(pixels, nodata, name)
    else:
        ids = _colors_to_ids(pixels, palette, unlisted, name)
    return pad(ids, place, shape, VOID)


def _band_numbers(bands, count, name):
    if bands is None:
        return list(range(1, count + 1))
    numbers = [bands] if hasattr(bands, "__index__") else list(bands)
    wrong = [
        number
        for number in numbers
        if not hasattr(number, "__index__") or not 1 <= number <= count
    ]
    if wrong or not numbers:
        raise ArgumentError(
            f"`bands` must list numbers from 1 to {count}, the bands of "
            f"{name}. Received: {bands!r}"
        )
    return [int(number) for number in numbers]


def _image_array(source):
    array = np.asarray(source)
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.dtype.kind not in "uif":
        raise ArgumentError(
            "An image must be a path or a numeric array (H, W, C) or (H, W). "
            f"Received: {array.dtype} {array.shape}"
        )
    return array


def _mask_array(source):
    array = np.asarray(source)
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3:
        raise ArgumentError(
            "A mask must be a path or an array (H, W), (H, W, 1) or, with a "
            f"palette, (H, W, 3). Received: {array.dtype} {array.shape}"
        )
    return array


def _expand_color_map(dataset, indices, name):
    try:
        table = _color_table(dataset)
    except ValueError:
        raise ArgumentError(
            f"`palette` was given but {name} has one band and no colour map: "
            "its values are class ids already. Leave `palette` out."
        ) from None
    return table[indices]


def _color_table(dataset):
    entries = dataset.colormap(1)
    table = np.zeros((max(256, max(entries) + 1), 4), "uint8")
    for index, color in entries.items():
        table[index] = color
    return table


def _as_ids(pixels, nodata, name):
    if pixels.shape[-1] != 1:
        raise ArgumentError(
            f"{name} has {pixels.shape[-1]} bands: a colour-coded mask needs "
            "`palette`; a mask of class ids has one band."
        )
    values = pixels[..., 0]
    if values.dtype.kind not in "uib":
        raise ArgumentError(
            f"{name} must hold integer class ids. Received: {values.dtype}"
        )
    if values.dtype != np.uint8:
        if nodata is not None:
            values = np.where(values == nodata, VOID, values)
        if values.size and (values.min() < 0 or values.max() > VOID):
            wrong = np.unique(values[(values < 0) | (values > VOID)])
            raise ArgumentError(
                f"{name} holds ids outside 0..{VOID}: {wrong[:10].tolist()}"
            )
        return values.astype("uint8")
    if nodata is not None and nodata != VOID:
        values = np.where(values == nodata, np.uint8(VOID), values)
    return values


def _colors_to_ids(pixels, palette, unlisted, name):
    if pixels.shape[-1] not in (3, 4) or pixels.dtype != np.uint8:
        raise ArgumentError(
            f"`palette` was given, so {name} must be a uint8 RGB or RGBA "
            f"mask. Received: {pixels.dtype}, {pixels.shape[-1]} band(s)"
        )
    if pixels.shape[-1] == 3:
        return palette.to_ids(pixels, unlisted, name)
    hidden = pixels[..., 3] == 0
    colors = pixels[..., :3].copy()
    # Whatever colour lies under a transparent pixel is not a finding.
    colors[hidden] = palette.colors[0]
    ids = palette.to_ids(colors, unlisted, name)
    ids[hidden] = VOID
    return ids


def intersect(window, size):
    """Return what a window that may reach beyond the image takes from it.

    Args:
        window: `Window`, or `None` for the whole image.
        size: `(height, width)` of the image.

    Returns:
        The `Window` inside the image, the `(row, col)` at which it lies in
        the tile, and the tile's `(height, width)`.

    Raises:
        ValueError: if the window lies wholly outside.
    """
    if window is None:
        window = Window(0, 0, *size)
    row, col, height, width = window
    top, left = max(row, 0), max(col, 0)
    bottom, right = min(row + height, size[0]), min(col + width, size[1])
    if top >= bottom or left >= right:
        raise ArgumentError(
            f"`window` {tuple(window)} (row, col, height, width) lies outside "
            f"the image of {size[0]}x{size[1]} pixels"
        )
    inner = Window(top, left, bottom - top, right - left)
    return inner, (top - row, left - col), (height, width)


def to_bounds(window):
    """Return a window as rasterio takes it: `((row, end), (col, end))`."""
    return (
        (window.row, window.row + window.height),
        (window.col, window.col + window.width),
    )


def pad(pixels, place, shape, fill):
    """Return `pixels` at `place` in a tile of `shape` filled with `fill`."""
    if pixels.shape[:2] == tuple(shape):
        return pixels
    padded = np.full((*shape, *pixels.shape[2:]), fill, pixels.dtype)
    height, width = pixels.shape[:2]
    top, left = place
    padded[top : top + height, left : left + width] = pixels
    return padded
