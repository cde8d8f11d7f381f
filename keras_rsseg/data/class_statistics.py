"""What the masks of a data set hold: pixels of classes, tiles and void."""

import math
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

import numpy as np

from keras_rsseg.checks import check_choice
from keras_rsseg.data.mask_values import IdMapping
from keras_rsseg.data.pairs import ImageMaskPairs
from keras_rsseg.data.palette import Palette
from keras_rsseg.data.palette import UnlistedColors
from keras_rsseg.data.palette import as_palette
from keras_rsseg.data.protocols import TilingProtocol
from keras_rsseg.data.protocols import tile_and_stride
from keras_rsseg.data.reading import check_ids
from keras_rsseg.data.reading import count_ids
from keras_rsseg.data.reading import read_mask
from keras_rsseg.data.tiling import tile_starts
from keras_rsseg.errors import ArgumentError
from keras_rsseg.rasters.opener import is_path
from keras_rsseg.void import VOID

_METHODS = ("inverse", "median_frequency", "effective_number")

Colors = Palette | Sequence[Sequence[int]] | None


def iterate_masks(
    source: Any, palette: Colors = None, ids: IdMapping | None = None
) -> Iterator[np.ndarray]:
    """Yield the masks of a source, each a uint8 array `(H, W)`.

    Args:
        source: path or array of a mask; a list of these, or an array
            `(N, H, W)`; an `ImageMaskPairs`; a `tf.data.Dataset` of records
            (dicts with a `"mask"`) or of batches `(images, masks)`, or any
            other iterable of such elements.
        palette: `Palette` for colour-coded masks, or `None`.
        ids: dict from mask values to class ids, see `read_mask`.

    Yields:
        Class ids, void = 255.

    Raises:
        ArgumentError: if the source has no end or no masks.
        MaskError: see `read_mask`.
    """
    palette = as_palette(palette)
    if isinstance(source, ImageMaskPairs):
        for index in range(len(source)):
            yield source.read_mask(index)
        return
    if hasattr(source, "as_numpy_iterator"):
        if int(source.cardinality()) == -1:
            raise ArgumentError(
                "`source` must end. Received: a dataset that repeats"
            )
        source = source.as_numpy_iterator()
    elif is_path(source) or _is_one_mask(source, palette):
        source = [source]
    unlisted = UnlistedColors()
    for element in source:
        for mask in _masks_of(element):
            yield read_mask(mask, palette=palette, unlisted=unlisted, ids=ids)
    unlisted.warn(stacklevel=4)


def _is_one_mask(source: Any, palette: Palette | None) -> bool:
    colored = palette is not None
    return isinstance(source, np.ndarray) and source.ndim == 2 + colored


def _masks_of(element: Any) -> Iterable[Any]:
    if isinstance(element, dict):
        if "mask" not in element:
            raise ArgumentError(
                '`source` must hold records with a "mask". Received: records '
                f"of {sorted(element)}"
            )
        return [np.asarray(element["mask"])]
    if not isinstance(element, tuple):
        return [element]
    if len(element) < 2 or isinstance(element[1], dict):
        raise ArgumentError(
            "`source` must hold (images, masks). Received: images only"
        )
    masks = np.asarray(element[1])
    return masks if masks.ndim > 2 else [masks]


def count_classes(
    source: Any,
    num_classes: int | None = None,
    palette: Colors = None,
    per_image: bool = False,
    ids: IdMapping | None = None,
) -> np.ndarray:
    """Count the pixels of each class, without void.

    Masks are read one by one, and not kept.

    Args:
        source: path or array of a mask; a list of these, or an array
            `(N, H, W)`; an `ImageMaskPairs`; or a `tf.data.Dataset` of
            records or of batches `(images, masks)`, such as `tile_records`
            and `tile_dataset` return: pixels then count once per tile.
        num_classes: int. Defaults to the palette's, or to the largest id
            found + 1.
        palette: `Palette` or list of `(r, g, b)` for colour-coded masks.
        per_image: whether to count each image by itself, which
            `class_weights` needs for the median frequency.
        ids: dict from mask values to class ids, 255 for void, as for
            `tile_dataset`. An `ImageMaskPairs` has its own.

    Returns:
        An int64 array `(num_classes,)`; `(images, num_classes)` if
        `per_image`.

    Raises:
        MaskError: if an id is neither below `num_classes` nor 255.
        ArgumentError: if the source has no masks or no end.

    Example:

    ```python
    masks = [np.zeros((8, 8), "uint8"), np.full((8, 8), 2, "uint8")]
    keras_rsseg.data.count_classes(masks)  # array([64, 0, 64])
    ```
    """
    palette = as_palette(palette)
    if num_classes is None and palette is not None:
        num_classes = palette.num_classes
    rows = []
    total = np.zeros(VOID, "int64")
    for mask in iterate_masks(source, palette, ids):
        counts = count_ids(mask)[:VOID]
        check_ids(counts, num_classes)
        total += counts
        if per_image:
            rows.append(counts)
    if num_classes is None:
        num_classes = int(np.flatnonzero(total).max(initial=-1)) + 1
    if per_image:
        return np.array(rows, "int64").reshape(-1, VOID)[:, :num_classes]
    return total[:num_classes]


def class_weights(
    counts: Any, method: str = "inverse", beta: float | None = None
) -> np.ndarray:
    """Return class weights, larger for rarer classes.

    - `"inverse"`: 1 / pixels.
    - `"median_frequency"`: 1 / frequency, where a class's frequency is its
      share of the pixels of the images that it occurs in.
    - `"effective_number"`: `(1 - beta) / (1 - beta ** pixels)`. Counts far
      above `1 / (1 - beta)` all weigh the same; those far below weigh by
      their inverse.

    A class that does not occur weighs 0: nothing is known about it.

    Args:
        counts: array `(classes,)` of pixels, see `count_classes`;
            `(images, classes)` for the median frequency, which for a single
            row equals `"inverse"`.
        method: one of the above.
        beta: of the effective number, in `[0, 1)`. The paper's 0.9 to
            0.9999 are for numbers of images; pixels need it nearer to 1.
            Defaults to `1 - 1 / n`, with `n` the median of the counts.

    Returns:
        A float64 array `(classes,)` whose mean over the classes that occur
        is 1.

    Raises:
        ArgumentError: if counts are negative, all 0 or of the wrong shape,
            or the method is unknown.

    Example:

    ```python
    keras_rsseg.data.class_weights([100, 300, 0])  # array([1.5, 0.5, 0. ])
    ```

    Reference:
        Median frequency: Eigen and Fergus, "Predicting Depth, Surface
        Normals and Semantic Labels", ICCV 2015, section 6.3.2. Effective
        number: Cui et al., "Class-Balanced Loss Based on Effective Number
        of Samples", CVPR 2019, equation 2.
    """
    counts = np.asarray(counts, "float64")
    if counts.ndim not in (1, 2) or not np.isfinite(counts).all():
        raise ArgumentError(
            "`counts` must be finite, of shape (classes,) or (images, "
            f"classes). Received: {counts.tolist()}"
        )
    images, counts = np.atleast_2d(counts), np.atleast_2d(counts).sum(axis=0)
    found = counts > 0
    if (images < 0).any() or not found.any():
        raise ArgumentError(
            "`counts` must be at least 0, and one of them above. Received: "
            f"{counts.tolist()}"
        )
    raw = np.zeros(counts.shape)
    raw[found] = _raw_weights(images[:, found], counts[found], method, beta)
    return raw / raw[found].mean()


def check_class_weights(
    weights: Any, num_classes: int | None = None
) -> np.ndarray:
    """Return class weights as a checked array.

    Args:
        weights: floats of at least 0, one for each class.
        num_classes: int or `None`, how many there must be.

    Returns:
        A float64 array.

    Raises:
        ArgumentError: if they are anything else, or all 0.
    """
    array = np.asarray(weights, "float64")
    if (
        array.ndim != 1
        or not 1 <= array.size <= VOID
        or not np.isfinite(array).all()
        or (array < 0).any()
        or not array.any()
    ):
        raise ArgumentError(
            "`class_weights` must be a float of at least 0 for each class, "
            f"and one of them above. Received: {weights!r}"
        )
    if num_classes is not None and array.size != num_classes:
        raise ArgumentError(
            f"`class_weights` must have one weight for each of {num_classes} "
            f"classes. Received: {array.size}"
        )
    return array


def _raw_weights(
    images: np.ndarray, counts: np.ndarray, method: str, beta: float | None
) -> np.ndarray:
    check_choice("method", method, _METHODS)
    if method == "inverse":
        return 1 / counts
    if method == "median_frequency":
        held = ((images > 0) * images.sum(axis=1, keepdims=True)).sum(axis=0)
        return held / counts
    beta = 1 - 1 / max(np.median(counts), 1.0) if beta is None else beta
    if not 0 <= beta < 1:
        raise ArgumentError(f"`beta` must lie in [0, 1). Received: {beta!r}")
    if beta == 0:
        return np.ones(counts.shape)
    # 1 - beta ** counts, without rounding beta ** counts to 1.
    return (1 - beta) / -np.expm1(counts * math.log(beta))


class TileCounts(NamedTuple):
    """Tiles of a data set, and their pixels.

    A pixel where tiles overlap counts once for each of them.

    Attributes:
        images: number of images.
        tiles: number of tiles.
        pixels: pixels of all tiles.
        padding: pixels beyond images smaller than the tile.
        void: pixels that a mask marks as void.

    Example:

    ```python
    counts = keras_rsseg.data.TileCounts(
        images=2, tiles=8, pixels=8 * 64, padding=0, void=128
    )
    counts.void_share  # 0.25
    ```
    """

    images: int
    tiles: int
    pixels: int
    padding: int
    void: int

    @property
    def void_share(self) -> float:
        """Share of pixels without a label: padding and void."""
        return (self.padding + self.void) / self.pixels if self.pixels else 0.0

    def steps(self, batch_size: int, drop_remainder: bool = False) -> int:
        """Return the number of batches in an epoch of these tiles."""
        whole, rest = divmod(self.tiles, batch_size)
        return whole + (rest > 0 and not drop_remainder)


def count_tiles(
    source: Any,
    protocol: TilingProtocol | str | None = None,
    *,
    tile_size: Any = None,
    stride: Any = None,
    palette: Colors = None,
) -> TileCounts:
    """Count the tiles that `tile_records` and `tile_dataset` cut.

    Masks are read one by one, and not kept.

    Args:
        source: path or array of a mask, a list of these, an array
            `(N, H, W)`, an `ImageMaskPairs`, or a `tf.data.Dataset` of
            records with a `"mask"`. TFDS does not decode the images if given
            `decoders=tfds.decode.PartialDecoding({"mask": True})`.
        protocol: `TilingProtocol` or its name, or `None`.
        tile_size: int or `(height, width)`, pixels. Defaults to 512.
        stride: int or `(rows, columns)`, pixels. Defaults to `tile_size`.
        palette: `Palette` or list of `(r, g, b)` for colour-coded masks.

    Returns:
        `TileCounts`.

    Raises:
        ArgumentError: if an argument is invalid, or the source has no masks
            or no end.

    Example:

    ```python
    masks = [np.zeros((900, 1500), "uint8")]
    counts = keras_rsseg.data.count_tiles(masks, "isaid")
    counts.tiles, counts.steps(batch_size=2)  # (6, 3)
    ```
    """
    tile, stride = tile_and_stride(tile_size, stride, protocol)
    area = tile[0] * tile[1]
    images = tiles = covered = void = 0
    for mask in iterate_masks(source, palette):
        rows, cols = (
            _held(length, part, step)
            for length, part, step in zip(mask.shape, tile, stride, strict=True)
        )
        images += 1
        tiles += rows.starts * cols.starts
        covered += int(rows.times.sum()) * int(cols.times.sum())
        # The tiles over a pixel: those over its row times over its column.
        for times, line in zip(rows.times, mask == VOID, strict=True):
            void += int(times) * int(cols.times[line].sum())
    pixels = tiles * area
    return TileCounts(images, tiles, pixels, pixels - covered, void)


class _Held(NamedTuple):
    starts: int
    times: np.ndarray


def _held(length: int, tile: int, stride: int) -> _Held:
    """Count the starts along an axis, and how many tiles hold each pixel."""
    starts = tile_starts(length, tile, stride)
    times = np.zeros(length, "int64")
    for start in starts:
        times[start : start + tile] += 1
    return _Held(len(starts), times)
