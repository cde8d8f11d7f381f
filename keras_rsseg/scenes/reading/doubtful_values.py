"""Warn of values that may mean something else than they are taken for.

A fourth band that is tagged as alpha but is near infrared, numbers of a colour
table, a range that nearly all values lie outside of: all of them make a map,
and a wrong one. A few windows of the scene are looked at, never all of it.
"""

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader

from keras_rsseg.errors import SceneError
from keras_rsseg.rasters.bands import color_table_advice
from keras_rsseg.rasters.windows import Window

if TYPE_CHECKING:
    from keras_rsseg.scenes.reading.scene_reader import SceneReader

# Windows along each axis, and their size, pixels.
_SAMPLES, _SAMPLE_SIZE = 4, 64
# A mask has one or two values, and a few more where its edges are soft.
_MOST_VALUES, _MOST_SHARE = 8, 0.02


def sample_windows(
    height: int, width: int, samples: int, size: int
) -> Iterator[Window]:
    """Yield windows spread evenly over a raster, the same for each call.

    Args:
        height: number of rows of the raster.
        width: number of columns.
        samples: number of windows along each axis, at most.
        size: length of a window, pixels, at most.

    Yields:
        `Window`s that lie within the raster.
    """
    lengths = [min(size, side) for side in (height, width)]
    rows, columns = (
        np.unique(np.linspace(0, side - length, samples).astype(int))
        for side, length in zip((height, width), lengths, strict=True)
    )
    for row in rows:
        for col in columns:
            yield Window(int(row), int(col), *lengths)


def warn_of_alpha(reader: "SceneReader") -> None:
    """Warn where the alpha band has the values of data.

    Args:
        reader: `SceneReader`.
    """
    alpha = reader.validity.alpha
    if alpha is None:
        return
    parts = [
        reader.read_band(alpha, window).ravel()
        for window in sample_windows(
            reader.height, reader.width, _SAMPLES, _SAMPLE_SIZE
        )
    ]
    values = np.concatenate(parts)
    highest = 1
    if values.dtype.kind in "ui":
        highest = np.iinfo(values.dtype).max
    between = values[(values != 0) & (values < highest)]
    count, share = len(np.unique(between)), len(between) / len(values)
    if count > _MOST_VALUES and share > _MOST_SHARE:
        warnings.warn(
            f"Band {alpha} of {reader.name} is tagged as alpha, and nothing is "
            f"mapped where it is 0; but it has {count} values in between in a "
            "sample of it, as near infrared has. If it is data, give "
            "alpha='none' (--alpha none).",
            stacklevel=2,
        )


def check_color_table(dataset: DatasetReader, bands: list[int]) -> None:
    """Refuse numbers of a colour table as colours, warn of one as brightness.

    Tables of greys in their order pass: they change nothing.

    Args:
        dataset: an open rasterio dataset.
        bands: numbers of the bands that are read.

    Raises:
        SceneError: if several bands are read, and one has a colour table.
    """
    for band in bands:
        if not _has_colors(dataset, band):
            continue
        message = (
            f"Band {band} of {dataset.name} holds numbers of colours, not "
            f"brightness{color_table_advice(dataset)}"
        )
        if len(bands) > 1:
            raise SceneError(message)
        warnings.warn(
            f"{message}. The numbers are read as they are.", stacklevel=2
        )


def _has_colors(dataset: DatasetReader, band: int) -> bool:
    if dataset.colorinterp[band - 1] != ColorInterp.palette:
        return False
    try:
        table = dataset.colormap(band)
    except ValueError:
        return False
    return any(
        color[:3] != (number,) * 3 and any(color[:3])
        for number, color in table.items()
    )
