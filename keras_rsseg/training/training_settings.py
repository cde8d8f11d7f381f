"""The options of a training as a file: to repeat it, and to compare two."""

import difflib
import hashlib
import json
import os
import pathlib
from collections.abc import Mapping
from itertools import chain
from typing import Any

import numpy as np
import yaml

from keras_rsseg.checks import is_integer
from keras_rsseg.errors import ArgumentError
from keras_rsseg.files import write_durably
from keras_rsseg.options import fields
from keras_rsseg.rasters.opener import is_path
from keras_rsseg.scenes.predicting.run_identity import files_identity
from keras_rsseg.training.labelled_parts import LabelledParts
from keras_rsseg.training.labelled_parts import plain_file
from keras_rsseg.training_options import TrainingOptions

# In a preset's folder, what to repeat its training with.
CONFIG = "training.yaml"
# In the folder of a stopped training.
SETTINGS = "settings.json"
ARGUMENTS = ("images", "masks", "output")
# How a training runs, not what comes of it.
_NO_SETTINGS = ("overwrite", "progress", "resume")


def settings_of(
    images: Any, masks: Any, options: TrainingOptions
) -> dict[str, Any]:
    """Return what makes two trainings the same, as values of YAML.

    Args:
        images, masks: as `keras_rsseg.train` takes them.
        options: options of the training.
    """
    found = {"images": _plain(images), "masks": _plain(masks)}
    for field in fields(TrainingOptions):
        if field.name not in _NO_SETTINGS:
            found[field.name] = _plain(getattr(options, field.name))
    return found


def keep_settings(
    path: pathlib.Path, settings: Mapping[str, Any], parts: LabelledParts
) -> None:
    """Save the settings of a new training, or compare a stopped one's.

    Args:
        path: path of the file.
        settings: what `settings_of()` returned.
        parts: what is trained on; images may have been added, removed or
            changed.

    Raises:
        ArgumentError: if a stopped training had others.
    """
    content = {
        **settings,
        "images trained on": [_plain(image) for image in parts.train[0]],
        "images held out": [_plain(image) for image in parts.validation[0]],
        "what images and masks hold": _contents(parts),
    }
    # As the file returns it, with keys as text.
    content = json.loads(json.dumps(content))
    if path.exists():
        kept = json.loads(path.read_text())
        names = [name for name in content if kept.get(name) != content[name]]
        if names:
            raise ArgumentError(
                "`resume` needs the options that the stopped training "
                f"had. Different: {', '.join(names)}. Give those, or "
                "`overwrite=True` to start again"
            )
    write_durably(path, (json.dumps(content, indent=4) + "\n").encode())


def _contents(parts: LabelledParts) -> str:
    """A digest of all arrays and files that images and masks are read from."""
    digest, paths = hashlib.blake2b(digest_size=16), []
    for source in chain(*parts.train, *parts.validation):
        if is_path(source):
            paths.append(plain_file(source))
        else:
            array = np.ascontiguousarray(source)
            digest.update(f"{array.dtype} {array.shape}".encode())
            digest.update(array.data)
    # By their names alone: the folder may be mounted elsewhere.
    found = [
        [os.path.basename(path), *said]
        for path, said in files_identity(
            path for path in paths if os.path.isfile(path)
        ).items()
    ]
    digest.update(json.dumps(found).encode())
    return digest.hexdigest()


def write_config(path: pathlib.Path, settings: Mapping[str, Any]) -> None:
    """Write the options that are not the defaults to a YAML file.

    Args:
        path: path of the file.
        settings: what `settings_of()` returned.
    """
    defaults = {
        field.name: _plain(field.default) for field in fields(TrainingOptions)
    }
    content = {
        name: value
        for name, value in settings.items()
        if name not in defaults or value != defaults[name]
    }
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    write_durably(path, text.encode())


def read_config(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the arguments of `keras_rsseg.train` that a YAML file holds.

    Args:
        path: path of the file: `images`, `masks`, `output` and options, by
            their names in Python.

    Raises:
        ArgumentError: if it holds something else.
        FileNotFoundError: if there is no such file.
    """
    try:
        content = yaml.safe_load(pathlib.Path(path).read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise ArgumentError(f"{path} is not YAML: {reason}") from error
    if not isinstance(content, dict):
        raise ArgumentError(
            f"{path} must hold options, such as `tile_size: 256`. Received: "
            f"{type(content).__name__}"
        )
    known = [*ARGUMENTS, *(field.name for field in fields(TrainingOptions))]
    for name in content:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, n=1)
            raise ArgumentError(
                f"{path} holds {name!r}, which is not an option. "
                + (
                    f"Did you mean {near[0]}?"
                    if near
                    else f"There are: {', '.join(known)}"
                )
            )
    return content


def _plain(value: Any) -> Any:
    """A value as YAML and JSON hold it."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if is_integer(value) and not getattr(value, "shape", ()):
        return int(value)
    if hasattr(value, "colors"):
        return {
            "colors": _plain(value.colors),
            "names": _plain(value.names),
            "void_colors": _plain(value.void_colors),
            "tolerance": value.tolerance,
        }
    return f"{type(value).__name__} {getattr(value, 'shape', '')}".strip()
