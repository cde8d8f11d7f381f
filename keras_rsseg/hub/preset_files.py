"""The files of a preset: JSON and HDF5, nothing that could be executed."""

import fnmatch
import hashlib
import pathlib

TASK = "task.json"
METADATA = "metadata.json"
# Facts for the model card, beside the preset's own files.
CARD_FILE = "card.json"
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


def preset_files(folder):
    """Return the paths of a preset's files, by name.

    Args:
        folder: path of the preset. Other files in it are left out.

    Returns:
        list of `pathlib.Path`.
    """
    return [
        path
        for path in sorted(pathlib.Path(folder).iterdir())
        if is_preset_file(path.name)
    ]


def is_preset_file(name):
    """Return whether a preset has a file of that name."""
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in PATTERNS)


def sha256(path):
    """Return a file's SHA-256 in hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
