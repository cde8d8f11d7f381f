"""The files of a preset: JSON and HDF5, nothing executable.

Their checksums are in its metadata, which reveals a file that changed on its
way or a save that was interrupted. Presets without checksums load all the
same.
"""

import fnmatch
import hashlib
import importlib
import json
import os
import pathlib
from collections.abc import Iterable
from typing import Any

from packaging.version import InvalidVersion
from packaging.version import Version

from keras_rsseg.files import write_durably

TASK = "task.json"
METADATA = "metadata.json"
CONFIGURATIONS = (
    "config.json",
    TASK,
    "preprocessor.json",
    "image_converter.json",
)
WEIGHTS = (
    "model.weights.h5",
    # For backbones above keras-hub's `max_shard_size`.
    "model.weights.json",
    "model_*.weights.h5",
    "task.weights.h5",
)
# Nothing else is downloaded, opened or uploaded.
PATTERNS = (*CONFIGURATIONS, METADATA, *WEIGHTS)

# A key of the metadata.
_SUMS = "sha256"
_PACKAGES = ("keras_rsseg", "keras", "keras_hub")
# The largest configurations have a few thousand characters.
_LARGEST_JSON = 10_000_000


class DamagedFileError(ValueError):
    """A file of a preset is not as it was saved.

    `open_preset()` adds the preset's name and says what to do.

    Args:
        name: name of the file.
        reason: what is wrong with it.
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name} {reason}")


def preset_files(folder: str | os.PathLike) -> list[pathlib.Path]:
    """Return the paths of a preset's files, by name.

    Args:
        folder: path of the preset. Other files in it are ignored.
    """
    return [
        path
        for path in sorted(pathlib.Path(folder).iterdir())
        if is_preset_file(path.name)
    ]


def is_preset_file(name: str) -> bool:
    """Return whether a file of this name belongs to a preset."""
    return matches(name, PATTERNS)


def matches(name: str, patterns: tuple[str, ...]) -> bool:
    """Return whether a file's name matches any of the patterns."""
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def check_regular(path: pathlib.Path) -> int:
    """Return the size of a file; refuse anything but a regular file.

    Opening a pipe would block for ever.

    Args:
        path: path of the file, or a link to it, as in the Hub's cache.

    Raises:
        DamagedFileError: it is missing, a broken link, a folder, or not a
            regular file.
    """
    if path.is_file():
        return path.stat().st_size
    if path.is_symlink() and not path.exists():
        reason = f"is a link to {os.readlink(path)}, which does not exist"
    elif path.exists():
        reason = "is not a regular file"
    else:
        reason = "is missing"
    raise DamagedFileError(path.name, reason)


def read_json(path: pathlib.Path) -> Any:
    """Return the content of a preset's JSON file, read strictly.

    Args:
        path: path of the file.

    Raises:
        DamagedFileError: it is missing, too large, not JSON, nested too
            deeply, states a key twice, or holds a NaN or an infinity.
    """
    size = check_regular(path)
    if size > _LARGEST_JSON:
        raise DamagedFileError(path.name, f"has {size:,} bytes, too many")
    try:
        return json.loads(
            path.read_text(encoding="utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_no_number,
        )
    except RecursionError as error:
        raise DamagedFileError(path.name, "is nested too deeply") from error
    except ValueError as error:
        raise DamagedFileError(
            path.name, f"is not valid JSON: {error}"
        ) from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"it states {twice!r} twice")
    return found


def _no_number(text: str) -> None:
    raise ValueError(f"it holds {text}")


def sha256(path: str | os.PathLike) -> str:
    """Return a file's SHA-256 in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def record_version(folder: str | os.PathLike) -> None:
    """Add this package's version to the metadata that keras-hub wrote.

    Args:
        folder: path of a preset.
    """
    update_metadata(folder, keras_rsseg_version=_installed("keras_rsseg"))


def update_metadata(folder: str | os.PathLike, **entries: Any) -> None:
    """Add entries to a preset's metadata, or replace them.

    Args:
        folder: path of a preset.
        **entries: values that JSON can hold.
    """
    path = pathlib.Path(folder) / METADATA
    metadata = {**read_json(path), **entries}
    write_durably(path, json.dumps(metadata, indent=4).encode())


def newer_versions(folder: str | os.PathLike) -> list[str]:
    """Return the packages that saved a preset in a newer version than here.

    Args:
        folder: path of a preset; its metadata may be missing or damaged.

    Returns:
        list of strings such as `"keras_rsseg 0.2.0 (here: 0.1.0)"`.
    """
    try:
        metadata = read_json(pathlib.Path(folder) / METADATA)
    except (OSError, ValueError):
        metadata = None
    if not isinstance(metadata, dict):
        return []
    newer = []
    for package in _PACKAGES:
        saved = metadata.get(f"{package}_version")
        here = _installed(package)
        try:
            if saved and Version(str(saved)) > Version(here):
                newer.append(f"{package} {saved} (here: {here})")
        except InvalidVersion:
            continue
    return newer


def _installed(package: str) -> str:
    return importlib.import_module(package).__version__


def record_sums(folder: str | os.PathLike) -> None:
    """Write the SHA-256 of every file of a preset to its metadata.

    Use it after changing a file of a preset on purpose.

    Args:
        folder: path of a preset that has its `metadata.json`.

    Example:

    ```python
    from keras_rsseg.hub.preset_files import check_sums, record_sums

    keras_rsseg.encoders.ResNetEncoder(18).save_to_preset("resnet18")
    with open("resnet18/config.json", "a") as file:
        file.write("\\n")
    record_sums("resnet18")
    check_sums("resnet18")
    ```
    """
    sums = {
        path.name: sha256(path)
        for path in preset_files(folder)
        if path.name != METADATA
    }
    update_metadata(folder, **{_SUMS: sums})


def update_sums(folder: str | os.PathLike, names: Iterable[str]) -> None:
    """Write the SHA-256 of some files of a preset to its metadata.

    Args:
        folder: path of a preset. If it has no checksums, none are added.
        names: names of the files.
    """
    sums = _sums(pathlib.Path(folder))
    if sums is not None:
        new = {name: sha256(pathlib.Path(folder) / name) for name in names}
        update_metadata(folder, **{_SUMS: {**sums, **new}})


def check_sums(folder: str | os.PathLike, load_weights: bool = True) -> None:
    """Refuse a preset whose files are not those that were saved.

    Args:
        folder: path of a preset. If it has no checksums, only the kinds of
            its files are checked.
        load_weights: whether to check the weights as well.

    Raises:
        DamagedFileError: a file is missing, unexpected, changed, or not a
            regular file.
    """
    folder = pathlib.Path(folder)
    here = {path.name for path in preset_files(folder)} - {METADATA}
    sums = _sums(folder)
    names = here if sums is None else here | set(sums)
    for name in sorted(names):
        if matches(name, WEIGHTS) and not load_weights:
            continue
        check_regular(folder / name)
        if sums is None:
            continue
        if name not in sums:
            raise DamagedFileError(
                name,
                "does not belong to this preset, perhaps to one saved here "
                "before: move it away",
            )
        if sha256(folder / name) != sums[name]:
            raise DamagedFileError(
                name,
                f"is not as it was saved: its SHA-256 differs from the one in "
                f"{METADATA}. If you changed it, run "
                "keras_rsseg.hub.preset_files.record_sums(folder)",
            )


def _sums(folder: pathlib.Path) -> dict[str, str] | None:
    path = folder / METADATA
    if not path.exists() and not path.is_symlink():
        return None
    metadata = read_json(path)
    if not isinstance(metadata, dict):
        raise DamagedFileError(METADATA, "does not hold a JSON object")
    sums: Any = metadata.get(_SUMS)
    if sums is None:
        return None
    if not isinstance(sums, dict) or not all(
        is_preset_file(name) and os.path.basename(name) == name for name in sums
    ):
        raise DamagedFileError(
            METADATA, f"must hold the checksums of its files in {_SUMS!r}"
        )
    return sums
