"""Images and masks to a `tf.data.Dataset` of tiles."""

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING
from typing import Any

import numpy as np

from keras_rsseg.checks import check_choice
from keras_rsseg.checks import check_positive
from keras_rsseg.data.augmentation import Augmentation
from keras_rsseg.data.boundaries import BoundaryVoid
from keras_rsseg.data.mask_values import IdMapping
from keras_rsseg.data.pairs import NO_DATA
from keras_rsseg.data.pairs import ImageMaskPairs
from keras_rsseg.data.palette import Palette
from keras_rsseg.data.protocols import TilingProtocol
from keras_rsseg.data.protocols import tile_and_stride
from keras_rsseg.data.tile_batches import as_written
from keras_rsseg.data.tile_batches import endless_epochs
from keras_rsseg.data.tile_batches import place_of
from keras_rsseg.data.tile_batches import settle
from keras_rsseg.data.tile_batches import shuffled
from keras_rsseg.data.tile_places import balanced_places
from keras_rsseg.data.tile_places import random_places
from keras_rsseg.data.tile_places import sliding_places
from keras_rsseg.errors import ArgumentError
from keras_rsseg.rasters.windows import Window
from keras_rsseg.sample_checks import SampleWarning
from keras_rsseg.sample_checks import doubt_ids
from keras_rsseg.void import VOID

if TYPE_CHECKING:
    import tensorflow

_SAMPLINGS = ("windows", "random", "balanced")


def tile_dataset(
    images: Any,
    masks: Any = None,
    *,
    tile_size: Any = None,
    stride: Any = None,
    protocol: TilingProtocol | str | None = None,
    sampling: str = "windows",
    class_weights: Any = None,
    tiles_per_epoch: int | None = None,
    batch_size: int = 8,
    palette: Palette | list | None = None,
    num_classes: int | None = None,
    bands: Any = None,
    augmentation: Augmentation | None = None,
    shuffle: bool = False,
    repeat: bool = False,
    first_epoch: int = 0,
    drop_remainder: bool = False,
    seed: int | None = None,
    cache: bool = True,
    count_once: bool = False,
    places: bool = False,
    boundary_void: BoundaryVoid | None = None,
    ids: IdMapping | None = None,
    class_attribute: str | None = None,
) -> "tensorflow.data.Dataset":
    """Return batches of tiles, ready for `model.fit`.

    All input is checked here, before any training. Values stay in the range
    of the files: normalisation belongs to the model's preprocessor.

    With a seed the stream is repeatable, and each epoch differs from the
    last; tiles are cut in parallel but arrive in a fixed order. On an image's
    far sides windows end flush with the border; images smaller than the tile
    are padded with 0 and void.

    Args:
        images: list of paths (PNG, JPEG, TIFF) or arrays `(H, W, C)`; or one
            of them; or an array `(N, H, W, C)`; or a folder, or a pattern
            such as `"images/*.tif"`. Sizes may differ. Or an
            `ImageMaskPairs`, which says how its masks are read.
        masks: masks in the same order, of the same sizes: class ids, void =
            255, or colours with `palette`. A folder or pattern, whose files
            are paired with the images by their names. A file of polygons
            (GeoPackage, GeoJSON, shapefile, FlatGeobuf) for all images, or
            a list of one for each: they are drawn on the images' grids. What
            they do not cover is class 0; or void, if `ids` or a polygon
            names class 0. `None` returns images only.
        tile_size: int or `(height, width)`, pixels. Defaults to 512.
        stride: of the sliding windows, pixels; defaults to `tile_size`.
        protocol: `TilingProtocol` or its name, instead of these two.
        sampling: `"windows"`, the sliding windows of every image;
            `"random"`, random crops, images drawn by area; `"balanced"`,
            random crops around a random pixel of a class, with all classes
            drawn equally often, so that rare ones are seen.
        class_weights: a float of at least 0 for each class: how often it is
            drawn, relative to the others.
        tiles_per_epoch: number of random crops per epoch; defaults to as
            many tiles as fill the images' area.
        batch_size: int.
        palette: `Palette` or list of `(r, g, b)` for colour-coded masks.
            Colours that it lacks become void and are reported by one
            `UnlistedColorWarning`.
        num_classes: int; ids must lie below it or be 255.
            Defaults to the palette's.
        bands: band numbers to read, from 1, or (for files) names; `None` for
            all.
        augmentation: `Augmentation` or `None`.
        shuffle: whether to shuffle the windows, differently each epoch.
        repeat: whether to repeat without end. An epoch begins with a new
            batch.
        first_epoch: number of the epoch to begin with, from 0, to resume
            training that was interrupted (`fit(initial_epoch=...,
            steps_per_epoch=...)`): with the same seed it gives the tiles
            that epoch would have had. Needs `repeat`.
        drop_remainder: whether to drop an incomplete last batch.
        seed: int; `None` takes the augmentation's.
        cache: whether to keep all images decoded in memory. `False` reads
            windows from disk, which suits tiled GeoTIFFs; PNG and JPEG files
            are decoded from the top for every tile.
        count_once: whether sliding windows set mask pixels to void that an
            earlier window holds, so that `model.evaluate` counts every
            pixel of the images exactly once.
        places: whether to return each tile's place in its image.
        boundary_void: dict from pairs of class ids to widths in pixels, such
            as `{(0, 1): 3}`: pixels of either class that close to the other
            become void, before tiles are scaled.
            See `void_boundaries`.
        ids: dict from mask values to class ids, 255 for void:
            `{255: 1}` if masks are 0 and 255, `{1: 0, 2: 1, 0: 255}` for
            ids that begin at 1, `{5: 3}` to merge two classes, `{"roof": 1}`
            for polygons. Ids that it does not name stay.
        class_attribute: name of the attribute that gives a polygon's class,
            an id or a key of `ids`. By default all are of class 1.

    Returns:
        A `tf.data.Dataset` of `(images, masks)`: `(B, h, w, C)` uint8 for
        8-bit sources, else float32; `(B, h, w)` int32. With `places`,
        `(images, masks, places)`: a dict of `"name"` (the path, or
        `"images[3]"` for an array), the `"row"` and `"col"` of the tile,
        and the `"height"` and `"width"` of its image, each `(B,)`; `fit`
        does not take these. The dataset's cardinality is known.

    Raises:
        FileNotFoundError: if a file does not exist.
        ArgumentError: if an argument is invalid.
        RasterError: if a file cannot be read, or images differ in bands.
        MaskError: if a mask does not fit its image or is a lossy file of
            ids, or names say that the lists are in different orders.

    Warns (`SampleWarning`) if a class occurs nowhere, or masks hold nothing
    but 0 and 255, or nothing but void.

    Example:

    ```python
    images = [np.zeros((100, 120, 3), "uint8"), np.ones((80, 90, 3), "uint8")]
    masks = [image[..., 0] for image in images]
    tiles = keras_rsseg.data.tile_dataset(
        images,
        masks,
        tile_size=64,
        sampling="random",
        tiles_per_epoch=10,
        batch_size=5,
        augmentation=keras_rsseg.data.Augmentation(scale=(0.5, 2.0)),
        seed=1,
    )
    [batch.shape for batch, _ in tiles]  # twice (5, 64, 64, 3)
    ```

    Paths work as well, and `model.fit(tiles, epochs=10)` takes the
    result.
    """
    import tensorflow as tf

    tile, steps = tile_and_stride(tile_size, stride, protocol)
    _check_sampling(
        sampling, stride, tiles_per_epoch, count_once, class_weights
    )
    check_positive("batch_size", batch_size)
    pairs = _as_pairs(
        images,
        masks,
        palette,
        num_classes,
        bands,
        cache,
        boundary_void,
        ids,
        class_attribute,
    )
    augmentation, seed = settle(
        augmentation,
        seed,
        repeat,
        first_epoch,
        {"count_once": count_once, "places": places},
    )
    if sampling == "windows":
        count, place = sliding_places(
            tf, pairs.sizes, tile, steps, augmentation, count_once
        )
    elif sampling == "random":
        count, place = random_places(
            tf, pairs.sizes, tile, augmentation, tiles_per_epoch
        )
    else:
        count, place = balanced_places(
            tf, pairs, tile, augmentation, tiles_per_epoch, class_weights
        )
    for doubt in doubt_ids(pairs.id_counts, pairs.num_classes):
        warnings.warn(doubt, SampleWarning, stacklevel=2)
    make_tile = _tile_maker(tf, pairs, tile, place, augmentation, places)
    shuffle = shuffle and sampling == "windows"

    def batches_of(numbers):
        tiles = numbers.map(
            make_tile, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
        )
        return tiles.batch(batch_size, drop_remainder=drop_remainder)

    @as_written
    def batches_of_epoch(epoch_seed, shuffling):
        numbers = tf.data.Dataset.range(count)
        if shuffle and shuffling:
            numbers = shuffled(tf, numbers, count, epoch_seed)
        return batches_of(numbers.map(lambda number: (number, epoch_seed)))

    if repeat:
        batches = endless_epochs(tf, seed, first_epoch, batches_of_epoch)
    else:
        numbers = tf.data.Dataset.range(count)
        if shuffle:
            numbers = numbers.shuffle(count, seed=seed)
        seeds = tf.data.Dataset.random(
            seed=seed, rerandomize_each_iteration=True
        )
        batches = batches_of(tf.data.Dataset.zip(numbers, seeds))
    return batches.prefetch(tf.data.AUTOTUNE)


def _as_pairs(images: Any, masks: Any, *options: Any) -> ImageMaskPairs:
    if not isinstance(images, ImageMaskPairs):
        return ImageMaskPairs(images, masks, *options)
    if masks is not None:
        raise ArgumentError(
            "`masks` are in the `ImageMaskPairs` given as `images`. Received: "
            f"masks of the type {type(masks).__name__}"
        )
    return images


def _check_sampling(
    sampling: str,
    stride: Any,
    tiles_per_epoch: int | None,
    count_once: bool,
    class_weights: Any,
) -> None:
    check_choice("sampling", sampling, _SAMPLINGS)
    if tiles_per_epoch is not None:
        check_positive("tiles_per_epoch", tiles_per_epoch)
    for name, value, goes_with in (
        ("tiles_per_epoch", tiles_per_epoch, ("random", "balanced")),
        ("stride", stride, ("windows",)),
        ("count_once", count_once or None, ("windows",)),
        ("class_weights", class_weights, ("balanced",)),
    ):
        if value is not None and sampling not in goes_with:
            raise ArgumentError(
                f"`{name}` needs sampling="
                f"{' or '.join(map(repr, goes_with))}. Received: "
                f"{name}={value!r}, sampling={sampling!r}"
            )


def _tile_maker(
    tf: Any,
    pairs: ImageMaskPairs,
    tile: tuple[int, int],
    place: Callable,
    augmentation: Augmentation,
    places: bool,
) -> Callable:
    limits = tf.constant(pairs.sizes, "int32")
    names = tf.constant(pairs.names)

    def read(index, start, size, seen):
        window = Window(*start.tolist(), *size.tolist())
        image, mask = pairs.read(int(index), window)
        for part in (mask[: seen[0]], mask[:, : seen[1]]):
            part[part != NO_DATA] = VOID
        return np.ascontiguousarray(image), mask

    @as_written
    def make_tile(number, seed):
        seed = tf.stack([seed, number])
        index, start, size, seen = place(number, seed)
        image, mask = tf.numpy_function(
            read,
            [index, start, size, seen],
            [tf.as_dtype(pairs.dtype), tf.int32],
            stateful=False,
        )
        image.set_shape((None, None, pairs.bands))
        mask.set_shape((None, None))
        parts: tuple[Any, ...] = augmentation.finish(image, mask, tile, seed)
        if not pairs.has_masks:
            parts = parts[:1]
        if places:
            parts += (
                place_of(
                    tf.gather(names, index), start, tf.gather(limits, index)
                ),
            )
        return parts if len(parts) > 1 else parts[0]

    return make_tile
