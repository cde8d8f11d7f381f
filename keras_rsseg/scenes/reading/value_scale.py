"""Map a scene's values to those that a model was made for."""

import logging
from typing import TYPE_CHECKING
from typing import Any
from typing import NamedTuple

import numpy as np

from keras_rsseg.checks import check_range
from keras_rsseg.errors import SceneError

if TYPE_CHECKING:
    from keras_rsseg.scenes.reading.scene_reader import SceneReader

logger = logging.getLogger(__name__)

_BYTES = (0.0, 255.0)

# Windows, along each axis and their size, from which values are guessed.
_SAMPLES, _SAMPLE_SIZE = 4, 256


class ValueScale(NamedTuple):
    """A linear map from one range of values to another, clipped to it."""

    low: float
    high: float
    model_low: float
    model_high: float

    @classmethod
    def between(cls, value_range: Any, model_range: Any) -> "ValueScale | None":
        """Return the map, or `None` where values are to stay.

        Args:
            value_range: `(low, high)` of the scene, or `None`.
            model_range: `(low, high)` of the model; `None` is taken for 0
                to 255, which nearly all are made for.

        Raises:
            ArgumentError: if a range is none.
        """
        if model_range is not None:
            model_range = check_range("model_range", model_range)
        if value_range is None:
            return None
        value_range = check_range("value_range", value_range)
        return cls(*value_range, *(model_range or _BYTES))

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """Return pixels, an array of any dtype, as float32."""
        share = (pixels.astype("float32") - self.low) / (self.high - self.low)
        np.clip(share, 0, 1, out=share)
        share *= self.model_high - self.model_low
        share += self.model_low
        return share


def check_values(
    reader: "SceneReader", model_range: tuple[float, float] | None
) -> None:
    """Refuse a scene whose dtype the model was not made for.

    Args:
        reader: `SceneReader` without a scale.
        model_range: `(low, high)` of the model, or `None` for unknown.

    Raises:
        SceneError: for a scene of other than 8 bits where the model is made
            for 8, and the reverse.
    """
    if model_range is None:
        if reader.dtype != np.uint8:
            logger.warning(
                "The scene is %s, the model does not state its range: values "
                "go to it as they are. Give `value_range=` if that is wrong.",
                reader.dtype,
            )
        return
    low, high = map(float, model_range)
    if (reader.dtype == np.uint8) == ((low, high) == _BYTES):
        return
    hint = _percentiles(reader)
    measured = (
        f", such as ({hint[0]:.6g}, {hint[1]:.6g}), the 1st and 99th "
        "percentile of a sample of it"
        if hint is not None
        else ""
    )
    raise SceneError(
        f"The scene {reader.dataset.name} is {reader.dtype}, the model takes "
        f"values from {low:g} to {high:g}. Say with `value_range=(low, high)` "
        f"which of the scene's values become these{measured}; "
        f"`value_range=({low:g}, {high:g})` leaves values as they are, but "
        "clipped"
    )


def _percentiles(reader: "SceneReader") -> np.ndarray | None:
    """1st and 99th percentile of valid pixels of a few windows, or `None`."""
    corner, whole = reader.window[:2], reader.window[2:]
    size = [min(_SAMPLE_SIZE, side) for side in whole]
    places = [
        first + np.unique(np.linspace(0, side - part, _SAMPLES).astype(int))
        for first, side, part in zip(corner, whole, size, strict=True)
    ]
    parts = []
    for row in places[0]:
        for col in places[1]:
            pixels, valid = reader.read_stored(int(row), int(col), *size)
            parts.append(pixels[:, valid].ravel())
    found = np.concatenate(parts)
    if not found.size or found.min() == found.max():
        return None
    return np.percentile(found, (1, 99))
