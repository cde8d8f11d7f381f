"""Batches as losses and metrics need them, in input pipelines and outside."""

from typing import Any

import keras
import numpy as np

from keras_rsseg.errors import ArgumentError
from keras_rsseg.void import VOID


def is_tensorflow(x: Any) -> bool:
    """Return whether `x` is a tensor of TensorFlow, without importing it.

    Args:
        x: anything.
    """
    return type(x).__module__.startswith("tensorflow")


def is_symbolic(x: Any) -> bool:
    """Return whether `x` is a tensor of a `tf.data` pipeline's graph.

    Args:
        x: anything.
    """
    if not is_tensorflow(x):
        return False
    import tensorflow as tf

    return bool(tf.is_symbolic_tensor(x))


def void_not_finite(tiles: Any, masks: Any) -> tuple[Any, Any]:
    """Set pixels that are NaN or infinite in a band to 0, and make them void.

    `keras_rsseg.data.tile_dataset` does the same: one such pixel in a tile
    would make every weight NaN in one step.

    Args:
        tiles: array or tensor `(batch, height, width, bands)`.
        masks: array or tensor `(batch, height, width)` of ids; or with a
            channel for each class, all 0 in void pixels.

    Returns:
        `(tiles, masks)`, unchanged if everything is finite.
    """
    if is_symbolic(tiles):
        import tensorflow as tf

        if not tiles.dtype.is_floating:
            return tiles, masks
        if masks.dtype in (tf.bool, tf.int8):
            masks = tf.cast(masks, tf.int32)
        finite = tf.reduce_all(tf.math.is_finite(tiles), axis=-1)
        tiles = tf.where(finite[..., None], tiles, tf.zeros_like(tiles))
        finite = finite if len(masks.shape) == 3 else finite[..., None]
        void = tf.cast(_void_in(masks), masks.dtype)
        return tiles, tf.where(finite, masks, void)
    if "float" not in keras.backend.standardize_dtype(tiles.dtype):
        return tiles, masks
    array = keras.ops.convert_to_numpy(tiles)
    finite = np.isfinite(array).all(axis=-1)
    if finite.all():
        return tiles, masks
    ids = keras.ops.convert_to_numpy(masks)
    if ids.dtype in (np.bool_, np.int8):
        ids = ids.astype("int32")
    array = np.where(finite[..., None], array, array.dtype.type(0))
    finite = finite if ids.ndim == 3 else finite[..., None]
    return array, np.where(finite, ids, ids.dtype.type(_void_in(ids)))


def _void_in(masks: Any) -> int:
    """Return the value of void: an id, or 0 in masks with channels."""
    return VOID if len(masks.shape) == 3 else 0


def weights_of_pixels(weights: Any, masks: Any) -> Any:
    """Return weights that multiply the losses of pixels, whatever the loss.

    Keras takes weights of tiles, `(batch,)`, for weights of columns.

    Args:
        weights: array or tensor `(batch,)`, `(batch, 1)`, `(batch, height,
            width)` or with a last axis of 1; or `None`.
        masks: array or tensor `(batch, height, width)`, or with a channel for
            each class.

    Returns:
        Weights `(batch, height, width)`, or `None`.

    Raises:
        ArgumentError: for another shape.
    """
    if weights is None:
        return None
    rank, last = len(weights.shape), weights.shape[-1]
    if len(masks.shape) == 4:
        masks = masks[..., 0]
    if rank == 3:
        return weights
    if rank == 4 and last == 1:
        return weights[..., 0]
    if rank != 1 and not (rank == 2 and last == 1):
        raise ArgumentError(
            "`sample_weight` must be one weight per tile, (batch,), or per "
            f"pixel, (batch, height, width). Received: shape "
            f"{tuple(weights.shape)}"
        )
    # Not a view: some losses of Keras write into them.
    if is_tensorflow(weights):
        import tensorflow as tf

        each = tf.reshape(weights, (-1, 1, 1))
        return tf.broadcast_to(each, tf.shape(masks))
    each = keras.ops.convert_to_numpy(weights).reshape(-1, 1, 1)
    return np.broadcast_to(each, tuple(masks.shape)).copy()


def fill_batch(
    tiles: Any, masks: Any, weights: Any, multiple: int
) -> tuple[Any, Any, Any]:
    """Fill a batch with void tiles until replicas can share it.

    The last tile is repeated, so that batch statistics see no black, with a
    void mask and weight 0.

    Args:
        tiles: array or tensor `(batch, height, width, bands)`.
        masks: array or tensor `(batch, height, width)`, or with a channel for
            each class.
        weights: the result of `weights_of_pixels`.
        multiple: int. The number of tiles will be a multiple of it.

    Returns:
        `(tiles, masks, weights)`.
    """
    if multiple == 1:
        return tiles, masks, weights
    void = _void_in(masks)
    if is_symbolic(tiles):
        import tensorflow as tf

        lacking = -tf.shape(tiles)[0] % multiple

        def fill(x: Any, value: Any) -> Any:
            last = x[-1:] if value is None else tf.fill(tf.shape(x[-1:]), value)
            more = tf.repeat(tf.cast(last, x.dtype), lacking, axis=0)
            filled = tf.concat([x, more], axis=0)
            filled.set_shape([None, *x.shape[1:]])
            return filled

        if masks.dtype in (tf.bool, tf.int8):
            masks = tf.cast(masks, tf.int32)
    else:
        count = -len(tiles) % multiple
        if not count:
            return tiles, masks, weights

        def fill(x: Any, value: Any) -> Any:
            x = keras.ops.convert_to_numpy(x)
            last = x[-1:] if value is None else np.full_like(x[-1:], value)
            return np.concatenate([x, np.repeat(last, count, axis=0)])

        masks = keras.ops.convert_to_numpy(masks)
        if masks.dtype in (np.bool_, np.int8):
            masks = masks.astype("int32")
    return (
        fill(tiles, None),
        fill(masks, void),
        None if weights is None else fill(weights, 0),
    )
