"""From the user's tiles and masks to the network's input.

A system's image converter normalises tiles, and its preprocessor applies it in
`fit()`, `evaluate()` and `predict()`. The checks run in the input pipeline,
where a wrong tile can still be named, and not in the compiled step, where some
backends would turn it into a wrong number.
"""

import os
import sys
import types
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any
from typing import Self

import keras
import keras_hub
import numpy as np
from keras import ops

from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import MaskError
from keras_rsseg.hub.preset_folder import open_preprocessing
from keras_rsseg.hub.preset_writer import written_into
from keras_rsseg.model_facts import check_tile_facts
from keras_rsseg.models.one_hot_masks import is_one_hot
from keras_rsseg.models.sample_preparation import is_tensorflow
from keras_rsseg.sample_checks import check_whole
from keras_rsseg.sample_checks import ids_hint
from keras_rsseg.tables import counted

_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)


class _CheckedPresets:
    """Base of classes that keras-hub would load from presets unchecked.

    A subclass names its file in the preset.
    """

    _preset_file: str

    @classmethod
    def from_preset(cls, preset: str | os.PathLike[str], **kwargs: Any) -> Self:
        """Builds it from a preset: a name, a folder or a handle.

        Args:
            preset: string or path, see `keras_rsseg.from_preset`.
            **kwargs: override the preset's own arguments.

        Raises:
            PresetError: the preset is not available, or is damaged.
        """
        with open_preprocessing(preset, sorted(kwargs)) as folder:
            return super().from_preset(folder, **kwargs)  # type: ignore[misc]

    def save_to_preset(self, preset_dir: str | os.PathLike[str]) -> None:
        """Writes it into a preset's folder.

        Args:
            preset_dir: path of the folder.
        """
        super().save_to_preset(os.fspath(preset_dir))  # type: ignore[misc]
        written_into(preset_dir, self._preset_file)


class TilePreprocessor(
    _CheckedPresets, keras_hub.models.ImageSegmenterPreprocessor
):
    """Base of the preprocessors that `make_preprocessor_class()` makes."""

    _preset_file = "preprocessor.json"


class TileConverter(_CheckedPresets, keras_hub.layers.ImageConverter):
    """Base of the image converters: what a network expects of a tile.

    Tiles are never resized, only normalised: `tile * scale + offset`. Besides
    the normalisation, a converter states which bands it was fitted to and at
    which resolution, so that `keras_rsseg.predict_scene` can check the scene
    it is given.

    Args:
        scale: float or one float per band. Defaults to ImageNet's
            normalisation of three bands from 0 to 255.
        offset: float or one float per band, likewise.
        bands: tuple of strings. Names of the bands, in order. Defaults to
            red, green, blue.
        ground_sample_distance: float, metres per pixel of the tiles the
            network was trained on, or `None` if unknown.
        value_range: `(low, high)`, the values that the bands of a tile can
            have before they are normalised. Give it if they are not 8-bit:
            a scene of another range is then refused, not mapped wrongly.
            `None` if unknown.
        **kwargs: other keyword arguments of
            `keras_hub.layers.ImageConverter`.

    Raises:
        ArgumentError: numbers are not finite or not one per band, bands are
            named twice, a pixel has no size, or the range is reversed.

    Example:

    ```python
    converter = keras_rsseg.models.HRNetImageConverter()
    converter(np.full((1, 8, 8, 3), 255, "uint8"))[0, 0, 0]  # 2.2, 2.4, 2.6
    ```
    """

    _preset_file = "image_converter.json"

    def __init__(
        self,
        scale: float | Sequence[float] | None = None,
        offset: float | Sequence[float] | None = None,
        bands: Sequence[str] = ("red", "green", "blue"),
        ground_sample_distance: float | None = None,
        value_range: tuple[float, float] | None = (0, 255),
        **kwargs: Any,
    ) -> None:
        if scale is None and offset is None:
            scale = [1 / (255 * std) for std in _IMAGENET_STD]
            offset = [
                -mean / std
                for mean, std in zip(_IMAGENET_MEAN, _IMAGENET_STD, strict=True)
            ]
        check_tile_facts(
            scale, offset, bands, ground_sample_distance, value_range
        )
        # Tiles are channels-last, whatever the global setting.
        kwargs.setdefault("data_format", "channels_last")
        super().__init__(scale=scale, offset=offset, **kwargs)
        self.bands = tuple(bands)
        self.ground_sample_distance = ground_sample_distance
        self.value_range = value_range and tuple(value_range)

    @classmethod
    def for_bands(cls, num_bands: int) -> "TileConverter":
        """Return the converter for an image with this many 8-bit bands.

        Args:
            num_bands: int. 3 bands are taken for red, green and blue.

        Returns:
            A converter with ImageNet's normalisation for 3 bands; for any
            other number, one that maps 0..255 to 0..1.
        """
        if num_bands == 3:
            return cls()
        names = [f"band_{index + 1}" for index in range(num_bands)]
        return cls(scale=1 / 255, bands=names)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config["bands"] = self.bands
        config["ground_sample_distance"] = self.ground_sample_distance
        config["value_range"] = self.value_range
        return config


def make_preprocessor_class(
    task_cls: Any,
) -> type[keras_hub.models.ImageSegmenterPreprocessor]:
    """Make the preprocessor class of a system, and its image converter's.

    keras-hub finds a class by the exact class of its backbone, so every
    system needs its own, which differ in nothing else. They are registered in
    the package of the backbone, and added to the task's module, from which
    they can be imported and pickled.

    Args:
        task_cls: the class of a task, with its `backbone_cls`.

    Returns:
        The preprocessor class. Its attribute `image_converter_cls` is the
        other one.
    """
    name = task_cls.__name__
    shown = f"`{task_cls.__module__.partition('.')[0]}.{name}`"
    converter_cls = _made_class(
        task_cls,
        f"{name}ImageConverter",
        TileConverter,
        __doc__=_documented(
            task_cls, f"The `keras_rsseg.models.TileConverter` of {shown}."
        ),
    )
    return _made_class(
        task_cls,
        f"{name}Preprocessor",
        TilePreprocessor,
        __doc__=_documented(
            task_cls, f"Normalises the tiles of {shown}; masks stay unchanged."
        ),
        image_converter_cls=converter_cls,
    )


def _documented(task_cls: Any, sentence: str) -> str:
    """Return a docstring, with an example for the package's own systems."""
    package, name = task_cls.__module__.partition(".")[0], task_cls.__name__
    if package != __package__.partition(".")[0]:
        return sentence
    return f"""{sentence}

    Example:

    ```python
    converter = {package}.models.{name}ImageConverter()
    preprocessor = {package}.models.{name}Preprocessor(converter)
    preprocessor(np.zeros((1, 8, 8, 3), "uint8")).shape  # (1, 8, 8, 3)
    ```
    """


def _made_class(
    task_cls: Any, name: str, base: type, **attributes: Any
) -> type:
    module = task_cls.__module__
    attributes["__module__"] = module
    attributes["backbone_cls"] = task_cls.backbone_cls
    made = types.new_class(name, (base,), exec_body=_filler(attributes))
    setattr(sys.modules[module], name, made)
    registered = keras.saving.get_registered_name(task_cls.backbone_cls)
    package = registered.rpartition(">")[0] or "Custom"  # as Keras says
    return keras.saving.register_keras_serializable(package)(made)


def _filler(attributes: dict[str, Any]) -> Callable[[dict[str, Any]], None]:
    return lambda namespace: namespace.update(attributes)


def check_tiles(tiles: Any, num_bands: int | None) -> None:
    """Refuse tiles that are not a batch of images with `num_bands` bands.

    Args:
        tiles: tensor or array, `(batch, height, width, bands)`.
        num_bands: int, or `None` to accept any number.

    Raises:
        ArgumentError: wrong rank or wrong number of bands.
    """
    shape = _static_shape(tiles)
    if shape is None:
        return
    if len(shape) != 4:
        raise ArgumentError(
            "Tiles must have the shape (batch, height, width, bands). "
            f"Received: shape {shape}"
        )
    if num_bands and shape[-1] not in (None, num_bands):
        raise ArgumentError(
            f"The model takes tiles of {counted(num_bands, 'band')} (last "
            "axis). "
            f"Received: shape {shape}, {counted(shape[-1], 'band')}"
            f"{_bands_hint(shape, num_bands)}"
        )


def _bands_hint(shape: tuple[int | None, ...], num_bands: int) -> str:
    if shape[1] == num_bands:
        return ". Bands come last: np.moveaxis(tiles, 1, -1)"
    if shape[-1] == num_bands + 1:
        return (
            ". If the last is alpha, leave it out when reading, as "
            "`tile_dataset(bands=...)` does: "
            f"bands={list(range(1, num_bands + 1))}"
        )
    return ""


def check_masks(
    masks: Any,
    tiles: Any,
    num_classes: int,
    void: int,
    one_hot: bool = False,
) -> Any:
    """Refuse masks of another size, or with ids that are not classes.

    Args:
        masks: integer tensor or array, `(batch, height, width)` or `(batch,
            height, width, 1)`.
        tiles: the tiles they belong to.
        num_classes: int.
        void: int. The id of unlabelled pixels.
        one_hot: whether masks may have a channel for each class instead.

    Returns:
        `masks` as `(batch, height, width)`, since TensorFlow makes one graph
        for the shapes of all calls and could not for two ranks. Within a
        `tf.data` pipeline the ids are checked when the result is evaluated.
        Masks with channels are returned unchanged.

    Raises:
        MaskError: wrong shape, an id out of range, or fractions.
    """
    shape, tile_shape = _static_shape(masks), _static_shape(tiles)
    if shape is not None and tile_shape is not None:
        if one_hot and is_one_hot(masks, num_classes):
            _check_mask_size(shape, tile_shape)
            return masks
        _check_mask_shape(shape, tile_shape)
    if is_tensorflow(masks):
        masks = _check_tensor_ids(masks, num_classes, void)
    else:
        _check_ids(ops.convert_to_numpy(masks), num_classes, void)
    return masks[..., 0] if shape and len(shape) == 4 else masks


def _check_ids(ids: np.ndarray, num_classes: int, void: int) -> None:
    wrong = ids[(ids < 0) | (ids >= num_classes) & (ids != void)]
    if wrong.size or ids.dtype.kind == "f" and np.isnan(ids).any():
        hint = ids_hint(np.unique(ids), num_classes)
        found = np.unique(wrong)[:8]
        text = _ids_message(num_classes, void, found)
        raise MaskError(f"{text}.{hint}" if hint else text)
    check_whole(ids)


def _static_shape(x: Any) -> tuple[int | None, ...] | None:
    shape = getattr(x, "shape", None)
    if shape is None or getattr(shape, "rank", 4) is None:
        return None
    return tuple(shape)


def _check_mask_shape(
    shape: tuple[int | None, ...], tile_shape: tuple[int | None, ...]
) -> None:
    if (
        len(shape) == 4
        and shape[-1] not in (None, 1)
        or len(shape) not in (3, 4)
    ):
        raise MaskError(
            "Masks must hold class ids in the shape (batch, height, width) or "
            f"(batch, height, width, 1). Received: shape {shape}. For one-hot "
            "masks use `masks.argmax(-1)`, or compile with a loss that needs "
            "them, `keras.losses.CategoricalCrossentropy(from_logits=True)`"
        )
    _check_mask_size(shape, tile_shape)


def _check_mask_size(
    shape: tuple[int | None, ...], tile_shape: tuple[int | None, ...]
) -> None:
    for mask_length, tile_length in zip(shape[:3], tile_shape[:3], strict=True):
        if None not in (mask_length, tile_length) and (
            mask_length != tile_length
        ):
            raise MaskError(
                "Masks must have the number, height and width of their tiles. "
                f"Received: masks {shape}, tiles {tile_shape}"
            )


def _check_tensor_ids(masks: Any, num_classes: int, void: int) -> Any:
    import tensorflow as tf

    if not tf.is_symbolic_tensor(masks):
        _check_ids(masks.numpy(), num_classes, void)
        return masks
    ids = tf.cast(masks, tf.int32)
    valid = (ids >= 0) & (ids < num_classes) | tf.equal(ids, void)
    wrong = tf.boolean_mask(ids, tf.logical_not(valid))
    check = tf.debugging.Assert(
        tf.reduce_all(valid),
        [_ids_message(num_classes, void), tf.unique(wrong)[0]],
        summarize=8,
    )
    checks = [check]
    if masks.dtype.is_floating:
        # NaN is not an id either, whatever it is cast to.
        whole = tf.equal(masks, tf.round(masks))
        checks.append(
            tf.debugging.Assert(
                tf.reduce_all(whole),
                [
                    "Masks must hold whole numbers, class ids: resize them "
                    "with the nearest neighbour. Received:",
                    tf.boolean_mask(masks, tf.logical_not(whole))[:8],
                ],
                summarize=8,
            )
        )
    with tf.control_dependencies(checks):
        return tf.identity(masks)


def _ids_message(num_classes: int, void: int, found: Any = "") -> str:
    return (
        f"Masks may hold the class ids 0 to {num_classes - 1} and {void} for "
        f"void. Received other ids: {found}"
    )
