"""Warn of values that may not mean what they seem to.

A near-infrared band tagged as alpha, indices into a colour table, a range
that hardly any value lies in: each would yield a map, but a wrong one. Only a
few windows of the scene are sampled.
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
# A mask has one or two values, and a few more if its edges are soft.
_MOST_VALUES, _MOST_SHARE = 8, 0.02


def sample_windows(
    height: int, width: int, samples: int, size: int
) -> Iterator[Window]:
    """Yield windows spread evenly over a raster, the same on every call.

    Args:
        height: number of rows of the raster.
        width: number of columns.
        samples: maximum number of windows along each axis.
        size: maximum length of a window, in pixels.

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
    """Warn if the alpha band's values look like data.

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
            f"Band {alpha} of {reader.name} is tagged as alpha, so nothing is "
            f"mapped where it is 0; but a sample of it has {count} "
            "intermediate values, like near infrared. If it is data, give "
            "alpha='none' (--alpha none).",
            stacklevel=2,
        )


def check_color_table(dataset: DatasetReader, bands: list[int]) -> None:
    """Refuse colour-table indices as colours, and warn if read as brightness.

    Grey tables in ascending order pass: they change nothing.

    Args:
        dataset: an open rasterio dataset.
        bands: numbers of the bands to read.

    Raises:
        SceneError: if several bands are read, and one has a colour table.
    """
    for band in bands:
        if not _has_colors(dataset, band):
            continue
        message = (
            f"Band {band} of {dataset.name} holds indices into a colour "
            f"table, not brightness{color_table_advice(dataset)}"
        )
        if len(bands) > 1:
            raise SceneError(message)
        warnings.warn(
            f"{message}. The indices are read as values.", stacklevel=2
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
