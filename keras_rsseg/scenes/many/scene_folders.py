"""The scenes in a folder, or that a pattern matches."""

import fnmatch
import glob
import logging
import os
import pathlib
import re
from collections.abc import Iterable
from collections.abc import Sequence

from keras_rsseg.rasters.opener import opens
from keras_rsseg.rasters.output_files import is_own
from keras_rsseg.typing import PathLike

logger = logging.getLogger(__name__)

# Suffixes of scenes in a folder; those that may hold anything, and count if
# GDAL finds a raster; and others that a map's name leaves out.
_SUFFIXES = frozenset(
    ".asc .bil .bip .bmp .bsq .ecw .gif .hgt .img .j2k .jp2 .jpeg .jpg .kea "
    ".nitf .ntf .pix .png .sid .tif .tiff .vrt .webp".split()
)
_CONTAINERS = frozenset({".gpkg", ".mbtiles", ".zarr"})
KNOWN = _SUFFIXES | _CONTAINERS | {".h5", ".hdf", ".nc", ".safe"}
# Quicklooks that a delivery holds beside its images.
_PICTURES = frozenset(".bmp .gif .jpeg .jpg .png .webp".split())
_BROWSED = re.compile(
    r"[-_. ](browse|overview|preview|pvi|ql|quicklook|thumb|thumbnail)$"
)
_SHOWN = 5


def find_rasters(source: str, output: PathLike) -> list[tuple[str, str]]:
    """Return the rasters in a folder, or that a pattern matches.

    Links to folders are followed, each folder once. Files in `output`, maps
    of this package, and pictures beside an image of the same name are left
    out.

    Args:
        source: path of a folder, or a pattern.
        output: folder of the maps.

    Returns:
        List of `(path, name)`; the name is relative to the folder, or to the
        part of the pattern before its first wildcard.

    Raises:
        FileNotFoundError: if there is none.
    """
    if os.path.isdir(source):
        top, named = source, False
        paths: Iterable[str] = _walk(source)
    else:
        top, suffix = _fixed_part(source), os.path.splitext(source)[1]
        named = bool(suffix) and not glob.has_magic(suffix)
        paths = _matching(source, top)
    # Maps of an earlier run are not scenes.
    paths = (path for path in paths if not _is_inside(path, output, top))
    taken = _rasters(source, paths, named)
    own = {path for path in taken if is_own(path)}
    taken = [path for path in taken if path not in own]
    taken = _without_pictures(source, taken)
    if not taken:
        others = f" but {len(own)} maps of this package" if own else ""
        raise FileNotFoundError(f"There are no rasters in {source}{others}")
    return [(path, os.path.relpath(path, top)) for path in taken]


def _walk(folder: str) -> list[str]:
    """The files below a folder, none hidden, and no folder twice.

    Links come last, so that a folder goes by its own name if possible.
    """
    found: list[str] = []
    seen: set[tuple[int, int]] = set()
    waiting = [folder]
    for start in waiting:
        for place, folders, files in os.walk(start):
            status = os.stat(place)
            if (status.st_dev, status.st_ino) in seen:
                folders.clear()
                continue
            seen.add((status.st_dev, status.st_ino))
            below = [
                os.path.join(place, name)
                for name in sorted(folders)
                if name[0] != "."
            ]
            # Zarr, and images whose parts are in a folder of their own.
            rasters = list(filter(opens, below))
            below = [path for path in below if path not in rasters]
            folders[:] = map(os.path.basename, below)
            waiting.extend(filter(os.path.islink, below))
            found += rasters
            found += [
                os.path.join(place, name) for name in files if name[0] != "."
            ]
    return sorted(found, key=_order)


def _order(path: str) -> list[tuple[bool, str]]:
    """The files of a folder come before those of the folders in it."""
    *folders, name = pathlib.Path(path).parts
    return [*((True, folder) for folder in folders), (False, name)]


def _matching(pattern: str, top: str) -> list[str]:
    """The paths that a pattern matches.

    Python's `glob` follows links to folders above it again and again, and may
    never end if there are two.
    """
    if "**" not in pathlib.Path(pattern).parts:
        return sorted(glob.glob(pattern))
    parts = pathlib.Path(pattern).parts[len(pathlib.Path(top).parts) :]
    found = [os.path.relpath(path, top) for path in _walk(top or os.curdir)]
    return [
        os.path.join(top, name)
        for name in found
        if _matches(pathlib.Path(name).parts, parts)
    ]


def _matches(names: Sequence[str], pattern: Sequence[str]) -> bool:
    if not pattern:
        return not names
    if pattern[0] == "**":
        rests = (names[start:] for start in range(len(names) + 1))
        return any(_matches(rest, pattern[1:] or ["*"]) for rest in rests)
    return (
        bool(names)
        and fnmatch.fnmatchcase(names[0], pattern[0])
        and _matches(names[1:], pattern[1:])
    )


def real_place(path: str) -> str:
    """Return where a file is, resolving links in the path of its folder.

    Args:
        path: path of the file, which may itself be a link.
    """
    folder, name = os.path.split(os.path.abspath(path))
    return os.path.join(os.path.realpath(folder), name)


def _is_inside(path: PathLike, output: PathLike, top: PathLike) -> bool:
    """Whether a path lies in `output`, and `top` does not."""
    folder = os.path.join(os.path.realpath(output), "")
    above = os.path.join(os.path.realpath(top), "")
    place = os.path.join(os.path.realpath(os.path.dirname(path)), "")
    return place.startswith(folder) and not above.startswith(folder)


def _rasters(source: str, paths: Iterable[str], named: bool) -> list[str]:
    """The rasters among some paths; the others are logged in one line."""
    taken: list[str] = []
    others: list[str] = []
    for path in paths:
        if os.path.isdir(path) and not opens(path):
            continue
        (taken if named or _is_raster(path) else others).append(path)
    if others:
        logger.warning(
            "Skipped in %s, not rasters by their suffix: %s",
            source,
            _listed(others),
        )
    return taken


def _is_raster(path: str) -> bool:
    """Whether a file or folder is a raster, by its suffix if possible."""
    suffix = os.path.splitext(path)[1].lower()
    if suffix in _SUFFIXES:
        return True
    if suffix in _CONTAINERS or os.path.isdir(path):
        return opens(path)
    # ENVI's files may have any suffix or none, but have a header beside them.
    headers = (path + ".hdr", os.path.splitext(path)[0] + ".hdr")
    beside = suffix != ".hdr" and any(map(os.path.isfile, headers))
    return beside and opens(path)


def _without_pictures(source: str, paths: list[str]) -> list[str]:
    """Leave out pictures, which would be mapped instead of their images."""
    images = {
        os.path.splitext(path)[0].lower()
        for path in paths
        if os.path.splitext(path)[1].lower() not in _PICTURES
    }
    pictures = [
        path
        for path in paths
        if os.path.splitext(path)[1].lower() in _PICTURES
        and _image_of(path) in images
        and not _has_world_file(path)
    ]
    if pictures:
        logger.warning(
            "Skipped in %s, pictures beside an image of the same name: %s",
            source,
            _listed(pictures),
        )
    return [path for path in paths if path not in pictures]


def _image_of(picture: str) -> str:
    """The name of the image that a picture is a quicklook of."""
    return _BROWSED.sub("", os.path.splitext(picture)[0].lower())


def _has_world_file(path: str) -> bool:
    """Whether a picture is georeferenced, and so an image itself."""
    stem, suffix = os.path.splitext(path)
    short = f".{suffix[1]}{suffix[-1]}w"
    beside = (f"{path}w", stem + short, f"{stem}.wld", f"{path}.aux.xml")
    return any(map(os.path.exists, beside))


def _listed(paths: list[str]) -> str:
    more = len(paths) - _SHOWN
    names = ", ".join(map(os.path.basename, paths[:_SHOWN]))
    return f"{names} and {more} more" if more > 0 else names


def _fixed_part(pattern: str) -> str:
    """The folder of a pattern, up to its first wildcard."""
    parts = pathlib.Path(pattern).parts[:-1]
    magic = [bool(glob.has_magic(part)) for part in parts] + [True]
    return os.path.join("", *parts[: magic.index(True)])
