"""Checks of what is given to `fit`, `evaluate` and `predict`.

They run in the input pipeline, where a wrong tile can still be named, and
not in the compiled step, where some backends turn it into a wrong number.
"""

import numpy as np
from keras import ops

from keras_rsseg.errors import ArgumentError


def check_tiles(tiles, num_bands):
    """Refuse tiles that are no batch of images with `num_bands` bands.

    Args:
        tiles: tensor or array, `(batch, height, width, bands)`.
        num_bands: int, or `None` to accept any number.

    Raises:
        ValueError: wrong rank or wrong number of bands.
    """
    shape = _static_shape(tiles)
    if shape is None:
        return
    if len(shape) != 4:
        raise ArgumentError(
            "Tiles must have the shape (batch, height, width, bands). "
            f"Received: shape {shape}"
        )
    if num_bands and shape[-1] not in (None, num_bands):
        raise ArgumentError(
            f"The model takes tiles of {num_bands} bands (last axis). "
            f"Received: shape {shape}, {shape[-1]} bands"
        )


def check_masks(masks, tiles, num_classes, void):
    """Refuse masks of another size, or with ids that are no class.

    Args:
        masks: integer tensor or array, `(batch, height, width)` or `(batch,
            height, width, 1)`.
        tiles: the tiles they belong to.
        num_classes: int.
        void: int. The id of unlabelled pixels.

    Returns:
        `masks` as `(batch, height, width)`: TensorFlow makes one graph for
        the shapes of all calls, and could not for two ranks. Within a
        `tf.data` pipeline the ids are checked as the data comes by, when
        what is returned is evaluated.

    Raises:
        ValueError: wrong shape or an id out of range.
    """
    shape, tile_shape = _static_shape(masks), _static_shape(tiles)
    if shape is not None and tile_shape is not None:
        _check_mask_shape(shape, tile_shape)
    if _is_tensorflow(masks):
        masks = _check_tensor_ids(masks, num_classes, void)
    else:
        _check_ids(ops.convert_to_numpy(masks), num_classes, void)
    return masks[..., 0] if shape and len(shape) == 4 else masks


def _check_ids(ids, num_classes, void):
    wrong = ids[(ids < 0) | (ids >= num_classes) & (ids != void)]
    if wrong.size:
        raise ArgumentError(
            _ids_message(num_classes, void, np.unique(wrong)[:8])
        )


def _static_shape(x):
    shape = getattr(x, "shape", None)
    if shape is None or getattr(shape, "rank", 4) is None:
        return None
    return tuple(shape)


def _check_mask_shape(shape, tile_shape):
    if (
        len(shape) == 4
        and shape[-1] not in (None, 1)
        or len(shape) not in (3, 4)
    ):
        raise ArgumentError(
            "Masks must hold class ids in the shape (batch, height, width) or "
            f"(batch, height, width, 1). Received: shape {shape}"
        )
    for mask_length, tile_length in zip(shape[:3], tile_shape[:3], strict=True):
        if None not in (mask_length, tile_length) and (
            mask_length != tile_length
        ):
            raise ArgumentError(
                "Masks must have the number, height and width of their tiles. "
                f"Received: masks {shape}, tiles {tile_shape}"
            )


def _is_tensorflow(x):
    return type(x).__module__.startswith("tensorflow")


def _check_tensor_ids(masks, num_classes, void):
    import tensorflow as tf

    if not tf.is_symbolic_tensor(masks):
        _check_ids(masks.numpy(), num_classes, void)
        return masks
    ids = tf.cast(masks, tf.int32)
    valid = (ids >= 0) & (ids < num_classes) | tf.equal(ids, void)
    wrong = tf.boolean_mask(ids, tf.logical_not(valid))
    check = tf.debugging.Assert(
        tf.reduce_all(valid),
        [_ids_message(num_classes, void), tf.unique(wrong)[0]],
        summarize=8,
    )
    with tf.control_dependencies([check]):
        return tf.identity(masks)


def _ids_message(num_classes, void, found=""):
    return (
        f"Masks may hold the class ids 0 to {num_classes - 1} and {void} for "
        f"void. Received other ids: {found}"
    )
