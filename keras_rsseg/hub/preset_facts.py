"""What a preset's files say about its model, read without a framework."""

import json
import os
import pathlib
import types
from typing import Any

from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import PresetError
from keras_rsseg.hub.preset_files import TASK
from keras_rsseg.hub.preset_folder import resolve_preset
from keras_rsseg.model_facts import check_class_facts

_PREPROCESSOR = "preprocessor.json"
_OF_TASK = ("num_classes", "class_names", "palette", "display_palette")
_OF_TILES = ("bands", "ground_sample_distance", "value_range")


def read_preset_facts(preset: str | os.PathLike) -> types.SimpleNamespace:
    """Return an object with the attributes of a preset's model.

    Only the JSON that `save_to_preset()` wrote is read, and no model is
    built: this takes a tenth of a second, loading a model many seconds.

    Args:
        preset: string or path, as for `keras_rsseg.from_preset`.

    Returns:
        An object with `num_classes`, `class_names`, `palette`,
        `display_palette`, `bands`, `ground_sample_distance` and
        `value_range`, each `None` if the preset does not state it.

    Raises:
        PresetError: the preset is unknown, not available, holds no task, or
            one of its files is damaged.

    Example:

    ```python
    from keras_rsseg.hub.preset_facts import read_preset_facts

    facts = read_preset_facts(keras_rsseg.DEFAULT_PRESET)
    facts.ground_sample_distance, facts.num_classes  # (0.8, 5)
    ```
    """
    folder, _ = resolve_preset(preset, load_weights=False)
    source = f"`preset` {os.fspath(preset)!r} ({folder})"
    if not (folder / TASK).is_file():
        raise PresetError(
            f"{source} holds no task: it has no {TASK}. A task's "
            "`save_to_preset()` writes one."
        )
    task = _config(folder / TASK, source)
    tiles = _part(_part(task, "preprocessor"), "image_converter")
    if not tiles and (folder / _PREPROCESSOR).is_file():
        saved = _config(folder / _PREPROCESSOR, source)
        tiles = _part(saved, "image_converter")
    classes = {name: task.get(name) for name in _OF_TASK}
    if classes["num_classes"] is not None:
        try:
            check_class_facts(**classes)
        except ArgumentError as error:
            raise PresetError(f"{source}: {error}") from error
    return types.SimpleNamespace(
        **classes,
        **{name: tiles.get(name) for name in _OF_TILES},
    )


def _config(path: pathlib.Path, source: str) -> dict[str, Any]:
    """Return the configuration of the object in a file."""
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise PresetError(
            f"{source}: {path.name} cannot be read; it is missing, truncated "
            f"or damaged. {type(error).__name__}: {error}"
        ) from error
    config = saved.get("config") if isinstance(saved, dict) else None
    if not isinstance(config, dict):
        raise PresetError(f"{source}: {path.name} has no configuration.")
    return config


def _part(config: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the configuration of an object within another, or `{}`."""
    part = config.get(name)
    inner = part.get("config") if isinstance(part, dict) else None
    return inner if isinstance(inner, dict) else {}
