"""Tasks from presets, and presets from tasks."""

import functools
import json
import os
import pathlib
from collections.abc import Callable
from collections.abc import Sequence
from typing import TYPE_CHECKING
from typing import Any
from typing import Self

import keras
import keras_hub
import numpy as np

from keras_rsseg.errors import PresetError
from keras_rsseg.hub.preset_files import TASK
from keras_rsseg.hub.preset_files import read_json
from keras_rsseg.hub.preset_folder import open_preset
from keras_rsseg.hub.preset_weights import check_head
from keras_rsseg.hub.preset_writer import written_whole
from keras_rsseg.models.preset_classes import check_tile_size
from keras_rsseg.models.preset_classes import new_order
from keras_rsseg.models.preset_classes import say_head_is_new
from keras_rsseg.models.preset_classes import settle_classes
from keras_rsseg.models.preset_normalisation import normalised_preprocessor
from keras_rsseg.tables import counted

if TYPE_CHECKING:
    from keras_rsseg.models.segmenter import Segmenter


def load_for_bands(
    load: Callable[..., "Segmenter"],
    folder: str | os.PathLike[str],
    load_weights: bool,
    bands: Sequence[str] | None,
    arguments: dict[str, Any],
) -> "Segmenter":
    """Load a task for the requested bands.

    Args:
        load: function `(load_weights, **arguments)` that loads the task.
        folder: path of the preset.
        load_weights: bool, passed to `load`.
        bands: names of the bands of later tiles, or `None`.
        arguments: dict, passed to `load`. An `image_shape` with more bands
            than the preset adds bands.

    Returns:
        The task.

    Raises:
        PresetError: it is unclear which band is which.
    """
    known = _preset_bands(folder)
    shape = arguments.get("image_shape")
    if bands is None:
        if shape is None or known is None or shape[-1] == len(known):
            return load(load_weights, **arguments)
        bands = more_bands(known, shape[-1])
    known, bands = _check_bands(bands, known, shape)
    if bands == known:
        return load(load_weights, **arguments)
    others = {k: v for k, v in arguments.items() if k != "image_shape"}
    source = load(load_weights, **others)
    size = source.input_shape[1:3] if shape is None else shape[:2]
    others.setdefault("preprocessor", _adapt_preprocessor(source, bands))
    task = load(False, image_shape=(*size, len(bands)), **others)
    _transfer(source, task, known, bands)
    return task


def adapt_kernel(
    kernel: np.ndarray, known: Sequence[str], bands: Sequence[str]
) -> np.ndarray:
    """Return the kernel of a first convolution for other bands.

    Args:
        kernel: array `(height, width, M, filters)`.
        known: the M names of its bands.
        bands: the N names of the new bands.

    Returns:
        array `(height, width, N, filters)`.

    Example:

    ```python
    from keras_rsseg.models.preset_task import adapt_kernel

    kernel = np.array([1.0, 2.0, 3.0]).reshape(1, 1, 3, 1)
    adapt_kernel(kernel, "rgb", "gx").ravel()  # 3.0, 3.0
    adapt_kernel(kernel, "rgb", "rgbx").ravel()  # 1.0, 2.0, 3.0, 2.0
    ```
    """
    mean = kernel.mean(axis=2)
    parts = [
        kernel[:, :, known.index(band)] if band in known else mean
        for band in bands
    ]
    return np.stack(parts, axis=2) * max(1, len(known) / len(bands))


def _preset_bands(folder: str | os.PathLike[str]) -> tuple[str, ...] | None:
    path = pathlib.Path(folder) / "image_converter.json"
    if not path.is_file():
        return None
    converter = json.loads(path.read_text(encoding="utf-8"))
    bands = converter["config"].get("bands")
    return None if bands is None else tuple(bands)


def more_bands(known: tuple[str, ...], number: int) -> tuple[str, ...]:
    """Return the names of a preset's bands, and names for further ones.

    Args:
        known: the names of the preset's bands.
        number: how many bands there are.

    Raises:
        PresetError: there are fewer than in the preset.
    """
    if number < len(known):
        raise PresetError(
            f"The preset has the bands {known}. For "
            f"{counted(number, 'band')}, name "
            "those of your tiles: from_preset(..., bands=(...))."
        )
    more = range(len(known) + 1, number + 1)
    return (*known, *(f"band_{index}" for index in more))


def _check_bands(
    bands: Sequence[str],
    known: tuple[str, ...] | None,
    shape: Sequence[int | None] | None,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of the preset's bands, and of the new ones."""
    if isinstance(bands, str) or not all(isinstance(b, str) for b in bands):
        raise PresetError(
            "`bands` must be names, such as ('red', 'green', 'blue', 'nir'). "
            f"Received: bands={bands!r}"
        )
    bands = tuple(bands)
    if known is None:
        raise PresetError(
            "The preset has no image converter to name its bands. "
            f"Received: bands={bands}"
        )
    if not bands or len(set(bands)) != len(bands):
        raise PresetError(f"`bands` must differ. Received: bands={bands}")
    if shape is not None and shape[-1] != len(bands):
        raise PresetError(
            "`image_shape` must end in the number of bands. Received: "
            f"image_shape={tuple(shape)}, bands={bands}"
        )
    return known, bands


def _adapt_preprocessor(source: "Segmenter", bands: tuple[str, ...]) -> Any:
    """Return a preprocessor that normalises other bands."""
    preprocessor = source.preprocessor
    converter = preprocessor.image_converter
    config = converter.get_config()
    known = converter.bands
    for key in ("scale", "offset"):
        if config[key] is not None and np.ndim(config[key]):
            values = dict(zip(known, config[key], strict=True))
            mean = float(np.mean(config[key]))
            config[key] = [values.get(band, mean) for band in bands]
    config["bands"] = bands
    adapted = type(converter).from_config(config)
    return type(preprocessor).from_config(
        {**preprocessor.get_config(), "image_converter": adapted}
    )


def _transfer(
    source: "Segmenter",
    task: "Segmenter",
    known: tuple[str, ...],
    bands: tuple[str, ...],
) -> None:
    """Assign all weights of a task to its twin with other bands."""
    first = next(
        (
            variable
            for variable in source.backbone.image_encoder.weights
            if len(variable.shape) == 4 and variable.shape[2] == len(known)
        ),
        None,
    )
    for old, new in zip(source.weights, task.weights, strict=True):
        value = keras.ops.convert_to_numpy(old)
        if old is first:
            value = adapt_kernel(value, known, bands)
        if value.shape != tuple(new.shape):
            raise PresetError(
                "The preset's encoder does not read its bands with one "
                f"convolution ({old.path}); it keeps the bands {known}."
            )
        new.assign(value)


if TYPE_CHECKING:
    from keras_rsseg.models.segmenter import Segmenter


class PresetTask(keras_hub.models.ImageSegmenter):
    """What `keras_rsseg.models.Segmenter` does with presets.

    keras-hub's own loading uses the class it is called on, resolves none of
    our names and hides what is wrong with a preset.
    """

    # Whether the head's channels depend on the size of tiles.
    is_bound_to_size = False

    @classmethod
    def from_preset(
        cls,
        preset: str | os.PathLike[str],
        load_weights: bool = True,
        *,
        revision: str | None = None,
        bands: Sequence[str] | None = None,
        classes: Any = None,
        normalisation: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Builds a task from a preset: network, weights and preprocessing.

        Args:
            preset: string. A name of `keras_rsseg.list_presets()`, a folder,
                or a handle `"hf://org/name"`. It may end in `@revision`.
            load_weights: bool. If `False`, weights are random.
            revision: string, a branch, tag or commit of a handle.
            bands: names of the bands that tiles will have, in their order.
                The first convolution is fitted to them, see
                `keras_rsseg.models.preset_task`. Defaults to the
                preset's; `image_shape` with another number of bands keeps
                those and names the others `"band_4"` and so on.
            classes: the classes to tell apart, in the order of their ids: a
                `keras_rsseg.data.Palette`, the facts of a data set, a dict of
                names to colours, or a list of names. Sets `num_classes`,
                `class_names` and `palette` at once. The trained head is kept
                if their number is the preset's, and reordered if they have
                the preset's names; otherwise a random one replaces it, which
                is logged.
            normalisation: the result of `keras_rsseg.data.fit_normalisation`,
                in place of the preset's; its names are `bands`.
            **kwargs: override the preset's own arguments, such as
                `num_classes`, `dtype` or `image_shape`.

        Returns:
            A task of the class that the preset holds, with the attribute
            `preset`, its name.

        Raises:
            PresetError: the preset is unknown, not available, of another
                task, or damaged.
        """
        given = sorted(kwargs)
        given += ["classes"] if classes is not None else []
        if normalisation is not None:
            given.append("normalisation")
            bands = normalisation.bands if bands is None else bands
        with open_preset(preset, revision, load_weights, given) as opened:
            folder, saved_cls = opened
            if not issubclass(saved_cls, cls):
                raise PresetError(
                    f"`preset` {str(preset)!r} holds a {saved_cls.__name__}; "
                    f"it cannot be loaded as {cls.__name__}. Use "
                    f"`{saved_cls.__name__}.from_preset()`, or "
                    "`keras_rsseg.from_preset()`, which picks the class."
                )
            if kwargs.get("dtype") is None:
                # keras-hub cannot tell for a policy such as mixed_float16.
                kwargs["dtype"] = keras.config.dtype_policy().name
            saved = read_json(pathlib.Path(folder) / TASK)["config"]
            kwargs, kept = settle_classes(saved, classes, kwargs)
            if load_weights and kept:
                check_head(pathlib.Path(folder))
                check_tile_size(saved_cls, saved, kwargs)
            if normalisation is not None:
                kwargs["preprocessor"] = normalised_preprocessor(
                    saved, normalisation, bands
                )
            load = functools.partial(
                keras_hub.models.ImageSegmenter.from_preset.__func__,
                saved_cls,
                folder,
            )
            task = load_for_bands(load, folder, load_weights, bands, kwargs)
            if order := new_order(saved, kwargs):
                task.reorder_classes(order)
        if load_weights and not kept:
            say_head_is_new(str(preset), saved, kwargs)
        task.preset = str(preset)
        if revision is not None and "@" not in task.preset:
            task.preset += f"@{revision}"
        return task

    def save_to_preset(
        self,
        preset_dir: str | os.PathLike[str],
        max_shard_size: float | None = 10,
    ) -> None:
        """Writes a preset folder, see `keras_hub.models.Task`.

        It appears whole or not at all, and replaces an existing one; other
        files in the folder stay.

        Args:
            preset_dir: path of the folder.
            max_shard_size: gigabytes above which weights are split into shards.
        """
        with written_whole(preset_dir) as folder:
            super().save_to_preset(folder, max_shard_size)

    def save_task_weights(self, filepath: str | os.PathLike[str]) -> None:
        keras.saving.save_weights(
            self, filepath, objects_to_skip=self._not_in_presets()
        )

    def load_task_weights(self, filepath: str | os.PathLike[str]) -> None:
        keras.saving.load_weights(
            self, filepath, objects_to_skip=self._not_in_presets()
        )

    def _not_in_presets(self) -> list[Any]:
        """What `task.weights.h5` must not hold.

        Besides the backbone, which has its own file, Keras would store the
        optimizer's moments (as large as the network) and the metrics' counts,
        and fail to load them into a task with other ones.
        """
        trackers = [self.optimizer, *self.metrics]
        return [
            *self.backbone._flatten_layers(),
            *(tracker for tracker in trackers if tracker is not None),
        ]


def from_preset(
    preset: str | os.PathLike[str],
    load_weights: bool = True,
    *,
    revision: str | None = None,
    bands: Sequence[str] | None = None,
    classes: Any = None,
    normalisation: Any = None,
    **kwargs: Any,
) -> "Segmenter":
    """Build the task that a preset holds, of whatever class.

    Args:
        preset: string. A name of `keras_rsseg.list_presets()`, a folder, or a
            handle `"hf://org/name"`, which may end in `@revision`.
        load_weights: bool. If `False`, weights are random.
        revision: string, a branch, tag or commit of a handle.
        bands: names of the bands that tiles will have; defaults to the
            preset's.
        classes: a `keras_rsseg.data.Palette`, a dict of names to colours, a
            list of names or the facts of a data set, to tell apart other
            classes than the preset's.
        normalisation: the result of `keras_rsseg.data.fit_normalisation`.
        **kwargs: override the preset's own arguments, see
            `keras_rsseg.models.Segmenter.from_preset`.

    Returns:
        A `keras_rsseg.models.Segmenter`.

    Raises:
        PresetError: the preset is unknown, not available, or damaged.

    Example:

    ```python
    model = keras_rsseg.from_preset(keras_rsseg.DEFAULT_PRESET)

    # The same weights for a fourth band and your own classes, to be trained.
    model = keras_rsseg.from_preset(
        keras_rsseg.DEFAULT_PRESET,
        bands=("red", "green", "blue", "nir"),
        classes={"roof": (0, 0, 255), "other": (9, 9, 9)},
    )
    model.class_names  # ["roof", "other"]
    ```
    """
    # The class of all tasks imports this module.
    from keras_rsseg.models.segmenter import Segmenter

    return Segmenter.from_preset(
        preset,
        load_weights,
        revision=revision,
        bands=bands,
        classes=classes,
        normalisation=normalisation,
        **kwargs,
    )
