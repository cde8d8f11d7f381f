"""Where in the images of a data set each class lies."""

import math
from collections.abc import Callable
from collections.abc import Sequence
from typing import TYPE_CHECKING
from typing import Any

import numpy as np

from keras_rsseg.data.augmentation import Augmentation
from keras_rsseg.data.class_statistics import check_class_weights
from keras_rsseg.data.pairs import ImageMaskPairs
from keras_rsseg.data.tile_batches import source_window
from keras_rsseg.data.tiling import tile_windows
from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import MaskError
from keras_rsseg.rasters.windows import Window
from keras_rsseg.rasters.windows import reading_windows
from keras_rsseg.void import VOID

if TYPE_CHECKING:
    import tensorflow

# How many tiles an epoch has, and a function from a tile's number and seed to
# its image, start, size, and the rows and columns seen before.
Places = tuple[int, Callable]

_LARGEST_CELL = 64
_STRIP_ROWS = 1024

# A stream of random numbers besides those of the augmentation.
_JITTER = 101


class ClassIndex:
    """The pixels of each class, counted in the cells of a coarse grid.

    Args:
        pairs: `ImageMaskPairs` with masks.
        tile: `(height, width)` of the crops to draw. The width of cells is a
            power of two, at most 64 pixels and a quarter of the tile's.

    Attributes:
        cell: width of a cell, pixels.
        cells: int32 `(n, 3)`: image, first row, first column, grouped by
            class.
        counts: int64 `(n,)`: pixels of the class in the cell.
        classes: int64 `(n,)`: the class.
    """

    def __init__(self, pairs: ImageMaskPairs, tile: tuple[int, int]):
        fits = min(_LARGEST_CELL, max(min(tile) // 4, 1))
        self.cell = 1 << (fits.bit_length() - 1)
        parts = [
            self._count(pairs, index, window)
            for index, (height, width) in enumerate(pairs.sizes)
            for window in reading_windows(height, width, _STRIP_ROWS, width)
        ]
        found = np.concatenate(parts)
        found = found[np.argsort(found[:, 0], kind="stable")]
        self.classes, self.counts = found[:, 0], found[:, 1]
        self.cells = found[:, 2:].astype("int32")

    def _count(
        self, pairs: ImageMaskPairs, index: int, window: Window
    ) -> np.ndarray:
        """Return rows of class, pixels, image, row, column."""
        ids = pairs.read_mask(index, window)
        across = -(-window.width // self.cell)
        codes = np.arange(window.width) // self.cell * (VOID + 1)
        counts = np.array(
            [
                np.bincount(
                    (ids[row : row + self.cell] + codes).ravel(),
                    minlength=across * (VOID + 1),
                )
                for row in range(0, window.height, self.cell)
            ]
        ).reshape(-1, across, VOID + 1)
        row, col, class_id = np.nonzero(counts[..., :VOID])
        return np.stack(
            [
                class_id,
                counts[row, col, class_id],
                np.full(row.shape, index),
                row * self.cell + window.row,
                col * self.cell,
            ],
            axis=1,
        )


def sliding_places(
    tf: Any,
    sizes: Sequence[tuple[int, int]],
    tile: tuple[int, int],
    stride: tuple[int, int],
    augmentation: Augmentation,
    count_once: bool,
) -> Places:
    """Take the windows of every image in turn."""
    places = []
    for index, size in enumerate(sizes):
        windows = tile_windows(*size, tile, stride)
        seen_rows = _already_seen([w.row for w in windows], tile[0])
        seen_cols = _already_seen([w.col for w in windows], tile[1])
        for row, col, _, _ in windows:
            seen = (seen_rows[row], seen_cols[col]) if count_once else (0, 0)
            places.append((index, row, col, *seen))
    count = len(places)
    places = tf.constant(places, "int32")
    limits = tf.constant(sizes, "int32")

    def place(number, seed):
        chosen = tf.gather(places, number)
        index, start, seen = chosen[0], chosen[1:3], chosen[3:]
        limit = tf.gather(limits, index)
        start, size = source_window(tf, augmentation, tile, start, limit, seed)
        return index, start, size, seen

    return count, place


def random_places(
    tf: Any,
    sizes: Sequence[tuple[int, int]],
    tile: tuple[int, int],
    augmentation: Augmentation,
    tiles_per_epoch: int | None,
) -> Places:
    """Draw crops: images by area, starts within an image uniformly."""
    areas = np.array([height * width for height, width in sizes], "float64")
    shares = (np.cumsum(areas) / areas.sum()).astype("float32")
    limits = tf.constant(sizes, "int32")

    def place(number, seed):
        del number
        size = augmentation.source_size(tile, seed)
        draws = tf.random.stateless_uniform((3,), seed)
        index = tf.searchsorted(shares, draws[:1], side="right")[0]
        index = tf.minimum(index, len(sizes) - 1)
        room = tf.gather(limits, index) - size
        # A smaller image lies anywhere in the tile.
        low, high = tf.minimum(room, 0), tf.maximum(room, 0)
        start = _draw(tf, low, high, draws[1:])
        return index, start, size, tf.zeros(2, "int32")

    return tiles_per_epoch or tiles_by_area(sizes, tile), place


def balanced_places(
    tf: Any,
    pairs: ImageMaskPairs,
    tile: tuple[int, int],
    augmentation: Augmentation,
    tiles_per_epoch: int | None,
    class_weights: Any,
) -> Places:
    """Draw crops that hold a drawn class, by the pixels of that class."""
    index = ClassIndex(pairs, tile)
    shares, ends = _class_shares(index, class_weights)
    # Pixels are numbered class by class, cell by cell.
    last = tf.constant(np.cumsum(index.counts))
    bounds = tf.constant(np.r_[0, np.cumsum(index.counts)[ends - 1]])
    cells = tf.constant(index.cells)
    limits = tf.constant(pairs.sizes, "int32")

    def place(number, seed):
        del number
        size = augmentation.source_size(tile, seed)
        draws = tf.random.stateless_uniform((2,), seed, dtype="float64")
        chosen = tf.searchsorted(shares, draws[:1], side="right")[0]
        chosen = tf.minimum(chosen, len(shares) - 1)
        low, high = bounds[chosen], bounds[chosen + 1]
        pixel = _draw(tf, low, high - 1, draws[1])
        cell = tf.gather(cells, tf.searchsorted(last, pixel[None], "right")[0])
        start = _start_around(
            tf, cell[1:], index.cell, size, tf.gather(limits, cell[0]), seed
        )
        return cell[0], start, size, tf.zeros(2, "int32")

    return tiles_per_epoch or tiles_by_area(pairs.sizes, tile), place


def tiles_by_area(
    sizes: Sequence[tuple[int, int]], tile: tuple[int, int]
) -> int:
    """Return how many tiles fill the area of all images."""
    area = sum(height * width for height, width in sizes)
    return math.ceil(area / (tile[0] * tile[1]))


def _class_shares(
    index: ClassIndex, class_weights: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Return the cumulative chances of the classes that occur.

    Also, for each of them, where its cells end in the index.
    """
    found, counts = np.unique(index.classes, return_counts=True)
    weights = np.ones(found.shape)
    if class_weights is not None:
        given = check_class_weights(class_weights)
        if found.size and found[-1] >= given.size:
            raise ArgumentError(
                "`class_weights` must have one weight for each class. "
                f"Received: {given.size} weights, but the masks hold class "
                f"{found[-1]}"
            )
        weights = given[found]
    if not weights.any():
        raise MaskError(
            'sampling="balanced" needs masks that hold a class (with a weight '
            f"above 0). Received: masks that hold {found.tolist()}"
        )
    return np.cumsum(weights) / weights.sum(), np.cumsum(counts)


def _start_around(
    tf: Any,
    first: "tensorflow.Tensor",
    cell: int,
    size: "tensorflow.Tensor",
    limit: "tensorflow.Tensor",
    seed: "tensorflow.Tensor",
) -> "tensorflow.Tensor":
    """Draw the start of a window that holds a cell, inside the image."""
    ends = tf.minimum(first + cell, limit) - size
    # Windows smaller than the cell lie in it.
    low, high = tf.minimum(first, ends), tf.maximum(first, ends)
    room = limit - size
    low = tf.where(room < 0, room, tf.maximum(low, 0))
    high = tf.where(room < 0, 0, tf.minimum(high, room))
    seed = tf.random.experimental.stateless_fold_in(seed, _JITTER)
    return _draw(tf, low, high, tf.random.stateless_uniform((2,), seed))


def _draw(
    tf: Any,
    low: "tensorflow.Tensor",
    high: "tensorflow.Tensor",
    draws: "tensorflow.Tensor",
) -> "tensorflow.Tensor":
    """Return integers from `low` to `high`, both included."""
    span = high - low + 1
    steps = tf.cast(tf.cast(span, draws.dtype) * draws, span.dtype)
    return low + tf.minimum(steps, span - 1)


def _already_seen(starts: list[int], length: int) -> dict[int, int]:
    """Map each start to how many of its pixels the one before it covers."""
    starts = sorted(set(starts))
    seen = {starts[0]: 0}
    for previous, start in zip(starts, starts[1:], strict=False):
        seen[start] = max(previous + length - start, 0)
    return seen
