"""The files of a preset: JSON and HDF5, nothing that could be executed."""

import fnmatch
import hashlib
import importlib
import json
import os
import pathlib

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
    # Backbones above keras-hub's `max_shard_size`.
    "model.weights.json",
    "model_*.weights.h5",
    "task.weights.h5",
)
# Nothing else is downloaded, opened or uploaded.
PATTERNS = (*CONFIGURATIONS, METADATA, *WEIGHTS)

_PACKAGES = ("keras_rsseg", "keras", "keras_hub")


def preset_files(folder: str | os.PathLike) -> list[pathlib.Path]:
    """Return the paths of a preset's files, by name.

    Args:
        folder: path of the preset. Other files in it are left out.
    """
    return [
        path
        for path in sorted(pathlib.Path(folder).iterdir())
        if is_preset_file(path.name)
    ]


def is_preset_file(name: str) -> bool:
    """Return whether a preset has a file of that name."""
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in PATTERNS)


def sha256(path: str | os.PathLike) -> str:
    """Return a file's SHA-256 in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def record_version(folder: str | os.PathLike) -> None:
    """Add this package's version to the metadata that keras-hub wrote.

    Args:
        folder: path of a preset.
    """
    path = pathlib.Path(folder) / METADATA
    metadata = json.loads(path.read_text(encoding="utf-8"))
    metadata["keras_rsseg_version"] = _installed("keras_rsseg")
    write_durably(path, json.dumps(metadata, indent=4).encode())


def newer_versions(folder: str | os.PathLike) -> list[str]:
    """Return what saved a preset and is newer than what is installed.

    Args:
        folder: path of a preset, whose metadata may be missing or damaged.

    Returns:
        list of strings such as `"keras_rsseg 0.2.0 (here: 0.1.0)"`.
    """
    try:
        path = pathlib.Path(folder) / METADATA
        metadata = json.loads(path.read_text(encoding="utf-8"))
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
