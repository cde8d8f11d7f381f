"""Weights of pixels in the loss, by their class."""

from typing import TYPE_CHECKING
from typing import Any

import numpy as np

from keras_rsseg.data.class_statistics import check_class_weights
from keras_rsseg.data.tile_batches import as_written
from keras_rsseg.errors import ArgumentError
from keras_rsseg.void import VOID

if TYPE_CHECKING:
    import tensorflow


def weigh_pixels(
    tiles: "tensorflow.data.Dataset", class_weights: Any
) -> "tensorflow.data.Dataset":
    """Add weights to pixels by their class, for `model.fit`.

    For a data set whose masks draw some classes differently from another one
    beside it, see `mix_datasets`: their pixels can count less here. To weight
    the classes of all tiles alike, give `class_weights` to the loss instead.

    `fit` multiplies each pixel's loss by its weight, and the losses divide
    by the number of pixels, not by the sum of weights. Pixels of weight 0
    become void, so they do not count there either, nor in metrics. PFNet's
    boundary losses ignore the weights.

    Args:
        tiles: `tf.data.Dataset` of `(images, masks)`, such as `tile_dataset`
            and `tile_records` return.
        class_weights: a float of at least 0 for each class.

    Returns:
        A `tf.data.Dataset` of `(images, masks, weights)`: weights are
        float32 in the shape of the masks, 0 where void. Reading a mask with
        an id that has no weight is an error.

    Raises:
        ArgumentError: if elements or weights are not as described.

    Example:

    ```python
    image, mask = np.zeros((64, 64, 3), "uint8"), np.zeros((64, 64), "uint8")
    mask[:32] = 1
    tiles = keras_rsseg.data.tile_dataset(image, mask, tile_size=64)
    tiles = keras_rsseg.data.weigh_pixels(tiles, [1, 0.5])
    images, masks, weights = next(iter(tiles))
    weights[0, 0, 0]  # 0.5
    ```
    """
    import tensorflow as tf

    given = check_class_weights(class_weights)
    spec = getattr(tiles, "element_spec", None)
    if (
        not isinstance(spec, tuple)
        or len(spec) != 2
        or not all(isinstance(part, tf.TensorSpec) for part in spec)
        or not spec[1].dtype.is_integer
    ):
        raise ArgumentError(
            "`tiles` must be a tf.data.Dataset of (images, masks). Received: "
            f"{tiles!r} of {spec!r}"
        )
    table = np.full(VOID + 1, np.nan, "float32")
    table[: given.size] = given
    table[VOID] = 0

    @as_written
    def weigh(images, masks):
        weights = tf.debugging.check_numerics(
            tf.gather(table, tf.cast(masks, "int32")),
            f"A mask holds ids beyond the {given.size} of `class_weights`.",
        )
        void = tf.constant(VOID, masks.dtype)
        return images, tf.where(weights == 0, void, masks), weights

    weighed = tiles.map(
        weigh, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )
    return weighed.prefetch(tf.data.AUTOTUNE)
