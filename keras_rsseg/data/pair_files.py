"""Finding the files of images and masks, and pairing them by name."""

import collections
import glob
import os
import pathlib
import re
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import MaskError
from keras_rsseg.rasters.opener import is_path
from keras_rsseg.rasters.sources import is_virtual

SUFFIXES = (".bmp", ".jp2", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".vrt")
_PATTERN = re.compile(r"[*?\[]")
_TOKEN = re.compile(r"\d+|[^\W\d_]+")
_SHOWN = 8

# What tells a file from the others: the words and numbers of its name.
Key = tuple[str | int, ...]


def matching_files(
    images: str | os.PathLike[str], masks: str | os.PathLike[str]
) -> tuple[list[pathlib.Path], list[pathlib.Path]]:
    """Pair images with masks of the same name, whatever their suffixes.

    If no names are the same, files are paired by what tells their names
    apart: `img_2.tif` and `img_10.tif` with `mask_02.png` and `mask_10.png`.

    Args:
        images: path of a folder or of an image, or a pattern such as
            `"images/*.tif"`.
        masks: path of a folder or of a mask, or a pattern; one of a single
            file if `images` is one.

    Returns:
        Two lists of paths of the same length, ordered by name. Hidden files,
        and files without the suffix of an image, are skipped.

    Raises:
        FileNotFoundError: if there is no such file or folder.
        MaskError: if an image has no mask, a mask no image, or two files of
            a folder the same name.
        ArgumentError: if a folder holds no image, or one argument is a
            folder and the other a file.

    Example:

    ```python
    import pathlib

    for file in ("images/harbour.tif", "masks/harbour.png"):
        path = pathlib.Path("val", file)
        path.parent.mkdir(parents=True)
        path.touch()
    images, masks = keras_rsseg.evaluation.matching_files(
        "val/images", "val/masks"
    )
    masks[0].name  # "harbour.png"
    ```
    """
    for source in (images, masks):
        if not is_many(source) and not pathlib.Path(source).exists():
            raise FileNotFoundError(f"There is no file or folder {source}")
    if is_many(images) != is_many(masks):
        raise ArgumentError(
            "`images` and `masks` must be two folders or two files. Received: "
            f"{images} and {masks}"
        )
    if not is_many(images):
        return [pathlib.Path(images)], [pathlib.Path(masks)]
    image_files, mask_files = _by_stem(images), _by_stem(masks)
    if not set(image_files) & set(mask_files):
        image_files, mask_files = _by_key(image_files, mask_files)
    for one, other, missing, folder in (
        (image_files, mask_files, "masks", masks),
        (mask_files, image_files, "images", images),
    ):
        alone = sorted(set(one) - set(other))
        if alone:
            raise MaskError(
                f"{len(alone)} of {len(one)} files have no partner in "
                f"{folder}. Missing {missing}: {_listed(alone)} (with any of "
                f"{', '.join(SUFFIXES)}). There are: "
                f"{_listed(sorted(other))}"
            )
    stems = sorted(image_files)
    return (
        [image_files[stem] for stem in stems],
        [mask_files[stem] for stem in stems],
    )


def is_many(source: Any) -> bool:
    """Return whether a path is a folder or a pattern, naming many files.

    Args:
        source: anything.
    """
    if not is_path(source) or is_virtual(os.fspath(source)):
        return False
    return pathlib.Path(source).is_dir() or _is_pattern(source)


def find_files(source: str | os.PathLike[str]) -> list[pathlib.Path]:
    """Return the images of a folder or of a pattern, ordered by name.

    Args:
        source: path of a folder, or a pattern with `*`, `?`, `[...]` or
            `**`.

    Returns:
        A list of paths, `img_2` before `img_10`. Hidden files, and files
        without the suffix of an image, are skipped.

    Raises:
        ArgumentError: if there are none.
    """
    if _is_pattern(source):
        paths = [
            pathlib.Path(path)
            for path in glob.glob(os.fspath(source), recursive=True)
        ]
        found = [path for path in paths if is_image_file(path)]
        if not found:
            raise ArgumentError(
                f"No image matches the pattern {source} ({', '.join(SUFFIXES)})"
            )
    else:
        found = [
            path
            for path in pathlib.Path(source).iterdir()
            if is_image_file(path)
        ]
        if not found:
            raise ArgumentError(
                f"The folder {source} holds no images ({', '.join(SUFFIXES)})"
            )
    return sorted(found, key=lambda path: (_sorting(path.stem), str(path)))


def is_image_file(path: pathlib.Path) -> bool:
    """Return whether a path's name is that of an image.

    Args:
        path: the path; hidden files do not count.
    """
    return not is_hidden(path) and path.suffix.lower() in SUFFIXES


def is_hidden(path: str | os.PathLike[str]) -> bool:
    """Return whether a file is hidden, such as `.DS_Store` and `._a.png`.

    Args:
        path: its path.
    """
    return pathlib.Path(path).name.startswith(".")


def check_order(images: Sequence[Any], masks: Sequence[Any]) -> None:
    """Raise if file names say that lists are in different orders.

    It compares the words and numbers, by value, that tell the names of a list
    apart. Names that the two lists do not share are ignored.

    Args:
        images: list; only paths are looked at.
        masks: list of the same length.

    Raises:
        MaskError: if a mask has the name of another image.
    """
    if len(images) < 2 or not all(map(is_path, (*images, *masks))):
        return
    pairs = list(zip(images, masks, strict=True))
    for keys_of in (_stems, _keys):
        ours, theirs = keys_of(images), keys_of(masks)
        if len(set(ours)) < len(ours) or len(set(theirs)) < len(theirs):
            continue
        shared = set(ours) & set(theirs)
        wrong = [
            pair
            for pair, one, other in zip(pairs, ours, theirs, strict=True)
            if one != other and (one in shared or other in shared)
        ]
        if 2 * len(shared) > len(ours) and wrong:
            first = " with ".join(pathlib.Path(path).name for path in wrong[0])
            raise MaskError(
                f"`images` and `masks` are in different orders: {len(wrong)} "
                f"of {len(pairs)} pairs have names that do not match, such as "
                f"{first}. Give the two folders, which are paired by name, or "
                "lists in the same order"
            )
        if shared:
            return


def _is_pattern(source: str | os.PathLike[str]) -> bool:
    path = os.fspath(source)
    return (
        _PATTERN.search(path) is not None
        and not is_virtual(path)
        and not os.path.exists(path)
    )


def _by_stem(source: str | os.PathLike[str]) -> dict[str, pathlib.Path]:
    files: dict[str, pathlib.Path] = {}
    for path in find_files(source):
        if path.stem in files:
            raise MaskError(
                f"Two files of {source} have the same name, so their partners "
                f"are unclear: {files[path.stem].name}, {path.name}"
            )
        files[path.stem] = path
    return files


def _by_key(
    images: Mapping[str, pathlib.Path], masks: Mapping[str, pathlib.Path]
) -> tuple[dict[str, pathlib.Path], dict[str, pathlib.Path]]:
    """Key both by the images' names, if the same parts tell each apart."""
    ours, theirs = _keys(images), _keys(masks)
    if (
        len(images) < 2
        or set(ours) != set(theirs)
        or len({*ours}) < len(ours)
        or len({*theirs}) < len(theirs)
    ):
        return dict(images), dict(masks)
    names = dict(zip(ours, images, strict=True))
    return dict(images), {
        names[key]: path
        for key, path in zip(theirs, masks.values(), strict=True)
    }


def _stems(paths: Iterable[Any]) -> list[Key]:
    return [(pathlib.Path(path).stem,) for path in paths]


def _keys(paths: Iterable[Any]) -> list[Key]:
    """The words and numbers of names, without those that all share."""
    names = [_tokens(pathlib.Path(path).stem) for path in paths]
    counts = collections.Counter(token for name in names for token in set(name))
    return [
        tuple(token for token in name if counts[token] < len(names))
        for name in names
    ]


def _tokens(stem: str) -> Key:
    return tuple(
        int(token) if token.isdecimal() else token.lower()
        for token in _TOKEN.findall(stem)
    )


def _sorting(stem: str) -> list[tuple[bool, str | int]]:
    """What to sort names by, numbers by their value."""
    parts = re.split(r"(\d+)", stem)
    return [(part.isdecimal(), _number(part)) for part in parts]


def _number(part: str) -> str | int:
    return int(part) if part.isdecimal() else part


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
