"""From the name of a preset to a folder, and the classes that it may name."""

import contextlib
import json
import os
import pathlib
from collections.abc import Collection
from collections.abc import Iterator
from typing import Any

from keras_rsseg.errors import PresetError
from keras_rsseg.hub.client import SCHEME
from keras_rsseg.hub.client import download_preset
from keras_rsseg.hub.client import parse_handle
from keras_rsseg.hub.preset_files import CONFIGURATIONS
from keras_rsseg.hub.preset_files import TASK
from keras_rsseg.hub.preset_files import newer_versions
from keras_rsseg.hub.registry import did_you_mean
from keras_rsseg.hub.registry import embedded_folder
from keras_rsseg.hub.registry import how_to_get
from keras_rsseg.hub.registry import registered_presets

_OWN_PACKAGES = ("keras_rsseg", "keras_hub")
# Layers of Keras that run code which the configuration brings or points to.
_CODE = (
    "__lambda__",
    "__typespec__",
    "FlaxLayer",
    "JaxLayer",
    "Lambda",
    "TFSMLayer",
    "TorchModuleWrapper",
)


def _registered(name: Any) -> Any:
    """The class of a name, `None` for none."""
    # Finding a preset's folder and its facts needs no framework.
    import keras

    return keras.saving.get_registered_object(name)


def check_classes(configuration: Any, source: str, trusted: bool) -> None:
    """Refuse a configuration that names classes which must not be made.

    Called before anything is deserialised. Keras itself makes an object of
    any class that the program has registered, and some of its layers run
    code.

    Args:
        configuration: what a JSON file of a preset holds.
        source: string, names the preset in an error.
        trusted: bool, whether classes that the program registered for itself
            may be named, beside those of keras_rsseg, keras_hub and Keras.

    Raises:
        PresetError: a class is unknown, or not allowed.
    """
    if isinstance(configuration, list):
        for item in configuration:
            check_classes(item, source, trusted)
    if not isinstance(configuration, dict):
        return
    if "class_name" in configuration:
        _check_class(configuration, source, trusted)
    for item in configuration.values():
        check_classes(item, source, trusted)


def _check_class(
    configuration: dict[str, Any], source: str, trusted: bool
) -> None:
    name = configuration["class_name"]
    registered = configuration.get("registered_name") or name
    module = configuration.get("module") or ""
    # A class goes by its registered name, a function by the one in "config".
    names = [registered, name]
    if name == "function":
        names.append(configuration.get("config"))
    if not all(isinstance(each, str) for each in names):
        raise PresetError(f"{source} has a damaged configuration.")
    if set(names) & set(_CODE):
        raise PresetError(
            f"{source} holds a {registered}, which runs code that the preset "
            "brings. No preset may."
        )
    for each in names:
        package, found, _ = each.partition(">")
        if found:
            _check_registered(each, package, source, trusted)
    if ">" in registered or name.startswith("__"):
        return
    if _registered(registered) is not None:
        allowed = trusted  # a plain name, which the program has registered
    else:
        # Of these modules Keras makes its own classes and functions only.
        root = module.split(".")[0]
        allowed = root in ("builtins", "keras", "keras_hub")
    if allowed:
        return
    raise PresetError(_foreign(source, f"{module}.{name}".lstrip(".")))


def _check_registered(
    name: str, package: str, source: str, trusted: bool
) -> None:
    known = _registered(name) is not None
    if package in _OWN_PACKAGES:
        if not known:
            raise PresetError(
                f"{source} names {name!r}, which this version does not know. "
                "Update with `pip install --upgrade keras-rsseg keras-hub`."
            )
    elif not trusted:
        raise PresetError(_foreign(source, name))
    elif not known:
        raise PresetError(
            f"{source} names {name!r}, which nothing has registered. Import "
            f"the module of {package!r} that does, then load it again."
        )


def _foreign(source: str, name: str) -> str:
    return (
        f"{source} names {name!r}. A preset from the Hub may only name "
        "classes of keras_rsseg, keras_hub and Keras, for others run code of "
        "their own. If you trust it, import that code, download the preset "
        "to a folder (`hf download org/name --local-dir FOLDER`) and load the "
        "folder."
    )


def resolve_preset(
    preset: str | os.PathLike,
    revision: str | None = None,
    load_weights: bool = True,
) -> tuple[pathlib.Path, bool]:
    """Return the folder of a preset, downloaded if need be.

    Args:
        preset: string or path. A registered name, a folder, or a handle
            `"hf://org/name"` or `"hf://org/name@revision"`.
        revision: string, of a handle, or `None`.
        load_weights: bool. If `False`, weights need not be there.

    Returns:
        A pair of the `pathlib.Path` of a folder and whether it came from
        the Hub.

    Raises:
        PresetError: the preset is none of these or cannot be had; says what
            to do.
    """
    preset = str(preset)
    known = registered_presets()
    facts = known.get(preset, {})
    location = facts.get("handle", preset)
    folder = embedded_folder(location)
    if location.startswith(SCHEME):
        return _download(preset, location, revision, load_weights), True
    if folder is None and pathlib.Path(location).is_dir():
        folder = pathlib.Path(location)
    if folder is None:
        raise PresetError(
            f"`preset` must be a registered name ({', '.join(sorted(known))}), "
            "a folder that `save_to_preset()` wrote, or a handle "
            f"hf://org/name. Received: preset={preset!r}{did_you_mean(preset)}"
        )
    if revision is not None:
        raise PresetError(
            "`revision` is for presets of the Hub (hf://org/name). Received: "
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
            # Nobody need be told to log in for what is not published.
            reason = reason.partition(". ")[0].rstrip(".") + f". {way}"
        raise PresetError(
            f"The preset {preset!r} cannot be had: {reason}"
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
        arguments: names of arguments that the caller's user gave beside. An
            error about an argument is theirs if they gave any.
        trusted: bool, see `check_classes()`. Defaults to whether the preset
            is a folder of the user's.

    Yields:
        A pair of the folder, and the registered class that its `task.json`
        names.

    Raises:
        PresetError: the preset is unknown, cannot be had, holds no task of
            this package or classes of others, or a file of it is damaged.
            Errors of the block within the `with` that come from the preset's
            files are raised as this one, too.
    """
    folder, downloaded = resolve_preset(preset, revision, load_weights)
    source = f"`preset` {str(preset)!r} ({folder})"
    trusted = not downloaded if trusted is None else trusted
    with _explained(folder, source, downloaded, arguments):
        yield str(folder), _read_task_class(folder, source, trusted)


@contextlib.contextmanager
def open_encoder(
    preset: str | os.PathLike,
    encoder_cls: type,
    load_weights: bool = True,
    arguments: Collection[str] = (),
) -> Iterator[str]:
    """Yield the folder of an encoder's preset; name it in every error.

    Args:
        preset: string or path, a folder or a handle.
        encoder_cls: class that it must hold.
        load_weights: as for `resolve_preset()`.
        arguments: as for `open_preset()`.

    Yields:
        The folder, a string.

    Raises:
        PresetError: as for `open_preset()`.
    """
    folder, downloaded = resolve_preset(preset, load_weights=load_weights)
    source = f"`preset` {str(preset)!r} ({folder})"
    with _explained(folder, source, downloaded, arguments):
        content = (folder / CONFIGURATIONS[0]).read_text(encoding="utf-8")
        configuration = json.loads(content)
        check_classes(configuration, source, trusted=not downloaded)
        name = configuration["registered_name"]
        saved_cls = _registered(name)
        if saved_cls is None or not issubclass(saved_cls, encoder_cls):
            raise PresetError(
                f"{source} holds {name!r}, it cannot be loaded as "
                f"{encoder_cls.__name__}. A task's encoder is "
                "`keras_rsseg.from_preset(...).backbone.image_encoder`."
            )
        yield str(folder)


@contextlib.contextmanager
def _explained(
    folder: pathlib.Path,
    source: str,
    downloaded: bool,
    arguments: Collection[str],
) -> Iterator[None]:
    try:
        yield
    except PresetError:
        raise
    except (OSError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise PresetError(
            f"{source} could not be read, a file is missing, truncated or "
            f"damaged. {_again(downloaded)} {type(error).__name__}: {error}"
        ) from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        newer = newer_versions(folder)
        if newer:
            raise PresetError(
                f"{source} was saved by {' and '.join(newer)}, and this "
                "installation cannot make its network. Update with `pip "
                "install --upgrade keras-rsseg keras keras-hub`. "
                f"{type(error).__name__}: {error}"
            ) from error
        if arguments:
            raise
        raise PresetError(
            f"{source} holds a network that cannot be made: its "
            "configuration and weights do not fit this version, or one "
            f"another. {_again(downloaded)} {type(error).__name__}: {error}"
        ) from error


def _again(downloaded: bool) -> str:
    if downloaded:
        return "Delete that folder and what its links lead to, and load again."
    return "Save, convert or download it again."


def _read_task_class(folder: pathlib.Path, source: str, trusted: bool) -> Any:
    if not (folder / TASK).is_file():
        raise PresetError(
            f"{source} holds no task: it has no {TASK}. A task's "
            "`save_to_preset()` writes one."
        )
    configurations: dict[str, Any] = {}
    for name in CONFIGURATIONS:
        if (folder / name).is_file():
            content = (folder / name).read_text(encoding="utf-8")
            configurations[name] = json.loads(content)
    task = configurations[TASK]
    registered_name = (
        task.get("registered_name") if isinstance(task, dict) else None
    )
    saved_cls = _registered(registered_name)
    if saved_cls is None or not str(registered_name).startswith("keras_rsseg>"):
        newer = newer_versions(folder)
        raise PresetError(
            f"{source} holds a task that this version of keras_rsseg does "
            f"not know: {registered_name!r}. "
            + (f"It was saved by {' and '.join(newer)}. " if newer else "")
            + "Update with `pip install --upgrade keras-rsseg`."
        )
    for configuration in configurations.values():
        check_classes(configuration, source, trusted)
    return saved_cls
