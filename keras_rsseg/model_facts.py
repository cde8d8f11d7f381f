"""Checks of what a model says about its classes and its tiles.

Models are checked when they are made, and presets before they are.
"""

import collections
import math
from collections.abc import Sequence
from typing import Any

from keras_rsseg.checks import as_color
from keras_rsseg.checks import as_number
from keras_rsseg.checks import check_range
from keras_rsseg.checks import is_integer
from keras_rsseg.errors import ArgumentError
from keras_rsseg.tables import counted
from keras_rsseg.void import VOID

# Coarser than any satellite's pixel, in metres.
_COARSEST = 1e6


def check_class_facts(
    num_classes: Any,
    class_names: Any = None,
    palette: Any = None,
    display_palette: Any = None,
) -> None:
    """Raise for classes that nobody could tell apart.

    Args:
        num_classes: int, 2 to 255.
        class_names: different texts, one per class, or `None`.
        palette: colours, one per class, or `None`.
        display_palette: likewise.

    Raises:
        ArgumentError: naming the argument that is wrong.
    """
    if is_integer(num_classes) and num_classes == 1:
        raise ArgumentError(
            "`num_classes` also counts the background: one class against the "
            "rest is num_classes=2, ids 0 (rest) and 1. Received: "
            f"num_classes={num_classes}"
        )
    if not is_integer(num_classes) or not 2 <= num_classes <= VOID:
        raise ArgumentError(
            "`num_classes` must be an integer from 2 to 255, id 255 is void. "
            f"Received: num_classes={num_classes}"
        )
    each_class = {
        "class_names": class_names,
        "palette": palette,
        "display_palette": display_palette,
    }
    for name, value in each_class.items():
        if value is None:
            continue
        if isinstance(value, str) or not hasattr(value, "__len__"):
            raise ArgumentError(
                f"`{name}` must be a list, one entry per class. Received: "
                f"{name}={value!r}"
            )
        if len(value) != num_classes:
            raise ArgumentError(
                f"`{name}` must have one entry per class. Received: "
                f"{len(value)} entries and num_classes={num_classes}"
            )
    if class_names is not None:
        _check_names("class_names", class_names)
    for name in ("palette", "display_palette"):
        for color in each_class[name] or ():
            as_color(name, color)


def check_tile_facts(
    scale: Any,
    offset: Any,
    bands: Any,
    ground_sample_distance: Any = None,
    value_range: Any = None,
) -> None:
    """Raise for facts that no tile can have.

    Args:
        scale: a number other than 0, one or one per band, or `None`.
        offset: a number, one or one per band, or `None`.
        bands: different texts.
        ground_sample_distance: metres per pixel, above 0, or `None`.
        value_range: `(low, high)`, or `None`.

    Raises:
        ArgumentError: naming the argument that is wrong.
    """
    _check_names("bands", bands)
    for name, value in (("scale", scale), ("offset", offset)):
        if value is not None:
            _check_numbers(name, value, len(bands))
    if ground_sample_distance is not None:
        if isinstance(ground_sample_distance, str | bool) or not (
            0 < as_number(ground_sample_distance) <= _COARSEST
        ):
            raise ArgumentError(
                "`ground_sample_distance` must be metres per pixel, above 0. "
                f"Received: {ground_sample_distance!r}"
            )
    if value_range is not None:
        if any(isinstance(value, str | bool) for value in value_range):
            raise ArgumentError(
                "`value_range` must be two numbers, the lower first. "
                f"Received: {value_range!r}"
            )
        check_range("value_range", value_range)


def _check_names(argument: str, names: Sequence[str]) -> None:
    if isinstance(names, str) or not all(
        isinstance(name, str) and name.strip() and name.isprintable()
        for name in names
    ):
        raise ArgumentError(
            f"`{argument}` must hold texts. Received: {argument}={names!r}"
        )
    twice = [n for n, times in collections.Counter(names).items() if times > 1]
    if twice:
        raise ArgumentError(
            f"`{argument}` must differ. Received twice: {', '.join(twice)}"
        )


def _check_numbers(argument: str, value: Any, number: int) -> None:
    values = list(value) if hasattr(value, "__len__") else [value]
    if hasattr(value, "__len__") and len(values) != number:
        raise ArgumentError(
            f"`{argument}` must be one number, or one per band. Received: "
            f"{len(values)} for {counted(number, 'band')}"
        )
    for each in values:
        wrong = isinstance(each, str | bool) or not math.isfinite(
            as_number(each)
        )
        if wrong or (argument == "scale" and as_number(each) == 0):
            raise ArgumentError(
                f"`{argument}` must be finite"
                f"{' and not 0' if argument == 'scale' else ''}. Received: "
                f"{value!r}"
            )
