"""Which files a data set consists of, and where they may lie."""

import dataclasses
import functools
import os
import pathlib
import re
import typing
from collections.abc import Callable
from collections.abc import Iterable

from keras_rsseg.datasets.dataset_facts import DatasetFacts
from keras_rsseg.errors import MissingFilesError
from keras_rsseg.tables import counted

CORRECTED = "corrected"
RELEASED = "released"
PARTIAL = "partial"

_COMMON_CONFIGS = {
    CORRECTED: "Colours that the palette lacks are void, and reported.",
    PARTIAL: (
        "Like corrected, with the scenes that are there. For trying "
        "things out: its scores are not comparable to anyone's."
    ),
}
_SHOWN = 10


class WantedFile(typing.NamedTuple):
    """A file by its name and the folders it may lie in, likeliest first."""

    folders: tuple[str, ...]
    name: str

    def __str__(self) -> str:
        return str(pathlib.PurePosixPath(self.folders[0], self.name))


class Scene(typing.NamedTuple):
    """An image and its mask: `WantedFile`s, or paths once they are found."""

    name: str
    image: typing.Any
    mask: typing.Any


@dataclasses.dataclass(frozen=True)
class SceneLayout:
    """The files of a data set, and how its masks are read.

    Attributes:
        facts: `DatasetFacts`.
        scenes: function `(folder, config) -> {split: [Scene]}`; `folder` is
            a `SceneFolder`, `config` the name of a configuration.
        instructions: which files to get and where to put them.
        configs: dict of further configurations, name to description.
        split_sizes: dict of the number of scenes a split must have, for
            layouts that take whatever a folder lists; or `None`.
        withheld: names of scenes whose masks not everyone can get. A split
            of only such scenes is left out if none of its masks is there.
        skipped: dict `configuration -> names` of scenes that it leaves out.
        mask_values: dict `value -> class id` of masks of one band; `None`
            for masks that are coloured in `facts.palette`.
        inexact_scenes: names of scenes whose masks do not have the exact
            colours of a palette of only 0 and 255; they are rounded.
        roots: folders inside the data set's own that archives may unpack
            to.
    """

    facts: DatasetFacts
    scenes: Callable[["SceneFolder", str], dict[str, list[Scene]]]
    instructions: str
    configs: dict[str, str] = dataclasses.field(default_factory=dict)
    split_sizes: dict[str, int] | None = None
    withheld: frozenset[str] = frozenset()
    skipped: dict[str, tuple[str, ...]] = dataclasses.field(
        default_factory=dict
    )
    mask_values: dict[int, int] | None = None
    inexact_scenes: frozenset[str] = frozenset()
    roots: tuple[str, ...] = ()

    @property
    def all_configs(self) -> dict[str, str]:
        """Dict of configurations, the default first."""
        default = {CORRECTED: _COMMON_CONFIGS[CORRECTED]}
        return default | self.configs | _COMMON_CONFIGS


class SceneFolder:
    """The files of a data set where the user unpacked them.

    File names match in upper and lower case.

    Args:
        manual_dir: TFDS's folder of manual downloads. The files lie in
            `manual_dir/<name>` or, if that does not exist, in
            `manual_dir`.
        layout: `SceneLayout`.
    """

    def __init__(
        self, manual_dir: str | os.PathLike[str], layout: SceneLayout
    ) -> None:
        folder = pathlib.Path(manual_dir)
        if (folder / layout.facts.name).is_dir():
            folder = folder / layout.facts.name
        self.roots = [folder, *(folder / root for root in layout.roots)]
        self._listing = functools.cache(self._list)

    def find(self, wanted: WantedFile) -> pathlib.Path | None:
        """Return the path of a `WantedFile`, or `None`."""
        for folder in wanted.folders:
            path = self._listing(folder).get(wanted.name.lower())
            if path is not None:
                return path
        return None

    def names(self, folders: Iterable[str], pattern: str) -> set[str]:
        """Return group 1 of all file names in `folders` that match.

        Args:
            folders: the folders, as in a `WantedFile`.
            pattern: regular expression of a whole file name.
        """
        matches = [
            re.fullmatch(pattern, path.name, re.IGNORECASE)
            for folder in folders
            for path in self._listing(folder).values()
        ]
        return {match[1] for match in matches if match}

    def _list(self, folder: str) -> dict[str, pathlib.Path]:
        files: dict[str, pathlib.Path] = {}
        for root in self.roots:
            place = root / folder
            # An archive unpacked into a folder of its own name.
            for part in (place, place / place.name):
                if part.is_dir():
                    for path in sorted(part.iterdir()):
                        files.setdefault(path.name.lower(), path)
        return files


def listed_scenes(
    folder: SceneFolder,
    images: tuple[str, ...],
    masks: tuple[str, ...],
    image_name: str,
    mask_name: str,
    names: str = r"[a-z]*\d+",
) -> list[Scene]:
    """Return the scenes that a folder lists, in the order of their names.

    An image without a mask, or a mask without an image, counts as well: the
    missing file is an error.

    Args:
        folder: `SceneFolder`.
        images: folders that images may lie in.
        masks: folders that masks may lie in.
        image_name: file name of an image, `{}` for the scene's name.
        mask_name: file name of a mask.
        names: regular expression of the names; by default a number with or
            without letters before it.

    Returns:
        List of `Scene`.
    """
    found = set()
    for folders, template in ((images, image_name), (masks, mask_name)):
        pattern = re.escape(template).replace(r"\{\}", f"({names})")
        found |= folder.names(folders, pattern)
    return [
        Scene(
            name,
            WantedFile(images, image_name.format(name)),
            WantedFile(masks, mask_name.format(name)),
        )
        for name in sorted(found, key=lambda name: (len(name), name))
    ]


def find_scenes(
    layout: SceneLayout, manual_dir: str | os.PathLike[str], config: str
) -> tuple[dict[str, list[Scene]], list[str]]:
    """Find the files of a configuration.

    Args:
        layout: `SceneLayout`.
        manual_dir: TFDS's folder of manual downloads.
        config: name of the configuration.

    Returns:
        Dict `split -> [Scene]` with paths, and the list of splits that were
        left out.

    Raises:
        MissingFilesError: if files are missing, or a split has the wrong
            number of scenes. It lists them.
    """
    folder = SceneFolder(manual_dir, layout)
    wanted = layout.scenes(folder, config)
    found = {
        split: [
            Scene(scene.name, folder.find(scene.image), folder.find(scene.mask))
            for scene in scenes
        ]
        for split, scenes in wanted.items()
    }
    left_out, missing, wrong = [], [], []
    if config == PARTIAL:
        for split, scenes in found.items():
            found[split] = [s for s in scenes if s.image and s.mask]
        found = {split: scenes for split, scenes in found.items() if scenes}
    else:
        left_out = [
            split
            for split, scenes in found.items()
            if scenes
            and all(s.name in layout.withheld and not s.mask for s in scenes)
        ]
        found = {
            split: found[split] for split in found if split not in left_out
        }
        missing = list(_missing(wanted, found))
        wrong = list(_wrong_sizes(layout, found))
    if missing or wrong or not found or not all(found.values()):
        raise MissingFilesError(_message(layout, folder, missing, wrong))
    skipped = layout.skipped.get(config, ())
    for split, scenes in found.items():
        found[split] = [s for s in scenes if s.name not in skipped]
    return found, left_out


def _missing(wanted, found):
    for split, paths in found.items():
        for scene, path in zip(wanted[split], paths, strict=True):
            if not path.image:
                yield scene.image
            if not path.mask:
                yield scene.mask


def _wrong_sizes(layout, found):
    for split, size in (layout.split_sizes or {}).items():
        count = len(found.get(split, ()))
        if count != size:
            yield f"{split} has {counted(count, 'scene')} instead of {size}"


def _message(layout, folder, missing, wrong):
    name = layout.facts.name
    lines = [f"{name}: {problem}." for problem in wrong]
    if missing:
        lines += [f"{name}: files missing: {len(missing)}"]
        lines += [f"  {wanted}" for wanted in missing[:_SHOWN]]
        if len(missing) > _SHOWN:
            lines += [f"  and {len(missing) - _SHOWN} more"]
    if not lines:
        lines = [f"{name}: no image with its mask was found."]
    places = sorted(
        {part for wanted in missing for part in wanted.folders[1:] if part}
    )
    if places:
        lines += [f"Other folders they may be in: {', '.join(places)}"]
    lines += [
        f"Looked in: {', '.join(str(root) for root in folder.roots)}",
        layout.instructions.strip(),
        f'To continue with the scenes that are there: "{name}/{PARTIAL}".',
    ]
    return "\n".join(lines)
