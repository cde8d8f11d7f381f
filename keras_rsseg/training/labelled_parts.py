"""Splitting images and masks into parts to train on and to validate with."""

import dataclasses
import functools
import math
import os
import pathlib
import re
import statistics
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from keras_rsseg.data.pairs import NO_DATA
from keras_rsseg.data.pairs import ImageMaskPairs
from keras_rsseg.data.sources import as_lists
from keras_rsseg.data.sources import size_of
from keras_rsseg.data.sources import undrawn
from keras_rsseg.data.split import train_validation_split
from keras_rsseg.data.tile_dataset import tile_dataset
from keras_rsseg.data.vector_masks import is_vector
from keras_rsseg.errors import ArgumentError
from keras_rsseg.rasters.opener import is_path
from keras_rsseg.rasters.opener import name_of
from keras_rsseg.rasters.opener import open_raster
from keras_rsseg.rasters.sources import is_virtual
from keras_rsseg.sample_checks import SampleWarning
from keras_rsseg.scenes.reading.ground_size import ground_pixel_size
from keras_rsseg.tables import counted
from keras_rsseg.training_options import MANY_IMAGES
from keras_rsseg.training_options import TrainingOptions
from keras_rsseg.void import VOID

# Images this much finer than the preset's are read as coarsely.
_MUCH_FINER = 2.0
# Fewest tiles left of images that are read coarsely; blocks to split into.
_FEWEST_TILES = 16
_BLOCKS = 16
_LARGEST_BLOCK = 2048
# Most bytes of decoded images to keep in memory.
_MOST_CACHED = 4 << 30
_VRT = "vrt://"
_PLACE = re.compile(r"srcwin=(\d+),(\d+)")

# Lists of images and of their masks.
Pairs = tuple[list[Any], Any]


@dataclasses.dataclass(frozen=True)
class LabelledParts:
    """The parts to train on and to validate with.

    Attributes:
        train: lists of images and masks, as `tile_dataset` takes them.
        validation: likewise; no pixel is in both.
        ground_sample_distance: metres per pixel at which they are read,
            `None` if unknown.
        held_out: the validation part, in words.
        options: further arguments of `tile_dataset` for them.
    """

    train: Pairs
    validation: Pairs
    ground_sample_distance: float | None
    held_out: str
    options: dict[str, Any]
    _read: list[tuple[Pairs, ImageMaskPairs]] = dataclasses.field(
        default_factory=list, init=False, repr=False, compare=False
    )

    def tiles(self, part: Pairs, **options: Any) -> Any:
        """Return the tiles of a part, see `tile_dataset`."""
        with warnings.catch_warnings():
            # `check` and `missing_classes()` have already warned.
            warnings.simplefilter("ignore", SampleWarning)
            return tile_dataset(self._pairs(part), **options)

    def missing_classes(self, part: Pairs) -> set[int]:
        """Return the ids of classes that have no pixel in a part."""
        counts = self._pairs(part).id_counts
        number = self.options["num_classes"]
        return set(np.flatnonzero(counts[:number] == 0).tolist())

    def records(self, part: Pairs, side: int | None = None) -> "Records":
        """Return a part's images as records that `evaluate` takes.

        Args:
            part: lists of images and masks.
            side: length of the part of one image that stands for all of
                them, `None` for whole images.
        """
        return Records(self._pairs(part), side)

    def _pairs(self, part: Pairs) -> ImageMaskPairs:
        """A part's images and masks, read and checked once."""
        for known, pairs in self._read:
            if known is part:
                return pairs
        values = sum(_values(image) for image in part[0])
        pairs = ImageMaskPairs(
            *part, cache=values < _MOST_CACHED, **self.options
        )
        self._read.append((part, pairs))
        return pairs

    def area(self, part: Pairs) -> int:
        """Return the number of pixels of a part."""
        return sum(math.prod(size_of(image, "images")) for image in part[0])


class Records:
    """Records of images with labels, which can be iterated repeatedly."""

    def __init__(self, pairs: ImageMaskPairs, side: int | None) -> None:
        self._pairs, self._side = pairs, side

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for index in range(len(self._pairs)):
            image, mask = self._pairs.read(index, None)
            mask[mask == NO_DATA] = VOID
            labelled = mask != VOID
            if not labelled.any():
                continue
            part = _around(labelled, self._side)
            yield {
                "name": _part_name(self._pairs.names[index]),
                "image": image[part],
                "mask": mask[part].astype("uint8"),
            }
            if self._side is not None:
                return


def _around(labelled: np.ndarray, side: int | None) -> tuple[slice, slice]:
    """A square that holds a pixel amid the labelled ones."""
    if side is None:
        return slice(None), slice(None)
    rows = np.flatnonzero(labelled.any(axis=1))
    middle_row = rows[len(rows) // 2]
    cols = np.flatnonzero(labelled[middle_row])
    row, col = (
        int(np.clip(place - side // 2, 0, max(length - side, 0)))
        for place, length in zip(
            (middle_row, cols[len(cols) // 2]), labelled.shape, strict=True
        )
    )
    return slice(row, row + side), slice(col, col + side)


def labelled_parts(
    images: Any,
    masks: Any,
    options: TrainingOptions,
    preset_distance: float | None,
    num_classes: int,
) -> LabelledParts:
    """Settle the pixel size at which images are read, and split them.

    Args:
        images, masks: as `keras_rsseg.train` takes them.
        options: options of the training.
        preset_distance: metres per pixel that the preset was trained at, or
            `None`.
        num_classes: number of classes.

    Raises:
        ArgumentError: if images cannot be split, or not read at a distance.
    """
    told = {"class_attribute": options.class_attribute, "ids": options.ids}
    reading = {**told, "palette": options.palette, "bands": options.bands}
    pairs = _listed(images, masks, told)
    if options.validation_images is not None:
        others = _listed(
            options.validation_images, options.validation_masks, told
        )
    sizes = [_ground_size(image) for image in pairs[0]]
    area = sum(math.prod(size_of(image, "images")) for image in pairs[0])
    distance = _distance(sizes, area, options, preset_distance)
    if options.validation_images is not None:
        held_out = counted(len(others[0]), "separate image")
        train, validation = pairs, others
    else:
        by = options.split
        if by == "auto":
            by = "scene" if len(pairs[0]) >= MANY_IMAGES else "block"
        train, validation = train_validation_split(
            *pairs,
            options.validation,
            by=by,
            block_size=_block_size(area, sizes, distance, options),
            seed=options.seed,
            class_counts=functools.partial(_class_counts, reading, num_classes),
        )
        what = "images" if by == "scene" else "blocks"
        number = len(validation[0])
        held_out = f"{number} of {number + len(train[0])} {what}"
    if options.ground_sample_distance is not None and distance is not None:
        train, validation = (
            _at_distance(part, distance) for part in (train, validation)
        )
    if options.ground_sample_distance is None:
        distance = _middle(sizes)
    return LabelledParts(
        train,
        validation,
        distance,
        held_out,
        {**reading, "num_classes": num_classes},
    )


def _class_counts(
    reading: dict[str, Any], num_classes: int, images: list, masks: list
) -> np.ndarray:
    """Pixels of each class in each image."""
    with warnings.catch_warnings():
        # `check` has already warned.
        warnings.simplefilter("ignore")
        pairs = ImageMaskPairs(images, masks, cache=False, **reading)
    return pairs.counts_of_each[:, :num_classes]


def _listed(images: Any, masks: Any, told: dict[str, Any]) -> Pairs:
    """Lists of images and masks; polygons by the name of their file."""
    listed, found = as_lists(images, masks, **told)
    if found is None:
        raise ArgumentError("`masks` must be given. Received: None")
    return listed, undrawn(found)


def _middle(sizes: list[float | None]) -> float | None:
    known = [size for size in sizes if size is not None]
    return round(statistics.median(known), 4) if known else None


def _distance(
    sizes: list[float | None],
    area: int,
    options: TrainingOptions,
    preset_distance: float | None,
) -> float | None:
    """Metres per pixel at which images are read, `None` for as they are."""
    wanted, middle = options.ground_sample_distance, _middle(sizes)
    if wanted == "auto":
        if preset_distance is None or middle is None:
            return middle
        # As coarse as the preset's, as long as enough tiles remain.
        tiles = area / options.tile_size**2
        remaining = middle * math.sqrt(tiles / _FEWEST_TILES)
        coarse = round(min(preset_distance, remaining), 3)
        return coarse if coarse >= _MUCH_FINER * middle else middle
    if wanted is not None and None in sizes:
        raise ArgumentError(
            "`ground_sample_distance` needs images that state the size of "
            "their pixels on the ground: GeoTIFFs. Received: "
            f"ground_sample_distance={wanted!r}, with an image that does not"
        )
    return None if wanted is None else float(wanted)


def _block_size(
    area: int,
    sizes: list[float | None],
    distance: float | None,
    options: TrainingOptions,
) -> int:
    """Length of a block, in pixels of the files."""
    factors = [
        1.0 if size is None or distance is None else _factor(distance / size)
        for size in sizes
    ]
    factor = max(factors)
    if options.block_size is not None:
        return max(1, round(options.block_size * factor))
    length = max(math.sqrt(area / _BLOCKS) / factor, options.tile_size / 2)
    return round(factor * min(length, _LARGEST_BLOCK))


def _factor(factor: float) -> float:
    """By how much images are reduced: never below 1."""
    return factor if factor >= _MUCH_FINER else 1.0


def _at_distance(part: Pairs, distance: float) -> Pairs:
    """The same part, with much finer images read more coarsely."""
    images, masks = [], []
    for image, mask in zip(*part, strict=True):
        size = _ground_size(image)
        factor = 1.0 if size is None else _factor(distance / size)
        if factor > 1:
            height, width = size_of(image, "images")
            shape = (
                max(1, round(height / factor)),
                max(1, round(width / factor)),
            )
            image = _resampled(image, shape, "average")
            if is_path(mask) and not is_vector(mask):
                mask = _resampled(mask, shape, _method(mask))
        images.append(image)
        masks.append(mask)
    return images, masks


def _method(mask: Any) -> str:
    """The commonest id or, for colours, the middle one."""
    with open_raster(mask, "masks") as dataset:
        return "mode" if dataset.count == 1 else "nearest"


def _resampled(source: Any, shape: tuple[int, int], method: str) -> str:
    path = os.fspath(source)
    part = path.startswith(_VRT)
    if not part and (is_virtual(path) or "?" in path or "&" in path):
        raise ArgumentError(
            "Only plain files can be read at a `ground_sample_distance` other "
            f"than their own. Received: {path}"
        )
    start = f"{path}&" if part else f"{_VRT}{os.path.abspath(path)}?"
    height, width = shape
    return f"{start}outsize={width},{height}&r={method}"


def _ground_size(image: Any) -> float | None:
    """Metres per pixel, the mean of both sides."""
    if not is_path(image):
        return None
    with open_raster(image, "images") as dataset:
        size = ground_pixel_size(dataset)
    return None if size is None else math.sqrt(size[0] * size[1])


def _values(image: Any) -> int:
    """Number of an image's values: pixels times bands."""
    if is_path(image):
        with open_raster(image, "images") as dataset:
            return dataset.width * dataset.height * dataset.count
    return np.asarray(image).size


def _part_name(name: str) -> str:
    """What a report calls an image, or a block of one."""
    place = _PLACE.search(name)
    if not name.startswith(_VRT):
        return name
    stem = pathlib.PurePath(plain_file(name)).stem
    if place is None:
        return stem
    return f"{stem} from row {place[2]}, column {place[1]}"


def plain_file(image: Any) -> str:
    """Return the file that a part of an image is read from.

    Args:
        image: path, a virtual path of this module, or an array.
    """
    name = name_of(image)
    if name.startswith(_VRT):
        name = name.removeprefix(_VRT).partition("?")[0]
        here = os.path.relpath(name)
        name = here if not here.startswith("..") else name
    return str(pathlib.PurePath(name))
