"""What identifies a scene: the contents of its files.

Timestamps do not: a scene may be replaced by an older file, and a copy is the
same scene.
"""

import functools
import hashlib
import os
import re
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any

from rasterio.io import DatasetReader

from keras_rsseg.errors import RasterError
from keras_rsseg.errors import SceneError
from keras_rsseg.rasters.opener import open_raster
from keras_rsseg.rasters.sources import absolute_source
from keras_rsseg.rasters.sources import files_of
from keras_rsseg.rasters.sources import is_part
from keras_rsseg.rasters.sources import short_name

# Bytes to read from all of a scene's files together, and at a time.
_BUDGET = 64 << 20
_PIECE = 16 << 10
# For a mosaic of very many files: beginning, middle and end of each.
_LEAST_PIECES, _SMALLEST_PIECE = 3, 512

_ARCHIVE = re.compile(r"^(/vsi[a-z0-9_]+/)+\{?")


def scene_identity(dataset: DatasetReader) -> dict[str, Any]:
    """Return a dict that identifies a scene.

    Files of up to 64 MiB together are read whole. Of larger ones, 64 MiB are
    read, spread from beginning to end: seconds, where a scene takes hours.

    Args:
        dataset: the scene, an open rasterio dataset.

    Returns:
        Its name, and the size and checksum of each file on disk that GDAL
        lists for it; JSON can hold it.
    """
    name = dataset.name
    return {
        "name": absolute_source(name),
        "label": scene_label(name, dataset.files),
        "files": files_identity(_files(dataset)),
        "dtypes": list(dataset.dtypes),
    }


def check_unchanged(identity: dict[str, Any]) -> None:
    """Raise if a scene has changed since a run began.

    A scene that no longer exists passes, as it was read to its end.

    Args:
        identity: what `scene_identity` returned at the beginning.

    Raises:
        SceneError: if one of its files was written or replaced.
    """
    before = identity["files"]
    there = [path for path in before if os.path.exists(path)]
    for path, said in files_identity(there, len(before)).items():
        if said != before[path]:
            raise SceneError(
                f"{path} was changed while it was being mapped, so the map "
                "would mix two versions of it. Start again when it is "
                "complete"
            )


def files_identity(
    paths: Iterable[str], among: int | None = None
) -> dict[str, Any]:
    """Return the sizes and checksums of files by path; JSON can hold them.

    Args:
        paths: paths of files on disk. Up to 64 MiB together they are read
            whole, beyond that in pieces.
        among: how many files share the 64 MiB; defaults to these.
    """
    paths = sorted(set(paths))
    share = _BUDGET // max(among or len(paths), 1)
    return {path: _size_and_checksum(path, share) for path in paths}


def copied_identity(identity: dict[str, Any]) -> list[Any]:
    """Return the part that a copy of the scene in another folder shares.

    Args:
        identity: what `scene_identity` returned.
    """
    files = [
        [os.path.basename(path), *said]
        for path, said in identity["files"].items()
    ]
    return [identity["label"], sorted(files), identity["dtypes"]]


def scene_label(name: str, files: Iterable[str] = ()) -> str:
    """Return a scene's name without its folder or anything else private.

    Args:
        name: path or URL, which may hold the user's name or a key.
        files: paths of its files, which may be part of the name.
    """
    if name.lstrip().startswith("<"):
        return "a virtual raster"
    names = files_of(name)
    if len(names) > 1:
        return "+".join(scene_label(each, files) for each in names)
    if is_part(name):
        for path in sorted(files, key=len, reverse=True):
            name = name.replace(path, os.path.basename(path))
        return short_name(name)
    if "://" in name or name.startswith("/vsi"):
        name = re.split(r"[?#]", name)[0]
    return os.path.basename(name.rstrip("/"))


def _files(dataset: DatasetReader) -> Iterator[str]:
    """Absolute paths of a scene's files, including those of its mosaics."""
    seen, waiting = set(), list(dataset.files)
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        found = _on_disk(path)
        if found is None:
            continue
        yield os.path.abspath(found)
        if path.lower().endswith(".vrt") and path != dataset.name:
            waiting.extend(_files_within(path))


def _files_within(path: str) -> list[str]:
    try:
        with open_raster(path) as dataset:
            return list(dataset.files)
    except (OSError, RasterError):
        # Reading the scene will raise the error.
        return []


def _on_disk(path: str) -> str | None:
    """The file behind a GDAL path, if it is on disk."""
    place = _ARCHIVE.sub("", path)
    if place == path:
        return path if os.path.isfile(path) else None
    # Within an archive: the archive.
    while not os.path.isfile(place):
        above = os.path.dirname(place).rstrip("}")
        if above in ("", place):
            return None
        place = above
    return place


def _size_and_checksum(path: str, share: int) -> list[Any]:
    status = os.stat(path)
    # The change time cannot be set back, unlike the modification time.
    version = status.st_ino, status.st_ctime_ns, status.st_mtime_ns
    return [status.st_size, _checksum(path, status.st_size, share, version)]


@functools.lru_cache(maxsize=1 << 12)
def _checksum(
    path: str, size: int, share: int, version: tuple[int, ...]
) -> str:
    """Checksum of a file, or of pieces of it that add up to `share` bytes."""
    del version
    digest = hashlib.blake2b(digest_size=16)
    with open(path, "rb") as file:
        if size <= share:
            while data := file.read(_BUDGET // 16):
                digest.update(data)
            return digest.hexdigest()
        count = max(share // _PIECE, _LEAST_PIECES)
        length = min(max(share // count, _SMALLEST_PIECE), size)
        for index in range(count):
            file.seek((size - length) * index // (count - 1))
            digest.update(file.read(length))
    return digest.hexdigest()
