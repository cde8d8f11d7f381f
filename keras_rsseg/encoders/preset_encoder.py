import contextlib
from typing import Any

import keras
import keras_hub

# Opens a preset for a class, see `open_presets_with()`.
_opener = None


def open_presets_with(opener):
    """Say how presets of encoders are found.

    The room of the Hub is not below that of the encoders, so `keras_rsseg.
    models`, which is above both, brings them together.

    Args:
        opener: function `(preset, encoder_cls, load_weights, arguments)` that
            returns a context manager with the folder of a preset.
    """
    global _opener
    _opener = opener


class PresetEncoder(keras_hub.models.FeaturePyramidBackbone):
    """Base of the encoders: presets from folders and from the Hub."""

    def compute_output_spec(
        self, inputs: Any, training: bool | None = None, mask: Any = None
    ) -> Any:
        # A call takes arrays, and so does this one.
        dtype = keras.backend.standardize_dtype(inputs.dtype)
        inputs = keras.KerasTensor(tuple(inputs.shape), dtype)
        return super().compute_output_spec(inputs, training, mask)

    @classmethod
    def from_preset(cls, preset, load_weights=True, **kwargs):
        """Builds an encoder from a preset.

        Args:
            preset: string or path. A folder that `save_to_preset()` wrote, or
                a handle `"hf://org/name"`, which may end in `@revision`.
            load_weights: bool. If `False`, weights are random.
            **kwargs: replace what the preset says.

        Returns:
            An encoder of this class.

        Raises:
            ValueError: the preset cannot be had, is of another class, or
                damaged.
        """
        opened = contextlib.nullcontext(str(preset))
        if _opener is not None:
            opened = _opener(preset, cls, load_weights, sorted(kwargs))
        with opened as folder:
            return super().from_preset(folder, load_weights, **kwargs)
