"""From the name of a preset to its checked folder."""

import contextlib
import json
import os
import pathlib
from collections.abc import Collection
from collections.abc import Iterator
from typing import Any

from keras_rsseg.errors import KerasRssegError
from keras_rsseg.errors import PresetError
from keras_rsseg.errors import is_expected
from keras_rsseg.hub.allowed_classes import check_classes
from keras_rsseg.hub.allowed_classes import registered_class
from keras_rsseg.hub.client import SCHEME
from keras_rsseg.hub.client import download_preset
from keras_rsseg.hub.client import parse_handle
from keras_rsseg.hub.preset_arguments import check_arguments
from keras_rsseg.hub.preset_files import CONFIGURATIONS
from keras_rsseg.hub.preset_files import TASK
from keras_rsseg.hub.preset_files import DamagedFileError
from keras_rsseg.hub.preset_files import check_sums
from keras_rsseg.hub.preset_files import newer_versions
from keras_rsseg.hub.preset_files import read_json
from keras_rsseg.hub.preset_names import as_written
from keras_rsseg.hub.preset_names import local_folder
from keras_rsseg.hub.preset_names import presets_within
from keras_rsseg.hub.preset_names import what_was_meant
from keras_rsseg.hub.preset_weights import check_weights
from keras_rsseg.hub.registry import embedded_folder
from keras_rsseg.hub.registry import how_to_get
from keras_rsseg.hub.registry import registered_presets


def resolve_preset(
    preset: str | os.PathLike,
    revision: str | None = None,
    load_weights: bool = True,
) -> tuple[pathlib.Path, bool]:
    """Return the folder of a preset, downloaded if need be.

    Args:
        preset: string or path. A registered name, a folder, a handle
            `"hf://org/name"` or `"hf://org/name@revision"`, or the address
            of its page.
        revision: string, the revision of a handle, or `None`.
        load_weights: bool. If `False`, weights can be missing.

    Returns:
        A pair of the `pathlib.Path` of a folder and whether it came from
        the Hub.

    Raises:
        PresetError: the preset is none of these or is not available; the
            message says what to do.
    """
    preset = as_written(preset)
    known = registered_presets()
    facts = known.get(preset, {})
    location = facts.get("handle", preset)
    folder = embedded_folder(location)
    if location.startswith(SCHEME):
        return _download(preset, location, revision, load_weights), True
    folder = folder or local_folder(location)
    if folder is None:
        raise PresetError(
            f"`preset` must be a registered name ({', '.join(sorted(known))}), "
            "a folder that `save_to_preset()` wrote, or a handle "
            f"hf://org/name. Received: preset={preset!r}"
            f"{what_was_meant(preset, known)}"
        )
    if revision is not None:
        raise PresetError(
            "`revision` is for presets on the Hub (hf://org/name). Received: "
            f"preset={preset!r}, revision={revision!r}"
        )
    return folder, False


def _download(
    preset: str, location: str, revision: str | None, load_weights: bool
) -> pathlib.Path:
    try:
        return download_preset(parse_handle(location, revision), load_weights)
    except PresetError as error:
        if preset not in registered_presets():
            raise
        way, reason = how_to_get(preset), str(error)
        if way:
            # Logging in does not help for a preset that is not published.
            reason = reason.partition(". ")[0].rstrip(".") + f". {way}"
        raise PresetError(
            f"The preset {preset!r} is not available: {reason}"
        ) from error


@contextlib.contextmanager
def open_preset(
    preset: str | os.PathLike,
    revision: str | None = None,
    load_weights: bool = True,
    arguments: Collection[str] = (),
    trusted: bool | None = None,
) -> Iterator[tuple[str, Any]]:
    """Yield a preset's folder and task class; name it in every error.

    Args:
        preset: as for `resolve_preset()`.
        revision: as for `resolve_preset()`.
        load_weights: as for `resolve_preset()`.
        arguments: names of further arguments that the user gave. If there
            are any, an error about an argument is the user's.
        trusted: bool, see `check_classes()`. Defaults to whether the preset
            is a local folder.

    Yields:
        A pair of the folder and the registered class that its `task.json`
        names.

    Raises:
        PresetError: the preset is unknown, not available, holds no task of
            this package or classes of other packages, or one of its files is
            damaged. Errors within the `with` block that come from the
            preset's files are also raised as this one.
    """
    folder, downloaded = resolve_preset(preset, revision, load_weights)
    source = f"`preset` {str(preset)!r} ({folder})"
    trusted = not downloaded if trusted is None else trusted
    with _explained(folder, source, downloaded, arguments):
        if not os.path.lexists(folder / TASK):
            within = ", ".join(presets_within(folder))
            raise PresetError(
                f"{source} holds no task: it has no {TASK}. A task's "
                "`save_to_preset()` writes one."
                + (f" It contains these presets: {within}." if within else "")
            )
        configurations = _read_configurations(folder)
        saved_cls = _task_class(configurations[TASK], folder, source)
        _check_contents(folder, configurations, source, trusted, load_weights)
        yield str(folder), saved_cls
        _check_alike(configurations)


@contextlib.contextmanager
def open_backbone(
    preset: str | os.PathLike,
    backbone_cls: type,
    load_weights: bool = True,
    arguments: Collection[str] = (),
    hint: str = "",
) -> Iterator[str]:
    """Yield the folder of a backbone's preset; name it in every error.

    Args:
        preset: string or path, a folder or a handle.
        backbone_cls: class that it must hold.
        load_weights: as for `resolve_preset()`.
        arguments: as for `open_preset()`.
        hint: what to add to the error if it holds another class.

    Yields:
        The folder, a string.

    Raises:
        PresetError: as for `open_preset()`.
    """
    with _open_parts(preset, load_weights, arguments) as (folder, source):
        name = read_json(folder / CONFIGURATIONS[0])["registered_name"]
        saved_cls = registered_class(name)
        if saved_cls is None or not issubclass(saved_cls, backbone_cls):
            raise PresetError(
                f"{source} holds {name!r}; it cannot be loaded as "
                f"{backbone_cls.__name__}.{hint}"
            )
        yield str(folder)


@contextlib.contextmanager
def open_preprocessing(
    preset: str | os.PathLike, arguments: Collection[str] = ()
) -> Iterator[str]:
    """Yield the folder of a preset to load only its preprocessing.

    Args:
        preset: string or path, a name, a folder or a handle.
        arguments: as for `open_preset()`.

    Yields:
        The folder, a string.

    Raises:
        PresetError: as for `open_preset()`.
    """
    with _open_parts(preset, False, arguments) as (folder, _):
        yield str(folder)


@contextlib.contextmanager
def _open_parts(
    preset: str | os.PathLike,
    load_weights: bool,
    arguments: Collection[str],
) -> Iterator[tuple[pathlib.Path, str]]:
    """Yield the checked folder of a preset that need not hold a task."""
    folder, downloaded = resolve_preset(preset, load_weights=load_weights)
    source = f"`preset` {str(preset)!r} ({folder})"
    with _explained(folder, source, downloaded, arguments):
        configurations = {
            name: read_json(folder / name)
            for name in CONFIGURATIONS
            if name == CONFIGURATIONS[0] or os.path.lexists(folder / name)
        }
        _check_contents(
            folder, configurations, source, not downloaded, load_weights
        )
        yield folder, source
        if TASK in configurations:
            _check_alike(configurations)


@contextlib.contextmanager
def _explained(
    folder: pathlib.Path,
    source: str,
    downloaded: bool,
    arguments: Collection[str],
) -> Iterator[None]:
    try:
        yield
    except (PresetError, MemoryError):
        raise
    except DamagedFileError as error:
        raise PresetError(
            f"{_unreadable(source, downloaded)} {error}"
        ) from error
    except (OSError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise PresetError(
            f"{_unreadable(source, downloaded)} {type(error).__name__}: {error}"
        ) from error
    # Keras and the backends raise all kinds of errors for what does not fit.
    except Exception as error:
        newer = newer_versions(folder)
        if newer:
            raise PresetError(
                f"{source} was saved by {' and '.join(newer)}, and this "
                "installation cannot build its network. Update with `pip "
                "install --upgrade keras-rsseg keras keras-hub`. "
                f"{type(error).__name__}: {error}"
            ) from error
        if arguments or _is_of_the_machine(error):
            raise
        raise PresetError(
            f"{source} holds a network that cannot be built: its "
            "configuration (task.json, config.json) and weights "
            "(model.weights.h5, task.weights.h5) do not fit this version, or "
            f"one another. {_again(downloaded)} {type(error).__name__}: "
            f"{error}"
        ) from error


def _is_of_the_machine(error: Exception) -> bool:
    """Return whether memory is full, which is not the preset's fault."""
    return is_expected(error) and not isinstance(error, KerasRssegError)


def _unreadable(source: str, downloaded: bool) -> str:
    return (
        f"{source} could not be read: a file is missing, truncated or "
        f"damaged. {_again(downloaded)}"
    )


def _again(downloaded: bool) -> str:
    if downloaded:
        return "Delete that folder and the targets of its links, and reload."
    return "Save, convert or download it again."


def _read_configurations(folder: pathlib.Path) -> dict[str, Any]:
    return {
        name: read_json(folder / name)
        for name in CONFIGURATIONS
        # A task without a preprocessor has two files.
        if name in CONFIGURATIONS[:2] or os.path.lexists(folder / name)
    }


def _task_class(task: Any, folder: pathlib.Path, source: str) -> Any:
    registered_name = (
        task.get("registered_name") if isinstance(task, dict) else None
    )
    if not isinstance(registered_name, str):
        raise DamagedFileError(
            TASK,
            f"names no task: registered_name={registered_name!r:.200}",
        )
    saved_cls = registered_class(registered_name)
    if saved_cls is None or not registered_name.startswith("keras_rsseg>"):
        newer = newer_versions(folder)
        raise PresetError(
            f"{source} holds a task that this version of keras_rsseg does "
            f"not know: {registered_name!r:.200}. "
            + (f"It was saved by {' and '.join(newer)}. " if newer else "")
            + "Update with `pip install --upgrade keras-rsseg`."
        )
    return saved_cls


def _check_contents(
    folder: pathlib.Path,
    configurations: dict[str, Any],
    source: str,
    trusted: bool,
    load_weights: bool,
) -> None:
    """Check everything in a preset before anything is built from it."""
    for name, configuration in configurations.items():
        check_classes(configuration, f"{name} of {source}", trusted)
    check_sums(folder, load_weights)
    weights = check_weights(folder) if load_weights else None
    for name, configuration in configurations.items():
        check_arguments(name, configuration, weights)


def _check_alike(configurations: dict[str, Any]) -> None:
    """Refuse files that contradict each other.

    A task's file repeats the contents of its parts' files. Each reader uses
    only one of them, so a change to one would go unnoticed.
    """
    task = configurations[TASK]["config"]
    preprocessor = task.get("preprocessor")
    parts = {
        "config.json": task["backbone"],
        "preprocessor.json": preprocessor,
        "image_converter.json": preprocessor
        and preprocessor["config"].get("image_converter"),
    }
    for name, part in parts.items():
        if configurations.get(name, part) != part:
            raise DamagedFileError(name, f"contradicts {TASK}")
