import os
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any
from typing import Self

import keras
import keras_hub

from keras_rsseg.encoders.preset_encoder import check_model_keywords
from keras_rsseg.errors import ArgumentError
from keras_rsseg.hub.preset_folder import open_backbone
from keras_rsseg.hub.preset_writer import written_whole
from keras_rsseg.ops.data_format import channel_axis

_LEVELS = ("P2", "P3", "P4", "P5")

Pyramid = Mapping[str, keras.KerasTensor]

_SAVED_DTYPE = "saved_dtype"


class SegmentationBackbone(keras_hub.models.Backbone):
    """Base of the backbones: an encoder and the decoder above it.

    keras-hub keeps a backbone's weights and drops a task's if `from_preset()`
    is given another `num_classes`. Everything but the last 1x1 convolution
    therefore belongs here.

    A subclass passes the decoder as a function, and its own arguments, which
    become attributes and part of `get_config()`. Its constructor takes
    `image_encoder`, these arguments, `dtype` and `**kwargs`.

    Args:
        image_encoder: `keras_hub.models.FeaturePyramidBackbone` with levels
            `"P2"` to `"P5"`.
        decode: function `(pyramid, data_format, dtype)` of a dict of
            KerasTensors by level, in which `"P0"` is the images themselves,
            and the options of every layer. It returns the map that a task
            classifies, at any stride: the task resizes its logits to the
            tile. A system with a further loss returns a dict of this map as
            `"features"` and whatever else that loss needs, see
            `keras_rsseg.models.Segmenter.extra_loss`; a map
            `"auxiliary_features"` gets its own classifier.
        arguments: dict of the subclass's own arguments.
        align_corners: bool. How its maps, and the logits of its task, are
            resized. Defaults to `True`.
        classifier_kernel_size: int. Kernel of its task's classifier. Defaults
            to `1`.
        extra_bands: int. Number of last bands of a tile that go not to the
            encoder but to `decode`, as `"extra_bands"`. Defaults to `0`.
        dtype: dtype policy of the decoder's layers; the encoder has its own.
        **kwargs: other keyword arguments of `keras.Model`.

    Raises:
        TypeError: `image_encoder` is not a feature pyramid backbone.
        ArgumentError: it lacks one of the four levels.

    Example:

    ```python
    @keras.saving.register_keras_serializable(package="my_package")
    class PlainBackbone(keras_rsseg.models.SegmentationBackbone):
        def __init__(self, image_encoder, filters=64, dtype=None, **kwargs):
            def decode(pyramid, **options):
                conv = keras_rsseg.layers.ConvBNReLU(
                    filters, 3, name="context", **options
                )
                return conv(pyramid["P5"])

            arguments = {"filters": filters}
            super().__init__(
                image_encoder, decode, arguments, dtype=dtype, **kwargs
            )

    encoder = keras_rsseg.encoders.ResNetEncoder(18)
    backbone = PlainBackbone(encoder, filters=32)
    backbone(np.zeros((1, 64, 64, 3)))["features"].shape  # (1, 2, 2, 32)
    backbone.get_config()["filters"]  # 32
    ```
    """

    # Arguments of `from_preset()` that belong to the encoder.
    encoder_arguments: tuple[str, ...] = ("image_shape", "data_format")

    def __init__(
        self,
        image_encoder: keras_hub.models.FeaturePyramidBackbone,
        decode: Callable[..., Any],
        arguments: Mapping[str, Any],
        align_corners: bool = True,
        classifier_kernel_size: int = 1,
        extra_bands: int = 0,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        check_model_keywords(self, kwargs)
        _check_encoder(image_encoder)
        options = {"data_format": image_encoder.data_format, "dtype": dtype}

        # === Functional Model ===
        axis = channel_axis(image_encoder.data_format)
        shape = list(image_encoder.input_shape)
        bands = shape[axis]
        shape[axis] += extra_bands
        images = keras.layers.Input(shape=shape[1:], name="images")
        given = _split_bands(images, bands, axis)
        pyramid = {**_encode(image_encoder, given["P0"]), **given}
        outputs = decode(pyramid, **options)
        if not isinstance(outputs, dict):
            outputs = {"features": outputs}
        super().__init__(inputs=images, outputs=outputs, dtype=dtype, **kwargs)

        # === Config ===
        self.image_encoder = image_encoder
        self.data_format = image_encoder.data_format
        self.align_corners = align_corners
        self.classifier_kernel_size = classifier_kernel_size
        self._argument_names = tuple(arguments)
        for name, value in arguments.items():
            setattr(self, name, value)

    @property
    def tile_shape(self) -> tuple[int | None, int | None, int]:
        """Height, width and bands of a tile, whatever the data format."""
        shape = self.input_shape[1:]
        if self.data_format == "channels_first":
            bands, height, width = shape
        else:
            height, width, bands = shape
        return height, width, bands

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
        preset: str | os.PathLike[str],
        load_weights: bool = True,
        **kwargs: Any,
    ) -> Self:
        """Builds a backbone from a preset of a task or a backbone.

        Args:
            preset: string or path. A name of `keras_rsseg.list_presets()`, a
                folder, or a handle `"hf://org/name"`, which may end in
                `@revision`.
            load_weights: bool. If `False`, weights are random.
            **kwargs: override the preset's own arguments.

        Returns:
            A backbone of this class.

        Raises:
            PresetError: the preset is not available, of another class, or
                damaged.
        """
        given = sorted(kwargs)
        with open_backbone(preset, cls, load_weights, given) as folder:
            return super().from_preset(folder, load_weights, **kwargs)

    def save_to_preset(
        self,
        preset_dir: str | os.PathLike[str],
        max_shard_size: float | None = 10,
    ) -> None:
        """Writes a preset folder, see `keras_hub.models.Backbone`.

        It appears whole or not at all, and replaces an existing one.

        Args:
            preset_dir: path of the folder.
            max_shard_size: gigabytes above which weights are split into shards.
        """
        with written_whole(preset_dir) as folder:
            super().save_to_preset(folder, max_shard_size)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config["image_encoder"] = keras.layers.serialize(self.image_encoder)
        # Lets `from_config()` tell whether `from_preset()` changed it.
        config[_SAVED_DTYPE] = config["dtype"]
        for name in self._argument_names:
            config[name] = getattr(self, name)
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "SegmentationBackbone":
        config = config.copy()
        saved_dtype = config.pop(_SAVED_DTYPE, None)
        encoder = config.get("image_encoder")
        if isinstance(encoder, dict):
            # `from_preset()` sets only the outer arguments.
            inner = {**encoder["config"]}
            keys = list(cls.encoder_arguments)
            if saved_dtype is None or config.get("dtype") != saved_dtype:
                keys.append("dtype")
            for key in keys:
                if config.get(key) is not None:
                    inner[key] = config[key]
            config["image_encoder"] = keras.layers.deserialize(
                {**encoder, "config": inner}
            )
        for key in cls.encoder_arguments:
            config.pop(key, None)
        return super().from_config(config)


def _split_bands(images: keras.KerasTensor, bands: int, axis: int) -> Pyramid:
    if images.shape[axis] == bands:
        return {"P0": images}
    images, extra = keras.ops.split(images, [bands], axis=axis)
    return {"P0": images, "extra_bands": extra}


def _check_encoder(image_encoder: Any) -> None:
    if not isinstance(image_encoder, keras_hub.models.FeaturePyramidBackbone):
        raise TypeError(
            "`image_encoder` must be a "
            "`keras_hub.models.FeaturePyramidBackbone`, such as "
            "`keras_rsseg.encoders.ResNetEncoder`. Received: "
            f"image_encoder={image_encoder!r}"
        )
    levels = image_encoder.pyramid_outputs
    missing = sorted(set(_LEVELS) - set(levels))
    if missing:
        raise ArgumentError(
            "`image_encoder` must have the levels P2, P3, P4 and P5. "
            f"Received one without {missing}: {sorted(levels)}"
        )


def _encode(
    image_encoder: keras_hub.models.FeaturePyramidBackbone,
    images: keras.KerasTensor,
) -> Pyramid:
    """Return the pyramid of fresh inputs."""
    encoder = keras.Model(
        inputs=image_encoder.inputs,
        outputs=image_encoder.pyramid_outputs,
        name="encoder",
    )
    # A functional model takes the global policy, whatever its layers use.
    encoder.dtype_policy = image_encoder.dtype_policy
    return encoder(images)
