"""Which bands of a raster are meant, by number or by name."""

import logging
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader

from keras_rsseg.checks import is_integer
from keras_rsseg.errors import RasterError
from keras_rsseg.rasters.opener import listed
from keras_rsseg.tables import counted

logger = logging.getLogger(__name__)

# The bands that a model takes: how many, or their names.
ModelBands = int | Sequence[str] | None
# Each band's own name and its colour, in lower case.
_Names = Sequence[tuple[str, str]]


def band_numbers(
    bands: Any, count: int, name: str, names: _Names = ()
) -> list[int]:
    """Return the numbers of the bands that an argument `bands` names.

    Args:
        bands: a number (from 1, as in GDAL) or a name, or a list of these;
            `None` for all.
        count: how many bands there are.
        name: name of the raster, for the error.
        names: what `band_names` returns, for bands that have names.

    Returns:
        A list of ints.

    Raises:
        RasterError: if there is no such band, or `bands` is empty.
    """
    if bands is None:
        return list(range(1, count + 1))
    alone = isinstance(bands, str) or not np.iterable(bands)
    wanted = [bands] if alone else list(bands)
    found = [_band_number(band, count, names) for band in wanted]
    numbers = [number for number in found if number is not None]
    if len(numbers) < len(wanted) or not numbers:
        known = sorted({name for pair in names for name in pair if name})
        or_names = f" or names of {known}" if known else ""
        raise RasterError(
            f"`bands` must list band numbers 1 to {count}{or_names}, at least "
            f"one band of {name}. Received: {bands!r}"
        )
    return numbers


def _band_number(band: Any, count: int, names: _Names) -> int | None:
    if isinstance(band, str) and not band.isdigit():
        return _find(band, names)
    if isinstance(band, str) or is_integer(band):
        return int(band) if 1 <= int(band) <= count else None
    return None


def choose_bands(
    dataset: DatasetReader, bands: Any = None, model_bands: ModelBands = None
) -> list[int]:
    """Return the numbers, from 1, of the bands to give a model.

    Without `bands`, the bands that the model names, if the raster has all of
    those names (as descriptions or colour interpretations); else all bands
    but alpha, in file order.

    Args:
        dataset: an open rasterio dataset.
        bands: list of band numbers (from 1) or names, or `None`.
        model_bands: what the model takes: a number of bands, a list of
            their names, or `None` if unknown.

    Returns:
        A list of ints.

    Raises:
        RasterError: if a band does not exist, there are not as many as the
            model takes, or their dtypes differ or are complex.
    """
    names = band_names(dataset)
    if bands is not None:
        chosen = band_numbers(bands, dataset.count, dataset.name, names)
    else:
        chosen = _default_bands(dataset, names, model_bands)
    subject = "`bands` names" if bands is not None else "the scene has"
    if not chosen:
        raise RasterError(
            f"The model takes at least one band; {subject} none but alpha. "
            f"The scene {dataset.name} has: {_describe(dataset, names)}"
        )
    check_band_count(
        model_bands,
        len(chosen),
        subject,
        "Say which to read with `bands=`, by number or name. The scene "
        f"{dataset.name} has: {_describe(dataset, names)}"
        + (
            color_table_advice(dataset)
            or _band_files_advice(dataset, model_bands)
        ),
    )
    _check_dtypes(dataset, chosen)
    return chosen


def check_band_count(
    model_bands: ModelBands, count: int, subject: str, advice: str
) -> None:
    """Raise if the number of bands is not what a model takes.

    Args:
        model_bands: what the model takes, see `choose_bands`.
        count: how many there are.
        subject: what has them, such as `"the images have"`.
        advice: a sentence on what to do.

    Raises:
        RasterError: if the two differ.
    """
    names = ""
    if model_bands is None:
        return
    if not isinstance(model_bands, int):
        names = f" ({', '.join(map(str, model_bands))})"
        model_bands = len(model_bands)
    if count != model_bands:
        raise RasterError(
            f"The model takes {counted(model_bands, 'band')}{names}; "
            f"{subject} {count}. {advice}"
        )


def picture_bands(dataset: DatasetReader, bands: Any = None) -> list[int]:
    """Return the numbers of the bands to show in a picture.

    Args:
        dataset: an open rasterio dataset.
        bands: three bands for red, green and blue, or one for grey, by
            number (from 1) or name. `None` takes the bands named or tagged
            red, green and blue, else the first three if they share a dtype,
            else the first.

    Returns:
        A list of one int or three.

    Raises:
        RasterError: if a band does not exist, or there are not one or three.
    """
    if bands is not None:
        numbers = choose_bands(dataset, bands)
        if len(numbers) not in (1, 3):
            raise RasterError(
                "`bands` must name one band or three to show. "
                f"Received: {bands!r}"
            )
        return numbers
    names = band_names(dataset)
    colors = _find_all(("red", "green", "blue"), names)
    for numbers in (colors, _plain_bands(dataset)[:3]):
        dtypes = {dataset.dtypes[number - 1] for number in numbers}
        if len(numbers) == 3 and len(dtypes) == 1:
            return numbers
    return _plain_bands(dataset)[:1] or [1]


def alpha_band(dataset: DatasetReader) -> int | None:
    """Return the number of the alpha band, or `None`.

    Args:
        dataset: an open rasterio dataset.
    """
    meanings = dataset.colorinterp
    if ColorInterp.alpha in meanings:
        return meanings.index(ColorInterp.alpha) + 1
    return None


def color_table_advice(dataset: DatasetReader) -> str:
    """Return how to read the colours of a table, `""` if there is none.

    Args:
        dataset: an open rasterio dataset.
    """
    if ColorInterp.palette not in dataset.colorinterp:
        return ""
    return (
        ". It has a colour table: expand its colours to bands, with "
        f"vrt://{dataset.name}?expand=rgb or gdal_translate -expand rgb"
    )


def _band_files_advice(dataset: DatasetReader, model_bands: ModelBands) -> str:
    """How to give bands that are in separate files."""
    count = len(_plain_bands(dataset))
    wanted = (
        model_bands if isinstance(model_bands, int) else len(model_bands or ())
    )
    if count >= wanted or not os.path.isfile(dataset.name):
        return ""
    return (
        ". To read bands from several files, join the files with a plus: "
        "B04.tif+B03.tif+B02.tif"
    )


def band_names(dataset: DatasetReader) -> list[tuple[str, str]]:
    """Return each band's own name and its colour, in lower case.

    Args:
        dataset: an open rasterio dataset.
    """
    return [
        (str(description or "").lower(), meaning.name.lower())
        for description, meaning in zip(
            dataset.descriptions, dataset.colorinterp, strict=True
        )
    ]


def _plain_bands(dataset: DatasetReader) -> list[int]:
    alpha = alpha_band(dataset)
    return [n for n in range(1, dataset.count + 1) if n != alpha]


def _default_bands(
    dataset: DatasetReader, names: _Names, model_bands: ModelBands
) -> list[int]:
    plain = _plain_bands(dataset)
    if model_bands is None or isinstance(model_bands, int):
        return plain
    found = _find_all(model_bands, names)
    if len(found) == len(set(found)) == len(model_bands):
        return found
    places = [_find(band, names) for band in model_bands]
    if len(places) == len(plain) and any(
        place and place != number
        for place, number in zip(places, plain, strict=True)
    ):
        logger.warning(
            "The model takes the bands %s, but the scene names its bands %s: "
            "they are read in file order. Give `bands=` if that is wrong.",
            ", ".join(map(str, model_bands)),
            _describe(dataset, names),
        )
    return plain


def _find_all(bands: Sequence[str], names: _Names) -> list[int]:
    """Numbers of the bands that exist."""
    return [number for band in bands if (number := _find(band, names))]


def _find(band: str, names: _Names) -> int | None:
    wanted = str(band).lower()
    for kind in (0, 1):
        for number, pair in enumerate(names, 1):
            if pair[kind] == wanted:
                return number
    return None


def _describe(dataset: DatasetReader, names: _Names) -> str:
    return listed(
        [
            f"{number} {description or colour} ({dtype})"
            for number, ((description, colour), dtype) in enumerate(
                zip(names, dataset.dtypes, strict=True), 1
            )
        ]
    )


def _check_dtypes(dataset: DatasetReader, chosen: Sequence[int]) -> None:
    stored = dataset.dtypes
    dtypes = sorted({stored[number - 1] for number in chosen})
    if len(dtypes) > 1:
        raise RasterError(
            "The bands read from a scene must share one dtype. Received: "
            f"{', '.join(dtypes)} in {dataset.name}"
        )
    if np.dtype(dtypes[0]).kind not in "uif":
        raise RasterError(
            "A scene must hold integers or real numbers. Received: "
            f"{dtypes[0]} in {dataset.name}"
        )
