"""What all encoders share: base class, input and keyword arguments."""

import os
from collections.abc import Collection
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import Self

import keras
import keras_hub

from keras_rsseg.errors import ArgumentError
from keras_rsseg.hub.preset_folder import open_backbone
from keras_rsseg.hub.preset_writer import written_whole

_WHERE_ENCODERS_ARE = (
    " A task's encoder is "
    "`keras_rsseg.from_preset(...).backbone.image_encoder`."
)


class PresetEncoder(keras_hub.models.FeaturePyramidBackbone):
    """Base of the encoders: presets from folders and from the Hub."""

    def compute_output_spec(
        self, inputs: Any, training: bool | None = None, mask: Any = None
    ) -> Any:
        # A call takes arrays, so this does too.
        dtype = keras.backend.standardize_dtype(inputs.dtype)
        inputs = keras.KerasTensor(tuple(inputs.shape), dtype)
        return super().compute_output_spec(inputs, training, mask)

    @classmethod
    def from_preset(
        cls,
        preset: str | os.PathLike,
        load_weights: bool = True,
        **kwargs: Any,
    ) -> Self:
        """Builds an encoder from a preset.

        Args:
            preset: string or path. A folder that `save_to_preset()` wrote, or
                a handle `"hf://org/name"`, which may end in `@revision`.
            load_weights: bool. If `False`, weights are random.
            **kwargs: override the preset's own arguments.

        Returns:
            An encoder of this class.

        Raises:
            PresetError: the preset is not available, of another class, or
                damaged.

        Example:

        ```python
        encoder = keras_rsseg.encoders.ResNetEncoder(18)
        encoder.save_to_preset("resnet18")
        keras_rsseg.encoders.ResNetEncoder.from_preset("resnet18").depth  # 18
        ```
        """
        given = sorted(kwargs)
        with open_backbone(
            preset, cls, load_weights, given, _WHERE_ENCODERS_ARE
        ) as folder:
            return super().from_preset(folder, load_weights, **kwargs)

    def save_to_preset(
        self, preset_dir: str | os.PathLike, max_shard_size: float | None = 10
    ) -> None:
        """Writes a preset folder, see `keras_hub.models.Backbone`.

        It appears whole or not at all, and replaces an existing one.

        Args:
            preset_dir: path of the folder.
            max_shard_size: gigabytes above which weights are split into shards.
        """
        with written_whole(preset_dir) as folder:
            super().save_to_preset(folder, max_shard_size)


def image_input(
    image_shape: Sequence[int | None], data_format: str
) -> keras.KerasTensor:
    """Return the input of an encoder.

    Args:
        image_shape: tuple `(height, width, bands)`, in this order for either
            data format.
        data_format: `"channels_last"` or `"channels_first"`.

    Returns:
        KerasTensor named `"images"`.

    Raises:
        ArgumentError: `image_shape` does not have three entries, or no number
            of bands.
    """
    image_shape = tuple(image_shape)
    if len(image_shape) != 3 or image_shape[2] is None:
        raise ArgumentError(
            "`image_shape` must be (height, width, bands); height and width "
            f"can be None. Received: image_shape={image_shape}"
        )
    if data_format == "channels_first":
        image_shape = (image_shape[2], *image_shape[:2])
    return keras.layers.Input(shape=image_shape, name="images")


def check_model_keywords(
    model: keras.Model,
    kwargs: Mapping[str, Any],
    accepted: Collection[str] = ("name", "trainable"),
) -> None:
    """Refuse unknown keyword arguments.

    Keras accepts any for a functional model, so a misspelt argument would
    silently leave the default.

    Args:
        model: the model, for its class name.
        kwargs: dict, the remaining keyword arguments.
        accepted: names that Keras understands.

    Raises:
        TypeError: for any other name.
    """
    unknown = sorted(set(kwargs) - set(accepted))
    if unknown:
        raise TypeError(f"`{type(model).__name__}` has no arguments {unknown}.")


def check_stages(name: str, value: Sequence[int]) -> None:
    """Refuse anything but one number for each of four stages.

    Args:
        name: what the error calls the argument.
        value: what was given.

    Raises:
        ArgumentError: there are not four entries.
    """
    if len(value) != 4:
        raise ArgumentError(
            f"`{name}` must have one entry for each of the 4 stages. "
            f"Received: {name}={value}"
        )
