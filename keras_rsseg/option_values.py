"""Values of options: how they are typed, and which are accepted.

A reader takes text and raises a `ValueError`; a check takes `(name, value)`,
returns the value that is kept, and raises an `ArgumentError` that names it.
"""

import math
import os
import re
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

from keras_rsseg.checks import Color
from keras_rsseg.checks import as_color
from keras_rsseg.checks import as_number
from keras_rsseg.checks import check_choice
from keras_rsseg.checks import check_range
from keras_rsseg.checks import is_integer
from keras_rsseg.errors import ArgumentError

# What `nodata` may be besides a number.
_NODATA_WORDS = ("border", "none")
_SWITCHES = {
    **dict.fromkeys(("yes", "true", "1"), True),
    **dict.fromkeys(("no", "false", "0"), False),
}
_PERCENT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%\s*")
# Control characters, and lone surrogates.
_CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")

# === What a command line and a manifest give ===


def read_bands(text: str) -> list[str]:
    """Read `4,3,2` or `red; nir`."""
    parts = _parts(text)
    if not all(parts):
        raise ArgumentError(f"A band lacks its name: {text!r}")
    return parts


def read_band_numbers(text: str) -> list[int | str]:
    """Read `4,3,2` as numbers, `red,nir` as names."""
    return [
        int(part) if part.isdecimal() else part for part in read_bands(text)
    ]


def read_distance(text: str) -> float | str | None:
    """Read metres, `auto`, or `native` for `None`."""
    if text.lower() in ("auto", "native"):
        return "auto" if text.lower() == "auto" else None
    return float(text)


def read_ids(text: str) -> dict[int | str, int]:
    """Read `255=1` or `roof=1,road=2`."""
    found: dict[int | str, int] = {}
    for part in _parts(text):
        key, _, value = part.rpartition("=")
        key = key.strip()
        if not key or not value.strip().isdecimal():
            raise ValueError
        number = key.removeprefix("-").isdecimal()
        found[int(key) if number else key] = int(value)
    return found


def read_names(text: str) -> list[str]:
    """Read `roof,other`."""
    return _parts(text)


def read_nodata(text: str) -> float | str:
    """Read a number, `border` or `none`."""
    return text.lower() if text.lower() in _NODATA_WORDS else float(text)


def read_switch(text: str) -> bool:
    """Read `yes` or `no`, or what spreadsheets make of them."""
    if text.lower() not in _SWITCHES:
        raise ValueError
    return _SWITCHES[text.lower()]


def read_numbers(text: str) -> tuple[float, ...]:
    """Read `0.5,1,2`."""
    return tuple(map(float, _parts(text)))


def read_range(text: str) -> tuple[float, float] | tuple[str, str]:
    """Read `0,3000` or `2%,98%`."""
    if "%" in text:
        first, last = _parts(text)
        return first, last
    low, high = read_numbers(text)
    return low, high


def _parts(text: str) -> list[str]:
    return [part.strip() for part in re.split("[,;]", text)]


# === What is accepted ===


def one_of(*accepted: str | None) -> dict[str, Any]:
    """Return how a choice of words is checked, and shown in help."""

    def check(name: str, value: Any) -> Any:
        check_choice(name, value, accepted)
        return value

    metavar = "|".join(value for value in accepted if value is not None)
    return {"check": check, "metavar": metavar}


def check_bands(name: str, value: Any) -> list[int | str]:
    """Return numbers or names of bands as a list."""
    single = isinstance(value, str) or is_integer(value)
    bands = [value] if single else list(value)
    if not all(isinstance(band, str) or is_integer(band) for band in bands):
        raise ArgumentError(
            f"`{name}` must be numbers (from 1) or names of bands. Received: "
            f"{value!r}"
        )
    return bands


def check_class_names(name: str, value: Any) -> list[str]:
    """Return names of classes as text; none may be repeated."""
    if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
        raise ArgumentError(
            f"`{name}` must be a list of names. Received: {value!r}"
        )
    names = [str(each) for each in value]
    if not names:
        raise ArgumentError(f"`{name}` must name the classes, and is empty")
    for each in names:
        # A map's tags, and XML, cannot hold such characters.
        if not each.strip() or _CONTROL.search(each):
            raise ArgumentError(
                f"`{name}` must hold readable names. Received: {each!r}"
            )
    if len(set(names)) < len(names):
        raise ArgumentError(
            f"`{name}` must not name a class twice. Received: {names}"
        )
    return names


def check_distance(name: str, value: Any) -> float | str | None:
    """Return metres as a float; `"auto"` and `None` as they are."""
    if value is None or (isinstance(value, str) and value == "auto"):
        return value
    metres = as_number(value)
    if not 0 < metres < math.inf:
        raise ArgumentError(
            f"`{name}` must be 'auto', None or a positive number of metres. "
            f"Received: {name}={value!r}"
        )
    return metres


def check_nodata(name: str, value: Any) -> Any:
    """Return a number, NaN included, a word or `None` as it is."""
    if value is None or (isinstance(value, str) and value in _NODATA_WORDS):
        return value
    try:
        float(value)
    except (TypeError, ValueError):
        raise ArgumentError(
            f"`{name}` must be a number, 'border', 'none' or None. Received: "
            f"{name}={value!r}"
        ) from None
    return value


def check_overlap(name: str, value: Any) -> int:
    """Return an integer of at least 0."""
    if not is_integer(value) or value < 0:
        raise ArgumentError(
            f"`{name}` must be an integer from 0 to `tile_size` - 1, in "
            f"pixels. Received: {name}={value!r}"
        )
    return int(value)


def check_palette(name: str, value: Any) -> list[Color]:
    """Return colours as ints, also those of a `keras_rsseg.data.Palette`."""
    colors = getattr(value, "colors", value)
    if isinstance(colors, str | Mapping) or not isinstance(colors, Iterable):
        raise ArgumentError(
            f"`{name}` must hold colours (red, green, blue) of whole numbers "
            f"from 0 to 255. Received: {value!r}"
        )
    return [as_color(name, color) for color in colors]


def check_path(name: str, value: Any) -> Any:
    """Return a path as it is."""
    if not isinstance(value, str | os.PathLike):
        raise ArgumentError(
            f"`{name}` must be a path. Received: {name}={value!r}"
        )
    return value


def check_pixel_size(name: str, value: Any) -> float:
    """Return a positive number of metres as a float."""
    metres = as_number(value)
    if not 0 < metres < math.inf:
        raise ArgumentError(
            f"`{name}` must be a positive number of metres. Received: "
            f"{name}={value!r}"
        )
    return metres


def check_scales(name: str, value: Any) -> tuple[float, ...]:
    """Return positive numbers, at least one."""
    try:
        scales = tuple(float(scale) for scale in value)
    except (TypeError, ValueError):
        scales = ()
    if not scales or not all(0 < scale < math.inf for scale in scales):
        raise ArgumentError(
            f"`{name}` must be a list of positive numbers, such as (0.75, "
            f"1.0, 1.25). Received: {name}={value!r}"
        )
    return scales


def check_switch(name: str, value: Any) -> bool:
    """Return True or False; 1 and 0 count as these."""
    check_choice(name, value, (True, False))
    return bool(value)


def check_text(name: str, value: Any) -> str:
    """Return text that is not empty."""
    if not isinstance(value, str) or not value:
        raise ArgumentError(
            f"`{name}` must be text. Received: {name}={value!r}"
        )
    return value


def check_value_range(
    name: str, value: Any
) -> tuple[float, float] | tuple[str, str]:
    """Return two numbers as floats, two percentages as `("2%", "98%")`."""
    parts = _parts(value) if isinstance(value, str) else value
    if as_percentages(parts) is None:
        return check_range(name, value)
    low, high = parts
    return str(low).strip(), str(high).strip()


def as_percentages(value: Any) -> tuple[float, float] | None:
    """Return what `("2%", "98%")` means, `None` for anything else."""
    try:
        low, high = value
        found = [_PERCENT.fullmatch(part) for part in (low, high)]
    except (TypeError, ValueError):
        return None
    if found[0] is None or found[1] is None:
        return None
    first, last = float(found[0][1]), float(found[1][1])
    return (first, last) if 0 <= first < last <= 100 else None
