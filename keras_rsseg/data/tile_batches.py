"""What `tile_dataset` and `tile_records` share: from a window to batches."""

import secrets
from collections.abc import Callable
from collections.abc import Mapping
from typing import TYPE_CHECKING
from typing import Any

from keras_rsseg.checks import is_integer
from keras_rsseg.data.augmentation import Augmentation
from keras_rsseg.errors import ArgumentError

if TYPE_CHECKING:
    import tensorflow

_LARGEST = 2**63 - 1


def as_written(function: Callable) -> Callable:
    """Keep autograph from rewriting a function, which takes seconds."""
    import tensorflow as tf

    return tf.autograph.experimental.do_not_convert(function)


def settle(
    augmentation: Augmentation | None,
    seed: int | None,
    repeat: bool,
    first_epoch: int,
    unscaled: Mapping[str, bool],
) -> tuple[Augmentation, int | None]:
    """Check what both pipelines take, and fill in the defaults.

    Args:
        augmentation: `Augmentation` or `None`.
        seed: int or `None`.
        repeat: bool.
        first_epoch: int.
        unscaled: dict from the names of arguments that need unscaled windows
            to whether they are given.

    Returns:
        An `Augmentation`, and the seed, by default the augmentation's.

    Raises:
        ArgumentError: if these do not go together.
    """
    if augmentation is None:
        augmentation = Augmentation(flip=False, rotate90=False)
    for name, asked in unscaled.items():
        if asked and augmentation.scale != (1.0, 1.0):
            raise ArgumentError(
                f"`{name}` needs unscaled windows. Received: an "
                f"augmentation with scale={augmentation.scale}"
            )
    seed = augmentation.seed if seed is None else seed
    if not is_integer(first_epoch) or first_epoch < 0:
        raise ArgumentError(
            "`first_epoch` must be an int, at least 0. Received: "
            f"{first_epoch!r}"
        )
    if first_epoch and not repeat:
        raise ArgumentError(
            "`first_epoch` needs repeat=True. Received: "
            f"first_epoch={first_epoch}"
        )
    if first_epoch and seed is None:
        raise ArgumentError(
            "`first_epoch` needs a `seed`, or the epochs before it are "
            "unknown. Received: seed=None"
        )
    return augmentation, seed


def source_window(
    tf: Any,
    augmentation: Augmentation,
    tile: tuple[int, int],
    start: "tensorflow.Tensor",
    limit: "tensorflow.Tensor",
    seed: "tensorflow.Tensor",
) -> tuple["tensorflow.Tensor", "tensorflow.Tensor"]:
    """Return the window to read for the tile of a window.

    Args:
        tf: the tensorflow module.
        augmentation: `Augmentation`; its scale makes the window smaller or
            larger than the tile.
        tile: `(height, width)`.
        start: int32 `(2,)`, the window's row and column.
        limit: int32 `(2,)`, height and width of the image.
        seed: int tensor `(2,)`, the tile's.

    Returns:
        Start and size, both int32 `(2,)`.
    """
    size = augmentation.source_size(tile, seed)
    if augmentation.scale == (1.0, 1.0):
        return start, size
    start = start + augmentation.source_start(tile, size, seed)
    # Prefer real surroundings to void.
    return tf.clip_by_value(start, 0, tf.maximum(limit - size, 0)), size


def place_of(
    name: "tensorflow.Tensor",
    start: "tensorflow.Tensor",
    limit: "tensorflow.Tensor",
) -> dict[str, "tensorflow.Tensor"]:
    """Return a tile's place, see `tile_dataset`."""
    return {
        "name": name,
        "row": start[0],
        "col": start[1],
        "height": limit[0],
        "width": limit[1],
    }


def shuffled(
    tf: Any,
    dataset: "tensorflow.data.Dataset",
    buffer_size: int,
    epoch_seed: "tensorflow.Tensor",
) -> "tensorflow.data.Dataset":
    """Shuffle by an epoch's seed; call it within `flat_map`.

    The order depends on that seed alone. `Dataset.shuffle` would combine it
    with the seed of `tf.random.set_seed`, and fails on a tensor if that is 0.
    """
    tf.compat.v1.get_default_graph().seed = None
    return dataset.shuffle(
        buffer_size, epoch_seed, reshuffle_each_iteration=False
    )


def endless_epochs(
    tf: Any, seed: int | None, first_epoch: int, batches_of: Callable
) -> "tensorflow.data.Dataset":
    """Return the batches of one epoch after another, without end.

    Args:
        tf: the tensorflow module.
        seed: int; an epoch depends only on it and on its own number. `None`
            draws one.
        first_epoch: number of the epoch to begin with, from 0.
        batches_of: function from an int64 scalar, an epoch's seed, and
            whether to shuffle, to the dataset of its batches.

    Returns:
        A `tf.data.Dataset`, which fails if its first epoch is empty rather
        than search for a batch forever.
    """
    seed = secrets.randbits(62) if seed is None else seed

    @as_written
    def epoch(number):
        epoch_seed = _epoch_seed(tf, seed, number)
        # Once, and unshuffled: shuffling would fill the buffer again.
        first = tf.data.Dataset.range(
            tf.cast(tf.equal(number, first_epoch), "int64")
        )
        guard = first.flat_map(
            lambda _: _nothing_unless_empty(tf, batches_of(epoch_seed, False))
        )
        return batches_of(epoch_seed, True).concatenate(guard)

    epochs = tf.data.Dataset.range(first_epoch, _LARGEST).flat_map(epoch)
    return epochs.apply(
        tf.data.experimental.assert_cardinality(tf.data.INFINITE_CARDINALITY)
    )


def _epoch_seed(tf, seed, epoch):
    seed = tf.stack([tf.constant(seed, "int64"), epoch])
    return tf.random.stateless_uniform((), seed, 0, _LARGEST, "int64")


def _nothing_unless_empty(tf, batches):
    found = batches.take(1).reduce(0, lambda count, *_: count + 1)
    check = tf.debugging.assert_positive(
        found, "An epoch of these tiles has not a single batch."
    )
    with tf.control_dependencies([check]):
        return batches.take(tf.zeros((), "int64"))
