"""Map a scene's values to the range that a model was made for.

And warn of values that may not mean what they seem to: a near-infrared band
tagged as alpha, indices into a colour table.
"""

import logging
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING
from typing import Any
from typing import NamedTuple

import numpy as np
from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader

from keras_rsseg.checks import check_range
from keras_rsseg.errors import SceneError
from keras_rsseg.option_values import as_percentages
from keras_rsseg.rasters.bands import color_table_advice
from keras_rsseg.rasters.windows import Window

if TYPE_CHECKING:
    from keras_rsseg.scenes.reading.scene_reader import SceneReader

logger = logging.getLogger(__name__)

_BYTES = (0.0, 255.0)

# Windows, along each axis and their size, from which values are guessed, of
# which percentages are taken, and by which a range is judged.
_SAMPLES, _SAMPLE_SIZE = 4, 256
_MANY, _MANY_SIZE = 8, 128
_FEW, _FEW_SIZE = 4, 64
# Shares of values: in a range that is not meant so, and in a usual one.
_FEW_INSIDE, _MANY_INSIDE = 0.05, 0.5
# A mask has one or two values, and a few more if its edges are soft.
_MOST_VALUES, _MOST_SHARE = 8, 0.02


class ValueScale(NamedTuple):
    """A linear map from one range of values to another, with clipping.

    `low` and `high` are floats, or float32 arrays `(bands, 1, 1)`.
    """

    low: Any
    high: Any
    model_low: float
    model_high: float

    @classmethod
    def between(cls, value_range: Any, model_range: Any) -> "ValueScale | None":
        """Return the map, or `None` if values stay unchanged.

        Args:
            value_range: `(low, high)` of the scene, or `None`.
            model_range: `(low, high)` of the model; `None` means 0 to 255,
                the range of nearly all models.

        Raises:
            ArgumentError: if a range is invalid.
        """
        if model_range is not None:
            model_range = check_range("model_range", model_range)
        if value_range is None:
            return None
        value_range = check_range("value_range", value_range)
        return cls(*value_range, *(model_range or _BYTES))

    def in_units(self, units: "Units") -> "ValueScale":
        """Return the map for stored values, given that this one is in units."""
        low, high = map(units.to_stored, self[:2])
        return self._replace(low=low, high=high)

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """Return pixels, an array of any dtype, as float32."""
        share = (pixels.astype("float32") - self.low) / (self.high - self.low)
        np.clip(share, 0, 1, out=share)
        share *= self.model_high - self.model_low
        share += self.model_low
        return share


class Units(NamedTuple):
    """The meaning of stored values: `stored * scale + offset`, per band."""

    scales: tuple[float, ...]
    offsets: tuple[float, ...]

    @classmethod
    def of(cls, reader: "SceneReader") -> "Units":
        """Return the units that a scene's file states."""
        dataset = reader.dataset
        pairs = [
            (dataset.scales[band - 1] or 1.0, dataset.offsets[band - 1])
            for band in reader.bands
        ]
        scales, offsets = zip(*pairs, strict=True)
        return cls(scales, offsets)

    @property
    def are_plain(self) -> bool:
        """Whether values in these units equal the stored ones."""
        return set(self.scales) == {1.0} and set(self.offsets) == {0.0}

    def from_stored(self, pixels: np.ndarray) -> np.ndarray:
        """Return `(bands, pixels)` in these units."""
        if self.are_plain:
            return pixels
        scales, offsets = np.array(self)[:, :, None]
        return pixels * scales + offsets

    def to_stored(self, value: float) -> Any:
        """Return the stored value of a value: a float or an array."""
        if self.are_plain:
            return value
        stored = [
            (value - offset) / scale
            for scale, offset in zip(self.scales, self.offsets, strict=True)
        ]
        if len(set(stored)) == 1:
            return stored[0]
        return np.array(stored, "float32")[:, None, None]


def scene_scale(
    reader: "SceneReader", value_range: Any, model_range: Any
) -> tuple[ValueScale, tuple[float, float]]:
    """Return the map of a scene's values to the model's.

    Args:
        reader: `SceneReader` without a scale.
        value_range: `(low, high)` in the scene's units; or percentages, such
            as `("2%", "98%")`, of a sample of all bands: always the same
            windows, so the same values.
        model_range: `(low, high)` of the model, or `None` for 0 to 255.

    Returns:
        `(scale, value_range)`: a `ValueScale` for stored values, and the
        range in numbers.

    Raises:
        ArgumentError: if a range is invalid.
        SceneError: if the sample lacks two different values for a range.
    """
    units = Units.of(reader)
    shares = as_percentages(value_range)
    if shares is not None:
        value_range = _measured_range(reader, units, shares)
        logger.info(
            "%s of %s are %.6g and %.6g.",
            " and ".join(f"{share:g} %" for share in shares),
            reader.name,
            *value_range,
        )
    value_range = check_range("value_range", value_range)
    scale = ValueScale(*value_range, *(model_range or _BYTES))
    if shares is None:
        units = _meant_units(reader, units, value_range)
    return scale.in_units(units), value_range


def _measured_range(
    reader: "SceneReader", units: Units, shares: tuple[float, float]
) -> tuple[float, float]:
    found = units.from_stored(_sample(reader, _MANY, _MANY_SIZE)).ravel()
    found = found[np.isfinite(found)]
    low, high = np.percentile(found, shares) if found.size else (0.0, 0.0)
    # As the map's tags state them.
    low, high = float(f"{low:.6g}"), float(f"{high:.6g}")
    if low >= high:
        raise SceneError(
            f"`value_range`: a sample of {reader.name} has "
            + (f"only the value {low:g}" if found.size else "no valid pixel")
            + " between these percentages. Give two numbers"
        )
    return low, high


def _meant_units(
    reader: "SceneReader", units: Units, value_range: tuple[float, float]
) -> Units:
    """Return the units of a range, and warn if it clips most values."""
    low, high = value_range
    stored = _sample(reader, _FEW, _FEW_SIZE)
    if not stored.size:
        return units

    def inside(values: np.ndarray) -> float:
        return float(((values >= low) & (values <= high)).mean())

    share = inside(units.from_stored(stored))
    if not units.are_plain and share < _FEW_INSIDE < inside(stored):
        logger.warning(
            "%s states a scale and an offset (%g, %g); `value_range` is taken "
            "to mean stored values, as it contains hardly any value in the "
            "scene's units.",
            reader.name,
            units.scales[0],
            units.offsets[0],
        )
        count = len(units.scales)
        units, share = Units((1.0,) * count, (0.0,) * count), inside(stored)
    if share < _MANY_INSIDE:
        hint = np.percentile(units.from_stored(stored), (1, 99))
        logger.warning(
            "%.0f %% of the values of %s, in a sample, lie outside "
            "value_range=(%g, %g) and are clipped: 98 %% of the values are "
            "from %.6g to %.6g.",
            100 * (1 - share),
            reader.name,
            low,
            high,
            *hint,
        )
    return units


def check_values(
    reader: "SceneReader", model_range: tuple[float, float] | None
) -> None:
    """Refuse a scene whose dtype the model was not made for.

    Args:
        reader: `SceneReader` without a scale.
        model_range: `(low, high)` of the model, or `None` for unknown.

    Raises:
        SceneError: if the scene is 8-bit and the model is not, or vice versa.
    """
    if model_range is None:
        if reader.dtype != np.uint8:
            logger.warning(
                "The scene is %s, and the model does not state its range: it "
                "gets unscaled values. Give `value_range=` if that is wrong.",
                reader.dtype,
            )
        return
    low, high = map(float, model_range)
    bits = _stored_bits(reader)
    whole = reader.dtype == np.uint8 and bits is None
    if whole == ((low, high) == _BYTES):
        return
    kind = f"{reader.dtype} of {bits} bits" if bits else str(reader.dtype)
    hint = _percentiles(reader)
    measured = (
        f", such as ({hint[0]:.6g}, {hint[1]:.6g}), the 1st and 99th "
        "percentiles of a sample"
        if hint is not None
        else ""
    )
    raise SceneError(
        f"The scene {reader.dataset.name} is {kind}, but the model takes "
        f"values from {low:g} to {high:g}. Give the scene's values that map "
        f"to these with `value_range=(low, high)`{measured}; "
        f"`value_range=({low:g}, {high:g})` leaves values as they are, but "
        "clipped"
    )


def _stored_bits(reader: "SceneReader") -> int | None:
    """Bits of a value, if fewer than its dtype has."""
    found = [
        reader.dataset.tags(band, ns="IMAGE_STRUCTURE").get("NBITS", "")
        for band in reader.bands
    ]
    bits = [int(each) for each in found if each.isdecimal()]
    return min(bits) if bits and min(bits) < 8 else None


def _percentiles(reader: "SceneReader") -> np.ndarray | None:
    """1st and 99th percentiles of valid pixels in a few windows, or `None`."""
    stored = _sample(reader, _SAMPLES, _SAMPLE_SIZE, reader.window)
    found = Units.of(reader).from_stored(stored)
    if not found.size or found.min() == found.max():
        return None
    return np.percentile(found, (1, 99))


def _sample(
    reader: "SceneReader",
    samples: int,
    size: int,
    within: Window | None = None,
) -> np.ndarray:
    """Stored values `(bands, pixels)` of valid pixels in a few windows.

    They are spread over the scene, or a given part of it; if none is valid,
    over the area of interest.
    """
    within = within or Window(0, 0, reader.height, reader.width)
    found = np.zeros((len(reader.bands), 0), reader.dtype)
    for row, col, *extent in dict.fromkeys([within, reader.extent]):
        parts = []
        height, width = extent
        for window in sample_windows(height, width, samples, size):
            moved = window._replace(row=row + window.row, col=col + window.col)
            pixels, valid = reader.read_stored(*moved)
            parts.append(pixels[:, valid])
        found = np.concatenate(parts, axis=1)
        if found.size:
            break
    return found


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
            reader.height, reader.width, _FEW, _FEW_SIZE
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
