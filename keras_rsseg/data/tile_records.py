"""Records of whole images to a `tf.data.Dataset` of tiles."""

from collections.abc import Callable
from typing import TYPE_CHECKING
from typing import Any

import numpy as np

from keras_rsseg.checks import check_positive
from keras_rsseg.data.augmentation import Augmentation
from keras_rsseg.data.boundaries import BoundaryVoid
from keras_rsseg.data.boundaries import as_boundary_void
from keras_rsseg.data.boundaries import void_boundaries
from keras_rsseg.data.class_statistics import check_class_weights
from keras_rsseg.data.protocols import TilingProtocol
from keras_rsseg.data.protocols import tile_and_stride
from keras_rsseg.data.resampling import cut
from keras_rsseg.data.tile_batches import as_written
from keras_rsseg.data.tile_batches import endless_epochs
from keras_rsseg.data.tile_batches import place_of
from keras_rsseg.data.tile_batches import settle
from keras_rsseg.data.tile_batches import shuffled
from keras_rsseg.data.tile_batches import source_window
from keras_rsseg.data.tiling import tile_windows
from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import DatasetError
from keras_rsseg.void import VOID

if TYPE_CHECKING:
    import tensorflow

_RECORDS_AHEAD = 1
# The stream of random numbers that decides whether a tile is kept, besides
# those of the augmentation.
_KEEPING = 100


def tile_records(
    records: "tensorflow.data.Dataset",
    *,
    tile_size: Any = None,
    stride: Any = None,
    protocol: TilingProtocol | str | None = None,
    batch_size: int = 8,
    augmentation: Augmentation | None = None,
    shuffle: int = 0,
    images_at_once: int = 8,
    repeat: bool = False,
    first_epoch: int = 0,
    drop_remainder: bool = False,
    seed: int | None = None,
    places: bool = False,
    class_weights: Any = None,
    boundary_void: BoundaryVoid | None = None,
) -> "tensorflow.data.Dataset":
    """Return batches of tiles of a stream of images, ready for `model.fit`.

    Each image is decoded once per epoch and held only while it is cut. The
    windows are those of `tile_windows`: flush with the far borders, and
    padded with 0 and void beyond images smaller than the tile.

    With a seed the stream is repeatable, and each epoch differs from the
    last; tiles are cut in parallel but arrive in a fixed order, if `records`
    itself does.

    Args:
        records: `tf.data.Dataset` of dicts, such as
            `tfds.load("isaid", split="train")` gives: `"image"`
            `(H, W, C)`; `"mask"` `(H, W, 1)` or `(H, W)`, class ids and 255
            for void, or none for only images; `"name"` for `places`.
        tile_size: int or `(height, width)`, pixels. Defaults to 512.
        stride: int or `(rows, columns)`, pixels. Defaults to `tile_size`.
        protocol: `TilingProtocol` or its name, instead of these two.
        batch_size: int.
        augmentation: `Augmentation` or `None`. If it scales, a tile takes
            its surroundings from the image.
        shuffle: number of tiles held in memory, of which the next is drawn
            (896 x 896 pixels in RGB take 3.2 MB); 0 keeps the order.
        images_at_once: number of images held in memory when shuffling, whose
            tiles alternate.
        repeat: whether to repeat without end. An epoch begins with a new
            batch, so `fit` with `steps_per_epoch` of
            `ceil(tiles / batch_size)` sees whole epochs; see `count_tiles`.
        first_epoch: number of the epoch to begin with, from 0, to resume
            training that was interrupted: with the same seed it gives the
            tiles that epoch would have had. Needs `repeat`.
        drop_remainder: whether to drop an epoch's incomplete last batch.
        seed: int; `None` takes the augmentation's.
        places: whether to return each tile's place in its scene.
        class_weights: a float of at least 0 for each class, to favour tiles
            with rare classes. A tile is kept with the probability of the
            heaviest of its classes, relative to the heaviest of all; tiles
            that hold only void or classes of weight 0 are never kept. How
            many are kept varies by epoch.
        boundary_void: dict from pairs of class ids to widths in pixels, such
            as `{(0, 1): 3}`: pixels of either class that close to the other
            become void, before tiles are scaled.
            See `void_boundaries`.

    Returns:
        A `tf.data.Dataset` of `(images, masks)`: `(B, h, w, C)` uint8 for
        uint8 records, else float32; `(B, h, w)` int32. With `places`,
        `(images, masks, places)`: a dict of `"name"`, the `"row"` and
        `"col"` of the tile, and the `"height"` and `"width"` of its scene,
        each `(B,)`; `fit` does not take these. The dataset's cardinality is
        known if all images have one static size.

    Raises:
        ArgumentError: if an argument is invalid.
        DatasetError: if records are not as described.

    Example:

    ```python
    import tensorflow as tf

    image = np.zeros((1, 1000, 1000, 3), "uint8")
    records = tf.data.Dataset.from_tensor_slices(
        {"image": image, "mask": image[..., 0]}
    )
    tiles = keras_rsseg.data.tile_records(
        records,
        protocol="isaid",
        augmentation=keras_rsseg.data.paper_augmentation("isaid"),
        batch_size=2,
        shuffle=4,
        seed=1,
    )
    [batch.shape for batch, _ in tiles]  # twice (2, 896, 896, 3)
    ```

    Records of a data set come from `tfds.load("isaid", split="train")`, and
    `model.fit(tiles, epochs=16)` takes the result.
    """
    import tensorflow as tf

    tile, stride = tile_and_stride(tile_size, stride, protocol)
    check_positive("batch_size", batch_size)
    check_positive("images_at_once", images_at_once)
    if isinstance(shuffle, bool) or shuffle < 0:
        raise ArgumentError(
            "`shuffle` must be a number of tiles, 0 for none. Received: "
            f"{shuffle!r}"
        )
    spec = _check_records(records, places)
    augmentation, seed = settle(
        augmentation, seed, repeat, first_epoch, {"places": places}
    )
    widths = as_boundary_void(boundary_void)
    if widths:
        records = _without_boundaries(tf, records, spec, widths)
    kept = None if class_weights is None else _keeper(tf, class_weights, spec)
    finish = _finisher(tf, tile, augmentation, "mask" in spec, places)

    @as_written
    def batches_of(epoch_seed, shuffling=True):
        windows = _windows(
            tf, records, tile, stride, epoch_seed, shuffle and images_at_once
        )
        tiles = _map(tf, windows, _cutter(tf, tile, augmentation))
        if kept is not None:
            tiles = tiles.filter(kept)
        tiles = _map(tf, tiles, finish)
        if shuffle and shuffling:
            tiles = shuffled(tf, tiles, shuffle, epoch_seed)
        return tiles.batch(batch_size, drop_remainder=drop_remainder)

    if repeat:
        batches = endless_epochs(tf, seed, first_epoch, batches_of)
    else:
        batches = (
            tf.data.Dataset.random(seed=seed, rerandomize_each_iteration=True)
            .take(1)
            .flat_map(batches_of)
        )
        tiles = None if kept else _known_count(records, spec, tile, stride)
        if tiles is not None:
            rest = 0 if drop_remainder else batch_size - 1
            count = (tiles + rest) // batch_size
            batches = batches.apply(
                tf.data.experimental.assert_cardinality(count)
            )
    return batches.map(_packer(tf)).prefetch(tf.data.AUTOTUNE)


def _map(
    tf: Any, dataset: "tensorflow.data.Dataset", function: Callable
) -> "tensorflow.data.Dataset":
    return dataset.map(
        function, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )


def _check_records(records: Any, places: bool) -> dict[str, Any]:
    """Return the records' `element_spec`."""
    spec = getattr(records, "element_spec", None)
    if not isinstance(spec, dict) or "image" not in spec:
        raise DatasetError(
            '`records` must be a tf.data.Dataset of dicts with "image" and '
            f'"mask". Received: {records!r} of {spec!r}'
        )
    shape = spec["image"].shape
    if shape.rank != 3 or shape[-1] is None:
        raise DatasetError(
            "`records` must hold whole images (H, W, C) with a known number "
            f"of bands; do not batch them. Received: {spec['image']}"
        )
    if places and "name" not in spec:
        raise DatasetError(
            '`places` needs records with a "name". Received: records of '
            f"{sorted(spec)}"
        )
    if int(records.cardinality()) == -1:
        raise DatasetError(
            "`records` must end, so that epochs can be told apart; use "
            "`repeat` here instead. Received: records without end"
        )
    return spec


def _without_boundaries(
    tf: Any,
    records: "tensorflow.data.Dataset",
    spec: dict[str, Any],
    widths: BoundaryVoid,
) -> "tensorflow.data.Dataset":
    """Make the rims of pairs of classes void, once for each whole mask."""
    if "mask" not in spec:
        raise DatasetError(
            '`boundary_void` needs records with a "mask". Received: records '
            f"of {sorted(spec)}"
        )
    shape = spec["mask"].shape

    def voided(mask):
        ids = mask[..., 0] if mask.ndim == 3 else mask
        return void_boundaries(ids, widths).reshape(mask.shape)

    @as_written
    def change(record):
        mask = record["mask"]
        mask = tf.numpy_function(voided, [mask], mask.dtype, stateful=False)
        return {**record, "mask": tf.ensure_shape(mask, shape)}

    return records.map(change)


def _known_count(
    records: "tensorflow.data.Dataset",
    spec: dict[str, Any],
    tile: tuple[int, int],
    stride: tuple[int, int],
) -> int | None:
    height, width, _ = spec["image"].shape
    images = int(records.cardinality())
    if images < 0 or height is None or width is None:
        return None
    return images * len(tile_windows(height, width, tile, stride))


def _windows(
    tf: Any,
    records: "tensorflow.data.Dataset",
    tile: tuple[int, int],
    stride: tuple[int, int],
    epoch_seed: "tensorflow.Tensor",
    images_at_once: int,
) -> "tensorflow.data.Dataset":
    """Return a dataset of images, each with the start of one window."""

    @as_written
    def windows_of(number, record):
        limit = tf.shape(record["image"])[:2]
        if "mask" in record:
            check = tf.debugging.assert_equal(
                tf.shape(record["mask"])[:2],
                limit,
                "Image and mask must have the same size.",
            )
            with tf.control_dependencies([check]):
                limit = tf.identity(limit)
        # The starts of `tile_starts`, in the graph.
        axes = [
            tf.minimum(tf.range(0, last + step, step), last)
            for last, step in zip(
                tf.unstack(tf.maximum(limit - tile, 0)), stride, strict=True
            )
        ]
        starts = tf.meshgrid(*axes, indexing="ij")
        starts = tf.reshape(tf.stack(starts, -1), (-1, 2))
        image_seed = tf.stack([epoch_seed, number])

        @as_written
        def window(index, start):
            seed = tf.random.experimental.stateless_fold_in(image_seed, index)
            return {**record, "limit": limit, "start": start, "seed": seed}

        starts = tf.data.Dataset.from_tensor_slices(starts)
        return starts.enumerate().map(window)

    keys = ("image", "mask", "name")
    records = records.map(
        lambda record: {key: record[key] for key in keys if key in record}
    )
    records = records.prefetch(_RECORDS_AHEAD).enumerate()
    if not images_at_once:
        return records.flat_map(windows_of)
    return records.interleave(windows_of, cycle_length=images_at_once)


def _cutter(
    tf: Any, tile: tuple[int, int], augmentation: Augmentation
) -> Callable:
    @as_written
    def cut_window(window):
        image, seed = window.pop("image"), window["seed"]
        bands = image.shape[-1]
        mask = window.pop("mask", None)
        if mask is None:
            mask = tf.zeros(tf.shape(image)[:2], "uint8")
        elif mask.shape.rank == 3:
            mask = mask[..., 0]
        start, size = source_window(
            tf, augmentation, tile, window["start"], window["limit"], seed
        )
        image, mask = cut(tf, image, mask, start, size)
        if image.dtype != tf.uint8:
            image = tf.cast(image, "float32")
        image.set_shape((None, None, bands))
        return {**window, "image": image, "mask": mask}

    return cut_window


def _keeper(tf: Any, class_weights: Any, spec: dict[str, Any]) -> Callable:
    """Return the function that decides which tiles are kept."""
    if "mask" not in spec:
        raise DatasetError(
            '`class_weights` needs records with a "mask". Received: records '
            f"of {sorted(spec)}"
        )
    weights = check_class_weights(class_weights)
    # Void and NO_DATA (-1) weigh nothing: the first and last of the table.
    table = np.zeros(VOID + 2, "float32")
    table[1 : len(weights) + 1] = weights / weights.max()

    @as_written
    def kept(window):
        chance = tf.reduce_max(tf.gather(table, window["mask"] + 1))
        seed = tf.random.experimental.stateless_fold_in(
            window["seed"], _KEEPING
        )
        return tf.random.stateless_uniform((), seed) < chance

    return kept


def _finisher(
    tf: Any,
    tile: tuple[int, int],
    augmentation: Augmentation,
    has_masks: bool,
    places: bool,
) -> Callable:
    @as_written
    def finish(window):
        image, mask = augmentation.finish(
            window["image"], window["mask"], tile, window["seed"]
        )
        finished = {"image": image}
        if has_masks:
            # A quarter of int32 in the buffer of `shuffle`.
            finished["mask"] = tf.cast(mask, "uint8")
        if places:
            finished["place"] = place_of(
                window["name"], window["start"], window["limit"]
            )
        return finished

    return finish


def _packer(tf: Any) -> Callable:
    @as_written
    def pack(batch):
        if "mask" in batch:
            batch["mask"] = tf.cast(batch["mask"], "int32")
        parts = tuple(
            batch[key] for key in ("image", "mask", "place") if key in batch
        )
        return parts if len(parts) > 1 else parts[0]

    return pack
