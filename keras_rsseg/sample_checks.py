"""Checks of what tiles and masks hold, in files, arrays and data sets alike.

They need only NumPy: files are checked as they are read, and the input of
`fit()` before and while it trains.
"""

from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

import numpy as np

from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import MaskError
from keras_rsseg.void import VOID

# Values beyond a range by this many times its width: of another scale, or just
# odd, like those of a brightened tile.
_OTHER_SCALE, _ODD = 1.0, 0.02
# Fractions that fill less of a range than this were scaled or standardised.
_SCALED_BEFORE = 0.05
_CHUNK = 1 << 22
_SHOWN = 8


class SampleWarning(UserWarning):
    """Tiles or masks look wrong, and training goes on."""


class TileValues(NamedTuple):
    """The values of some tiles or images, taken together.

    Attributes:
        low, high: lowest and highest finite value, NaN without any.
        fractions: whether any of them is not a whole number.
        pixels: number of pixels.
        not_finite: number of pixels with a band that is NaN or infinite.
    """

    low: float = float("nan")
    high: float = float("nan")
    fractions: bool = False
    pixels: int = 0
    not_finite: int = 0

    @classmethod
    def of(cls, tiles: Any) -> "TileValues":
        """Return those of an array whose last axis is the bands.

        Args:
            tiles: NumPy array of numbers.
        """
        tiles = np.asarray(tiles)
        found = cls()
        for part in _chunks(tiles.reshape(-1, tiles.shape[-1])):
            found += cls._of_part(part)
        return found

    @classmethod
    def _of_part(cls, part: np.ndarray) -> "TileValues":
        pixels, not_finite, fractions = len(part), 0, False
        if part.dtype.kind == "f":
            finite = np.isfinite(part).all(axis=-1)
            not_finite = int(pixels - finite.sum())
            if not_finite:
                part = part[finite]
            fractions = bool((part != np.round(part)).any())
        if not part.size:
            return cls(pixels=pixels, not_finite=not_finite)
        return cls(
            float(part.min()), float(part.max()), fractions, pixels, not_finite
        )

    def __add__(self, other: Any) -> "TileValues":
        """Return the values of both taken together."""
        return TileValues(
            float(np.fmin(self.low, other.low)),
            float(np.fmax(self.high, other.high)),
            self.fractions or other.fractions,
            self.pixels + other.pixels,
            self.not_finite + other.not_finite,
        )


def check_values(
    values: TileValues,
    value_range: Sequence[float] | None,
    name: str = "The tiles",
) -> list[str]:
    """Raise for tiles of another scale than the model was made for.

    Args:
        values: values of the tiles.
        value_range: `(low, high)` of the model, `None` if unknown.
        name: what to call the tiles.

    Returns:
        What may be wrong, as sentences for warnings.

    Raises:
        ArgumentError: if values are far beyond the range, such as 16 bits for
            a model that takes 8.
    """
    doubts = []
    if values.not_finite:
        share = values.not_finite / values.pixels
        doubts.append(
            f"{name} hold NaN or infinite values in {share:.2%} of the "
            "pixels. These are void, like pixels without data"
        )
    if value_range is None or np.isnan(values.low):
        return doubts
    low, high = map(float, value_range)
    beyond = max(low - values.low, values.high - high) / (high - low)
    found = (
        f"{name} hold values from {values.low:.6g} to {values.high:.6g}, the "
        f"model takes {low:g} to {high:g} (its `value_range`)"
    )
    if beyond > _OTHER_SCALE:
        raise ArgumentError(
            f"{found}. Scale them to that range, or make the model's image "
            "converter with the `scale`, `offset` and `value_range` of these "
            "values"
        )
    if beyond > _ODD:
        doubts.append(f"{found}. Values outside were never trained on")
    elif _scaled_before(values, low, high):
        doubts.append(
            f"{found}. Were they divided by {high:g}, or normalised, before? "
            "The model does that itself: leave it out"
        )
    return doubts


def _scaled_before(values: TileValues, low: float, high: float) -> bool:
    span = high - low
    if span <= 2 or values.high == values.low:
        return False
    if low <= 0 and values.low >= 0 and values.high <= 1:
        return True
    extent = max(abs(values.low - low), abs(values.high - low))
    return values.fractions and extent <= _SCALED_BEFORE * span


def check_whole(values: np.ndarray, name: str = "The masks") -> None:
    """Raise if ids are not whole numbers.

    Args:
        values: array of any dtype.
        name: what to call the masks.

    Raises:
        MaskError: if they are not, as in a mask resized bilinearly.
    """
    if values.dtype.kind != "f":
        return
    for part in _chunks(values.reshape(-1)):
        wrong = part[part != np.round(part)]
        if wrong.size:
            shown = ", ".join(f"{v:.4g}" for v in np.unique(wrong)[:_SHOWN])
            raise MaskError(
                f"{name} must hold whole numbers, class ids. Received: "
                f"{shown}. Interpolation leaves such values: resize masks by "
                "nearest neighbour"
            )


def ids_hint(found: Any, num_classes: int) -> str:
    """Return a sentence on what wrong ids come from, or nothing.

    Args:
        found: all ids that occur.
        num_classes: int.
    """
    ids = {int(value) for value in np.ravel(found)} - {0, VOID}
    if ids and max(ids) == num_classes and min(ids) >= 1:
        return (
            " Class ids begin at 0, but these seem to begin at 1: subtract 1, "
            "or map them on reading, `ids={1: 0, 2: 1, ...}`"
        )
    return ""


def doubt_ids(
    counts: np.ndarray,
    num_classes: int | None,
    name: str = "The masks",
    class_names: Sequence[str] | None = None,
    whole: bool = True,
) -> list[str]:
    """Return what may be wrong with the ids of masks.

    Args:
        counts: pixels of each id, `(256,)`.
        num_classes: int, or `None` if unknown.
        name: what to call the masks.
        class_names: names of the classes, or `None`.
        whole: whether these are all masks, not those of a batch, so that
            every class should occur.

    Returns:
        Sentences for warnings; only the first doubt, as the others follow
        from it.
    """
    void = int(counts[VOID])
    found = np.flatnonzero(counts[:VOID])
    if not found.size:
        if not void:
            return []
        return [
            f"{name} hold no labelled pixel: all are {VOID}, which is void, "
            "not a class. If it means one, map it on reading, such as with "
            "`ids={255: 1}`"
        ]
    if found.tolist() == [0] and void and num_classes != 1:
        if whole or num_classes == 2:
            return [
                f"{name} hold no ids but 0 and {VOID}. {VOID} is void: "
                "these pixels are not trained on. If they are a class, map "
                "them on reading, `ids={255: 1}`, or give arrays of 0 "
                "and 1"
            ]
        return []
    if not whole or num_classes is None:
        return []
    missing = [i for i in range(num_classes) if not counts[i]]
    if not missing:
        return []
    names = [
        f"{i} ({class_names[i]})" if class_names else str(i)
        for i in missing[:_SHOWN]
    ]
    more = len(missing) - _SHOWN
    return [
        f"{name} hold no pixel of {len(missing)} of {num_classes} classes: "
        f"{', '.join(names)}{f' and {more} more' if more > 0 else ''}. The "
        "model cannot learn them: check `num_classes` and the order of the "
        "ids"
    ]


def _chunks(array: np.ndarray) -> Iterator[np.ndarray]:
    """Parts along the first axis, whose copies fit into memory."""
    row = max(1, array[:1].size)
    step = max(1, _CHUNK // row)
    for start in range(0, len(array), step):
        yield array[start : start + step]
