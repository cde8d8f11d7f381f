"""A map of classes as a small coloured PNG."""

import math
import pathlib
import warnings

import numpy as np
import rasterio
from rasterio.enums import Resampling
from rasterio.errors import NotGeoreferencedWarning


def write_preview(classes, destination, max_size=2048):
    """Render a map of classes with its own colours as a PNG.

    Args:
        classes: path of a map that `predict_scene` wrote.
        destination: path of the PNG; replaced if it exists.
        max_size: length of the longer side, pixels, at most.

    Returns:
        The PNG's path.

    Raises:
        ValueError: if `destination` does not end in .png, or `classes` has
            no colour table.

    Example:

    ```python
    keras_rsseg.scenes.write_preview("classes.tif", "classes.png")
    ```
    """
    path = check_preview(destination)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(classes) as dataset:
            pixels = _read_colored(dataset, max_size)
        with rasterio.open(
            path,
            "w",
            driver="PNG",
            dtype="uint8",
            count=4,
            height=pixels.shape[1],
            width=pixels.shape[2],
        ) as output:
            output.write(pixels)
    return path


def check_preview(destination):
    """Raise where a preview cannot be written, else return its path.

    Args:
        destination: path of the PNG.

    Raises:
        FileNotFoundError: if its folder does not exist.
        ValueError: if it does not end in .png.
    """
    path = pathlib.Path(destination)
    if path.suffix.lower() != ".png":
        raise ValueError(f"The preview must end in .png. Received: {path}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {path.parent}")
    return path


def _read_colored(dataset, max_size):
    shrink = max(1, max(dataset.shape) / max_size)
    shape = tuple(math.ceil(side / shrink) for side in dataset.shape)
    ids = dataset.read(1, out_shape=shape, resampling=Resampling.nearest)
    try:
        colors = dataset.colormap(1)
    except ValueError as error:
        raise ValueError(
            f"`classes`: {dataset.name} has no colour table"
        ) from error
    table = np.zeros((256, 4), "uint8")
    for index, color in colors.items():
        table[index] = color
    if dataset.nodata is not None:
        table[int(dataset.nodata)] = 0
    return np.moveaxis(table[ids], -1, 0)
