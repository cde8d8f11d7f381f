"""Presets that appear whole or not at all."""

import contextlib
import os
import pathlib
import shutil
import uuid
from collections.abc import Iterator

from keras_rsseg.files import sync_file
from keras_rsseg.files import sync_folder
from keras_rsseg.hub.preset_files import METADATA
from keras_rsseg.hub.preset_files import preset_files
from keras_rsseg.hub.preset_files import record_sums
from keras_rsseg.hub.preset_files import record_version
from keras_rsseg.hub.preset_files import update_sums

# Folders that are being filled; saving a part can find itself in one.
_STAGED: set[pathlib.Path] = set()


@contextlib.contextmanager
def written_whole(folder: str | os.PathLike) -> Iterator[str]:
    """Yield a folder to save a preset into, which replaces `folder` at the end.

    A new preset appears by a single rename. An existing preset, and any other
    files beside its own, stay as they were until all of the new one is on
    disk; its files are then exchanged, starting with the metadata and its
    checksums. If the machine stops at this very moment, the mixture does not
    load, and the old files are in the hidden folder within.

    Code that saves a part of a preset can also use it: within the `with`
    block, the yielded folder is not staged again.

    Args:
        folder: path of the preset, which can exist.

    Yields:
        The path of a new folder, in which `metadata.json` must be written.

    Raises:
        FileExistsError: `folder` is a file.
        OSError: the location cannot be written.
    """
    place = pathlib.Path(os.path.realpath(folder))
    if place in _STAGED:
        # A part of a preset that is being written.
        yield str(folder)
        return
    if place.exists() and not place.is_dir():
        raise FileExistsError(f"{folder} is a file. A preset is a folder.")
    exists = place.is_dir()
    home = place if exists else place.parent
    home.mkdir(parents=True, exist_ok=True)
    # Not tempfile, whose folders are private: presets are for sharing.
    staged = home / f".{place.name}.{uuid.uuid4().hex[:8]}.partial"
    staged.mkdir()
    _STAGED.add(staged)
    try:
        yield str(staged)
        record_version(staged)
        record_sums(staged)
        for path in staged.iterdir():
            sync_file(path)
        if exists:
            _exchange(staged, place)
        else:
            os.replace(staged, place)
        sync_folder(home)
    finally:
        _STAGED.discard(staged)
        shutil.rmtree(staged, ignore_errors=True)


def written_into(folder: str | os.PathLike, *names: str) -> None:
    """Record the checksums of files that were written into a preset.

    Args:
        folder: path of a preset. If it has no checksums, none are recorded.
        *names: names of the files. Other checksums stay, so that damage to
            other files still shows.
    """
    place = pathlib.Path(os.path.realpath(folder))
    if place not in _STAGED:
        update_sums(place, names)


def _exchange(staged: pathlib.Path, place: pathlib.Path) -> None:
    """Move new files in, and those of the previous preset out."""
    new = sorted(preset_files(staged), key=lambda path: path.name != METADATA)
    names = {path.name for path in new}
    old = staged / "old"
    old.mkdir()
    placed = []
    try:
        for path in new:
            target = place / path.name
            if os.path.lexists(target):
                _keep(target, old / path.name)
            placed.append(target)
            os.replace(path, target)
        for path in preset_files(place):
            if path.name not in names:
                os.replace(path, old / path.name)
    except BaseException:
        for path in placed:
            path.unlink(missing_ok=True)
        for path in old.iterdir():
            os.replace(path, place / path.name)
        raise


def _keep(path: pathlib.Path, place: pathlib.Path) -> None:
    """Give a file a second name, so that its first can be reused."""
    try:
        os.link(path, place, follow_symlinks=False)
    except OSError:  # a folder, or a file system without links
        os.replace(path, place)
