"""Splitting images into separate parts to train on and to validate with."""

import math
import os
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_rsseg.checks import check_choice
from keras_rsseg.checks import check_positive
from keras_rsseg.checks import check_share
from keras_rsseg.data.sources import as_lists
from keras_rsseg.data.sources import size_of
from keras_rsseg.data.sources import undrawn
from keras_rsseg.data.vector_masks import is_vector
from keras_rsseg.errors import ArgumentError
from keras_rsseg.rasters.opener import is_path
from keras_rsseg.rasters.sources import is_virtual
from keras_rsseg.rasters.windows import Window

# Images and their masks, as `tile_dataset` takes them.
Part = tuple[list[Any], Any]
ClassCounts = Callable[[list[Any], list[Any]], np.ndarray]

# Some hundred are enough for a dozen classes in a dozen blocks.
_DRAWS = 300


def train_validation_split(
    images: Any,
    masks: Any,
    validation: float = 0.2,
    *,
    by: str = "scene",
    block_size: int = 2048,
    seed: int = 0,
    class_counts: ClassCounts | None = None,
) -> tuple[Part, Part]:
    """Split images with their masks, before tiles are cut from them.

    Tiles that overlap, or lie side by side, show nearly the same: a score on
    some, after training on the others, says nothing about new scenes. So this
    splits whole scenes, or square blocks of them; no tile of one part holds a
    pixel of the other. Neighbouring blocks still resemble each other more
    than new scenes do; prefer scenes if there are enough.

    The same arguments always give the same split.

    Args:
        images: list of paths or arrays, or a folder or pattern, as
            `tile_dataset` takes them.
        masks: the masks, likewise, or a file of polygons.
        validation: approximate share of the pixels to validate with, between
            0 and 1. Each part has at least one scene or block.
        by: `"scene"`, whole images; `"block"`, squares of them; no tile
            reaches from one into another.
        block_size: length of a block in pixels. Blocks are up to half as
            large or half as small again, to fill an image.
        seed: int, seed of the draw.
        class_counts: function that takes images and masks, of scenes or
            blocks, and returns the number of pixels of each class in each,
            `(number of images, number of classes)`. Of many draws the one is
            taken that comes closest to holding out that share of each class,
            which matters where images are few or classes rare. Scenes or
            blocks without any are in neither part. `None` for a single draw.

    Returns:
        `((images, masks), (images, masks))`, to train on and to validate
        with, in their original order. Blocks of files are GDAL's virtual
        files (`vrt://scene.tif?srcwin=...`), blocks of arrays are views, and
        masks from polygons keep the whole file.

    Raises:
        ArgumentError: if there is nothing to split, or an argument is invalid.
        FileNotFoundError, KerasRssegError: see `tile_dataset`.

    Example:

    ```python
    images = np.zeros((10, 64, 64, 3), "uint8")
    masks = np.zeros((10, 64, 64), "uint8")
    train, validation = keras_rsseg.data.train_validation_split(images, masks)
    len(train[0]), len(validation[0])  # (8, 2)
    tiles = keras_rsseg.data.tile_dataset(*train, tile_size=32, shuffle=True)
    ```
    """
    check_choice("by", by, ("scene", "block"))
    check_share("validation", validation)
    listed, listed_masks = as_lists(images, masks)
    if listed_masks is None:
        raise ArgumentError("`masks` must be given. Received: None")
    pairs = list(zip(listed, undrawn(listed_masks), strict=True))
    sizes = [size_of(image, "images") for image in listed]
    if by == "block":
        check_positive("block_size", block_size)
        blocks = [
            (pair, window)
            for pair, size in zip(pairs, sizes, strict=True)
            for window in _blocks(size, block_size)
        ]
        sizes = [(window.height, window.width) for _, window in blocks]
        pairs = [
            (_cut(image, window), _cut(mask, window))
            for (image, mask), window in blocks
        ]
    counts = None if class_counts is None else class_counts(*_unzip(pairs))
    if counts is not None:
        kept = np.flatnonzero(np.sum(counts, axis=1))
        counts = np.asarray(counts)[kept]
        pairs, sizes = [pairs[i] for i in kept], [sizes[i] for i in kept]
    if len(pairs) < 2:
        raise ArgumentError(
            "At least two images or blocks with labels are needed to split. "
            f"Received: {len(pairs)}, split by {by!r}. A single scene can be "
            "split into blocks, with a smaller `block_size`"
        )
    areas = [height * width for height, width in sizes]
    chosen = _choose(areas, validation, seed, counts)
    train = [pair for pair, held in zip(pairs, chosen, strict=True) if not held]
    other = [pair for pair, held in zip(pairs, chosen, strict=True) if held]
    return _unzip(train), _unzip(other)


def _unzip(pairs: Sequence[tuple[Any, Any]]) -> Part:
    return [image for image, _ in pairs], [mask for _, mask in pairs]


def _choose(
    areas: Sequence[int],
    share: float,
    seed: int,
    counts: np.ndarray | None = None,
) -> list[bool]:
    """Draw what to hold out; if classes are counted, the best of many draws."""
    rng = np.random.default_rng(seed)
    if counts is None:
        return _draw(areas, share, rng)
    draws = [_draw(areas, share, rng) for _ in range(_DRAWS)]
    return min(draws, key=lambda chosen: _imbalance(chosen, counts, share))


def _imbalance(
    chosen: Sequence[bool], counts: np.ndarray, share: float
) -> float:
    """By how much classes miss the share: 0 if none, 1 if all are in one part.

    Classes count alike, however large they are.
    """
    totals = np.sum(counts, axis=0)
    held = np.sum(np.asarray(counts)[np.asarray(chosen)], axis=0)
    excess = held[totals > 0] / totals[totals > 0] - share
    largest = np.where(excess > 0, 1 - share, share)
    return float(np.square(excess / largest).mean()) if excess.size else 0.0


def _draw(
    areas: Sequence[int], share: float, rng: np.random.Generator
) -> list[bool]:
    """Draw until about a share of the area is held out, but never all."""
    wanted, held = share * sum(areas), 0
    chosen = [False] * len(areas)
    for index in rng.permutation(len(areas)):
        taken = held + areas[index]
        # The first is taken whatever its size.
        if held and taken - wanted > wanted - held:
            continue
        if sum(chosen) == len(areas) - 1:
            break
        chosen[index], held = True, taken
        if held >= wanted:
            break
    return chosen


def _blocks(size: tuple[int, int], length: int) -> list[Window]:
    """Blocks that fill an image, all of about that length."""
    rows, cols = (_edges(side, length) for side in size)
    return [
        Window(top, left, bottom - top, right - left)
        for top, bottom in zip(rows, rows[1:], strict=False)
        for left, right in zip(cols, cols[1:], strict=False)
    ]


def _edges(side: int, length: int) -> list[int]:
    count = max(1, math.floor(side / length + 0.5))
    return [side * index // count for index in range(count + 1)]


def _cut(source: Any, window: Window) -> Any:
    """A block of a file or an array; polygons are cut by their image."""
    if is_vector(source):
        return source
    if not is_path(source):
        return np.asarray(source)[window.slices]
    path = os.fspath(source)
    if is_virtual(path) or "?" in path or "&" in path:
        raise ArgumentError(
            f"Only plain files can be split into blocks. Received: {path}"
        )
    place = f"{window.col},{window.row},{window.width},{window.height}"
    return f"vrt://{os.path.abspath(path)}?srcwin={place}"
