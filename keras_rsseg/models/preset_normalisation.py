"""The normalisation of a preset, replaced by a fitted one."""

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras

from keras_rsseg.errors import ArgumentError
from keras_rsseg.tables import counted


def normalised_preprocessor(
    saved: Mapping[str, Any],
    normalisation: Any,
    bands: Sequence[str] | None = None,
) -> Any:
    """Return the preprocessor of a preset with another normalisation.

    Args:
        saved: the configuration of the preset's task.
        normalisation: `keras_rsseg.data.Normalisation`, or any object with
            `scale`, `offset` and `value_range`.
        bands: names of the bands, or `None` for the preset's.

    Raises:
        ArgumentError: the preset has no preprocessor, or there is not one
            number per band.
    """
    preprocessor = keras.saving.deserialize_keras_object(saved["preprocessor"])
    converter = getattr(preprocessor, "image_converter", None)
    if converter is None:
        raise ArgumentError(
            "`normalisation` replaces a preset's own, and this preset has "
            "none. Give `preprocessor`."
        )
    bands = tuple(converter.bands if bands is None else bands)
    number = len(normalisation.scale)
    if number != len(bands):
        raise ArgumentError(
            f"`normalisation` is for {counted(number, 'band')}, but the "
            f"tiles have {len(bands)}: {', '.join(bands)}. Name yours: "
            "from_preset(..., bands=(...))"
        )
    adapted = type(converter).from_config(
        {
            **converter.get_config(),
            "scale": list(normalisation.scale),
            "offset": list(normalisation.offset),
            "value_range": normalisation.value_range,
            "bands": bands,
        }
    )
    return type(preprocessor).from_config(
        {**preprocessor.get_config(), "image_converter": adapted}
    )
