"""Open a finished map of classes: names, colours, counts."""

import contextlib
import os
import warnings

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning
from rasterio.errors import RasterioError

from keras_rsseg.scenes.reading.scene_source import is_virtual
from keras_rsseg.scenes.writing.legend import Legend
from keras_rsseg.void import VOID

_ROWS = 512


@contextlib.contextmanager
def open_class_map(classes):
    """Open a map that `predict_scene` wrote.

    Args:
        classes: path of the map.

    Yields:
        A `rasterio.DatasetReader`.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not a raster of one uint8 band, or has another
            nodata value than 255.
    """
    path = os.fspath(classes)
    if not is_virtual(path) and not os.path.exists(path):
        raise FileNotFoundError(f"`classes`: there is no file {path}")
    with _open(path) as dataset:
        if dataset.dtypes != ("uint8",) or dataset.nodata not in (None, VOID):
            raise ValueError(
                "`classes` must be a map of classes: one band, uint8, "
                f"nodata {VOID}. Received: {path} with {dataset.count} "
                f"bands, {dataset.dtypes[0]}, nodata {dataset.nodata}"
            )
        yield dataset


def read_legend(dataset):
    """Return the names and colours of a map's classes.

    Args:
        dataset: an open map.

    Returns:
        A complete `Legend`. What the map does not tell is made up.
    """
    tags = dataset.tags(1)
    names = []
    while f"class_{len(names)}" in tags:
        names.append(tags[f"class_{len(names)}"])
    count = len(names) or _highest(count_classes(dataset)) + 1
    try:
        table = dataset.colormap(1)
        colors = [table[index][:3] for index in range(count)]
    except ValueError:
        colors = None
    legend = Legend(names or None, colors)
    legend.complete(count)
    return legend


def count_classes(dataset):
    """Count the pixels of each id, a few rows in memory.

    Args:
        dataset: an open map.

    Returns:
        An int64 array `(256,)`.
    """
    counts = np.zeros(256, "int64")
    for top in range(0, dataset.height, _ROWS):
        rows = (top, min(top + _ROWS, dataset.height))
        part = dataset.read(1, window=(rows, (0, dataset.width)))
        counts += np.bincount(part.ravel(), minlength=256)
    return counts


def hex_color(color):
    """Return `(r, g, b)` as `#rrggbb`."""
    return "#{:02x}{:02x}{:02x}".format(*color)


def _highest(counts):
    ids = np.flatnonzero(counts[:VOID])
    return int(ids[-1]) if len(ids) else 0


def _open(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        try:
            return rasterio.open(path)
        except RasterioError as error:
            raise ValueError(
                f"`classes`: {path} is not a raster that GDAL reads: {error}"
            ) from error
