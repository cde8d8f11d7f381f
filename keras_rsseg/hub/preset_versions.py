"""Which versions saved a preset."""

import importlib
import json
import pathlib

from packaging.version import InvalidVersion
from packaging.version import Version

from keras_rsseg.hub.preset_files import METADATA

_PACKAGES = ("keras_rsseg", "keras", "keras_hub")


def record_version(folder):
    """Add this package's version to the metadata that keras-hub wrote.

    Args:
        folder: path of a preset.
    """
    path = pathlib.Path(folder) / METADATA
    metadata = json.loads(path.read_text(encoding="utf-8"))
    metadata["keras_rsseg_version"] = _installed("keras_rsseg")
    path.write_text(json.dumps(metadata, indent=4), encoding="utf-8")


def newer_versions(folder):
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


def _installed(package):
    return importlib.import_module(package).__version__
