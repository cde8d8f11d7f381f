"""Checksums of a preset's files, kept in its metadata.

A file that changed on its way, or a save that was stopped halfway, is told
from the preset that was saved. Presets without sums load all the same.
"""

import os
import pathlib
from collections.abc import Iterable
from typing import Any

from keras_rsseg.hub.preset_files import METADATA
from keras_rsseg.hub.preset_files import WEIGHTS
from keras_rsseg.hub.preset_files import DamagedFileError
from keras_rsseg.hub.preset_files import check_regular
from keras_rsseg.hub.preset_files import is_preset_file
from keras_rsseg.hub.preset_files import matches
from keras_rsseg.hub.preset_files import preset_files
from keras_rsseg.hub.preset_files import read_json
from keras_rsseg.hub.preset_files import sha256
from keras_rsseg.hub.preset_files import update_metadata

_KEY = "sha256"


def record_sums(folder: str | os.PathLike) -> None:
    """Write the SHA-256 of every file of a preset to its metadata.

    For whoever changes a file of a preset and means it.

    Args:
        folder: path of a preset, which has its `metadata.json`.

    Example:

    ```python
    from keras_rsseg.hub.preset_sums import check_sums, record_sums

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
    update_metadata(folder, **{_KEY: sums})


def update_sums(folder: str | os.PathLike, names: Iterable[str]) -> None:
    """Write the SHA-256 of some files of a preset to its metadata.

    Args:
        folder: path of a preset. Without sums, it gets none.
        names: of the files.
    """
    sums = _sums(pathlib.Path(folder))
    if sums is not None:
        new = {name: sha256(pathlib.Path(folder) / name) for name in names}
        update_metadata(folder, **{_KEY: {**sums, **new}})


def check_sums(folder: str | os.PathLike, load_weights: bool = True) -> None:
    """Refuse a preset whose files are not those that were saved.

    Args:
        folder: path of a preset. Without sums, only its files' kinds count.
        load_weights: whether to check the weights as well.

    Raises:
        DamagedFileError: a file is missing, too many, no file or changed.
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
                "is not of this preset, perhaps of one saved here before: "
                "move it away",
            )
        if sha256(folder / name) != sums[name]:
            raise DamagedFileError(
                name,
                f"is not as it was saved: its SHA-256 is another than "
                f"{METADATA} says. If you changed it, run "
                "keras_rsseg.hub.preset_sums.record_sums(folder)",
            )


def _sums(folder: pathlib.Path) -> dict[str, str] | None:
    path = folder / METADATA
    if not path.exists() and not path.is_symlink():
        return None
    metadata = read_json(path)
    if not isinstance(metadata, dict):
        raise DamagedFileError(METADATA, "holds no JSON object")
    sums: Any = metadata.get(_KEY)
    if sums is None:
        return None
    if not isinstance(sums, dict) or not all(
        is_preset_file(name) and os.path.basename(name) == name for name in sums
    ):
        raise DamagedFileError(
            METADATA, f"must state under {_KEY!r} the sums of preset files"
        )
    return sums
