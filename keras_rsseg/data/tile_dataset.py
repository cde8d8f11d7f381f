"""Images and masks to a `tf.data.Dataset` of tiles."""

import math

import numpy as np

from keras_rsseg.data.augmentation import Augmentation
from keras_rsseg.data.pairs import NO_DATA
from keras_rsseg.data.pairs import ImageMaskPairs
from keras_rsseg.data.tiling import Window
from keras_rsseg.data.tiling import as_size
from keras_rsseg.data.tiling import tile_windows
from keras_rsseg.void import VOID


def tile_dataset(
    images,
    masks=None,
    *,
    tile_size=512,
    stride=None,
    sampling="windows",
    tiles_per_epoch=None,
    batch_size=8,
    palette=None,
    num_classes=None,
    bands=None,
    augmentation=None,
    shuffle=False,
    repeat=False,
    drop_remainder=False,
    seed=None,
    cache=True,
    count_once=False,
):
    """Return batches of tiles, ready for `model.fit`.

    All input is checked here, before any training. Values stay in the range
    of the files: normalisation belongs to the model's preprocessor.

    With a seed the stream is repeatable, each epoch different from the last;
    tiles are cut in parallel but arrive in a fixed order. On an image's far
    sides windows are flush with the border; beyond images smaller than the
    tile lie 0 and void.

    Args:
        images: list of paths (PNG, JPEG, TIFF) or arrays `(H, W, C)`; or one
            of them; or an array `(N, H, W, C)`. Sizes may differ.
        masks: masks in the same order, of the same sizes: class ids, void =
            255, or colours with `palette`. `None` gives images alone.
        tile_size: int or `(height, width)`, pixels.
        stride: of the sliding windows, pixels; defaults to `tile_size`.
        sampling: `"windows"`, the sliding windows of every image, or
            `"random"`, random crops, images drawn by area.
        tiles_per_epoch: number of random crops an epoch; defaults to as many
            tiles as fill the images' area.
        batch_size: int.
        palette: `Palette` or list of `(r, g, b)` of colour-coded masks.
            Colours that it lacks become void and are reported by one
            `UnlistedColorWarning`.
        num_classes: int; ids that are neither below it nor 255 are refused.
            Defaults to the palette's.
        bands: band numbers to read, from 1; `None` for all.
        augmentation: `Augmentation` or `None`.
        shuffle: whether to shuffle the windows, anew each epoch.
        repeat: whether to repeat without end.
        drop_remainder: whether to drop an incomplete last batch.
        seed: int or `None`: the augmentation's.
        cache: whether to keep all images decoded in memory. `False` reads
            windows from disk, which suits tiled GeoTIFFs; PNG and JPEG files
            are decoded from the top for every tile.
        count_once: whether sliding windows set mask pixels to void that an
            earlier window holds, so that `model.evaluate` counts every
            pixel of the images exactly once.

    Returns:
        A `tf.data.Dataset` of `(images, masks)`: `(B, h, w, C)` uint8 for
        8-bit sources, else float32; `(B, h, w)` int32. Its cardinality is
        known.

    Raises:
        FileNotFoundError: if a file does not exist.
        ValueError: for bad arguments, and for images and masks that do not
            fit, see `ImageMaskPairs`.

    Example:

    ```python
    tiles = tile_dataset(
        ["a.png", "b.png"],
        ["a_mask.png", "b_mask.png"],
        tile_size=256,
        sampling="random",
        tiles_per_epoch=800,
        augmentation=Augmentation(scale=(0.5, 2.0)),
        seed=1,
    )
    model.fit(tiles, epochs=10)
    ```
    """
    import tensorflow as tf

    tile = as_size(tile_size)
    _check_sampling(sampling, stride, tiles_per_epoch, count_once)
    _check_positive("batch_size", batch_size)
    pairs = ImageMaskPairs(images, masks, palette, num_classes, bands, cache)
    if augmentation is None:
        augmentation = Augmentation(flip=False, rotate90=False)
    if count_once and augmentation.scale != (1.0, 1.0):
        raise ValueError(
            "`count_once` needs windows as they are. Received: an "
            f"augmentation with scale={augmentation.scale}"
        )
    if seed is None:
        seed = augmentation.seed
    if sampling == "random":
        place, count = _random_places(tf, pairs.sizes, tile, tiles_per_epoch)
    else:
        place, count = _sliding_places(
            tf, pairs.sizes, tile, stride, count_once
        )
    numbers = tf.data.Dataset.range(count)
    if shuffle and sampling == "windows":
        numbers = numbers.shuffle(count, seed=seed)
    seeds = tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True)
    numbers = tf.data.Dataset.zip(numbers, seeds)
    if repeat:
        numbers = numbers.repeat()
    tiles = numbers.map(
        _tile_maker(tf, pairs, tile, place, augmentation),
        num_parallel_calls=tf.data.AUTOTUNE,
        deterministic=True,
    )
    tiles = tiles.batch(batch_size, drop_remainder=drop_remainder)
    return tiles.prefetch(tf.data.AUTOTUNE)


def _check_sampling(sampling, stride, tiles_per_epoch, count_once):
    if sampling not in ("windows", "random"):
        raise ValueError(
            f'`sampling` must be "windows" or "random". Received: {sampling!r}'
        )
    if tiles_per_epoch is not None:
        _check_positive("tiles_per_epoch", tiles_per_epoch)
    for name, value, goes_with in (
        ("tiles_per_epoch", tiles_per_epoch, "random"),
        ("stride", stride, "windows"),
        ("count_once", count_once or None, "windows"),
    ):
        if value is not None and sampling != goes_with:
            raise ValueError(
                f'`{name}` goes with sampling="{goes_with}". Received: '
                f"{name}={value!r}, sampling={sampling!r}"
            )


def _check_positive(name, value):
    if not hasattr(value, "__index__") or value < 1:
        raise ValueError(
            f"`{name}` must be a positive int. Received: {value!r}"
        )


def _sliding_places(tf, sizes, tile, stride, count_once):
    places = []
    for index, size in enumerate(sizes):
        windows = tile_windows(*size, tile, stride)
        seen_rows = _already_seen([w.row for w in windows], tile[0])
        seen_cols = _already_seen([w.col for w in windows], tile[1])
        for row, col, _, _ in windows:
            seen = (seen_rows[row], seen_cols[col]) if count_once else (0, 0)
            places.append((index, row, col, *seen))
    places = np.array(places, "int32")
    limits = np.array(sizes, "int32")

    def place(number, size, seed, augmentation):
        chosen = tf.gather(places, number)
        index, start, seen = chosen[0], chosen[1:3], chosen[3:]
        if augmentation.scale == (1.0, 1.0):
            return index, start, seen
        start = start + augmentation.source_start(tile, size, seed)
        # Prefer real surroundings to void.
        last = tf.maximum(tf.gather(limits, index) - size, 0)
        return index, tf.clip_by_value(start, 0, last), seen

    return place, len(places)


def _already_seen(starts, length):
    """Map each start to how many of its pixels the one before it covers."""
    starts = sorted(set(starts))
    seen = {starts[0]: 0}
    for previous, start in zip(starts, starts[1:], strict=False):
        seen[start] = max(previous + length - start, 0)
    return seen


def _random_places(tf, sizes, tile, tiles_per_epoch):
    areas = np.array([height * width for height, width in sizes], "float64")
    if tiles_per_epoch is None:
        tiles_per_epoch = math.ceil(areas.sum() / (tile[0] * tile[1]))
    shares = (np.cumsum(areas) / areas.sum()).astype("float32")
    limits = np.array(sizes, "int32")

    def place(number, size, seed, augmentation):
        del number, augmentation
        draws = tf.random.stateless_uniform((3,), seed)
        index = tf.searchsorted(shares, draws[:1], side="right")[0]
        index = tf.minimum(index, len(sizes) - 1)
        room = tf.gather(limits, index) - size
        # room + 1 starts inside; a smaller image lies anywhere in the tile.
        low, span = tf.minimum(room, 0), tf.abs(room) + 1
        steps = tf.cast(tf.cast(span, "float32") * draws[1:], "int32")
        return index, low + tf.minimum(steps, span - 1), tf.zeros(2, "int32")

    return place, tiles_per_epoch


def _tile_maker(tf, pairs, tile, place, augmentation):
    def read(index, start, size, seen):
        window = Window(*start.tolist(), *size.tolist())
        image, mask = pairs.read(int(index), window)
        for part in (mask[: seen[0]], mask[:, : seen[1]]):
            part[part != NO_DATA] = VOID
        return np.ascontiguousarray(image), mask

    def make_tile(number, seed):
        seed = tf.stack([seed, number])
        size = augmentation.source_size(tile, seed)
        index, start, seen = place(number, size, seed, augmentation)
        image, mask = tf.numpy_function(
            read,
            [index, start, size, seen],
            [tf.as_dtype(pairs.dtype), tf.int32],
            stateful=False,
        )
        image.set_shape((None, None, pairs.bands))
        mask.set_shape((None, None))
        image, mask = augmentation.finish(image, mask, tile, seed)
        return (image, mask) if pairs.has_masks else image

    return make_tile
