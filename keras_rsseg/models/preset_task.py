"""Tasks from presets, and presets from tasks."""

import functools
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING
from typing import Any
from typing import Self

import keras
import keras_hub

from keras_rsseg.errors import PresetError
from keras_rsseg.hub.preset_files import record_version
from keras_rsseg.hub.preset_folder import open_preset
from keras_rsseg.models.band_adaptation import load_for_bands

if TYPE_CHECKING:
    from keras_rsseg.models.segmenter import Segmenter


class PresetTask(keras_hub.models.ImageSegmenter):
    """What `keras_rsseg.models.Segmenter` does with presets.

    keras-hub's own loading takes the class that it is called on, resolves no
    name of ours and hides what is wrong with a preset.
    """

    @classmethod
    def from_preset(
        cls,
        preset: str | os.PathLike[str],
        load_weights: bool = True,
        *,
        revision: str | None = None,
        bands: Sequence[str] | None = None,
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
                `keras_rsseg.models.band_adaptation`. Defaults to the
                preset's; `image_shape` with another number of bands keeps
                those and names the others `"band_4"` and so on.
            **kwargs: replace what the preset says, such as `num_classes`
                (the head is then random), `dtype` or `image_shape`.

        Returns:
            A task of the class that the preset holds, with the attribute
            `preset`, its name.

        Raises:
            PresetError: the preset is unknown, cannot be had, is of another
                task, or damaged.
        """
        given = sorted(kwargs)
        with open_preset(preset, revision, load_weights, given) as opened:
            folder, saved_cls = opened
            if not issubclass(saved_cls, cls):
                raise PresetError(
                    f"`preset` {str(preset)!r} holds a {saved_cls.__name__}, "
                    f"it cannot be loaded as {cls.__name__}. Use "
                    f"`{saved_cls.__name__}.from_preset()`, or "
                    "`keras_rsseg.from_preset()`, which picks the class."
                )
            if kwargs.get("dtype") is None:
                # keras-hub cannot tell from a policy such as mixed_float16.
                kwargs["dtype"] = keras.config.dtype_policy().name
            if "num_classes" in kwargs:
                # Names and colours of other classes would be wrong.
                kwargs = {"class_names": None, "palette": None, **kwargs}
            load = functools.partial(
                keras_hub.models.ImageSegmenter.from_preset.__func__,
                saved_cls,
                folder,
            )
            task = load_for_bands(load, folder, load_weights, bands, kwargs)
        task.preset = str(preset)
        if revision is not None and "@" not in task.preset:
            task.preset += f"@{revision}"
        return task

    def save_to_preset(
        self,
        preset_dir: str | os.PathLike[str],
        max_shard_size: float | None = 10,
    ) -> None:
        """Writes a preset folder, see `keras_hub.models.Task`."""
        super().save_to_preset(preset_dir, max_shard_size)
        record_version(preset_dir)

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

        Beside the backbone, which has a file of its own, Keras would store
        the optimizer's moments (as large as the network) and the metrics'
        counts, and fail to load them into a task that has others.
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
    **kwargs: Any,
) -> "Segmenter":
    """Build the task that a preset holds, whichever it is.

    Args:
        preset: string. A name of `keras_rsseg.list_presets()`, a folder, or a
            handle `"hf://org/name"`, which may end in `@revision`.
        load_weights: bool. If `False`, weights are random.
        revision: string, a branch, tag or commit of a handle.
        bands: names of the bands of the tiles to come; defaults to the
            preset's.
        **kwargs: replace what the preset says, see
            `keras_rsseg.models.Segmenter.from_preset`.

    Returns:
        A `keras_rsseg.models.Segmenter`.

    Raises:
        PresetError: the preset is unknown, cannot be had, or is damaged.

    Example:

    ```python
    model = keras_rsseg.from_preset(keras_rsseg.DEFAULT_PRESET)

    # The same weights for a fourth band.
    model = keras_rsseg.from_preset(
        keras_rsseg.DEFAULT_PRESET, bands=("red", "green", "blue", "nir")
    )
    ```
    """
    # The class of all tasks imports this module.
    from keras_rsseg.models.segmenter import Segmenter

    return Segmenter.from_preset(
        preset, load_weights, revision=revision, bands=bands, **kwargs
    )
