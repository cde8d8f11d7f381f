"""Cutting, scaling, turning and blurring tensors of tiles."""

import math
from typing import TYPE_CHECKING
from typing import Any

from keras_rsseg.data.pairs import NO_DATA

if TYPE_CHECKING:
    from tensorflow import Tensor


def cut(
    tf: Any, image: "Tensor", mask: "Tensor", start: "Tensor", size: "Tensor"
) -> tuple["Tensor", "Tensor"]:
    """Cut a window from an image and its mask.

    Args:
        tf: the tensorflow module.
        image: tensor `(H, W, C)`.
        mask: integer tensor `(H, W)`.
        start: int32 `(2,)`, row and column; may lie outside.
        size: int32 `(2,)`.

    Returns:
        `(h, w, C)` and int32 `(h, w)`. Beyond the border the image's border
        pixels are repeated, so that scaling and blurring mix no black into
        the rim; the mask is `NO_DATA`.
    """
    limit = tf.shape(mask)

    def inside():
        return (
            tf.slice(image, tf.pad(start, [[0, 1]]), [size[0], size[1], -1]),
            tf.cast(tf.slice(mask, start, size), "int32"),
        )

    def beyond():
        rows = start[0] + tf.range(size[0])
        cols = start[1] + tf.range(size[1])
        known = ((rows >= 0) & (rows < limit[0]))[:, None] & (
            (cols >= 0) & (cols < limit[1])
        )
        ids = tf.cast(take_clamped(tf, mask, rows, cols), "int32")
        return (
            take_clamped(tf, image, rows, cols),
            tf.where(known, ids, NO_DATA),
        )

    fits = tf.reduce_all((start >= 0) & (start + size <= limit))
    return tf.cond(fits, inside, beyond)


def take_clamped(
    tf: Any, array: "Tensor", rows: "Tensor", cols: "Tensor"
) -> "Tensor":
    """Gather rows and columns; beyond the border, repeat its pixels.

    Args:
        tf: the tensorflow module.
        array: tensor `(H, W, ...)`.
        rows: int32 `(h,)`.
        cols: int32 `(w,)`.

    Returns:
        A tensor `(h, w, ...)`.
    """
    limit = tf.shape(array)
    rows = tf.clip_by_value(rows, 0, limit[0] - 1)
    cols = tf.clip_by_value(cols, 0, limit[1] - 1)
    return tf.gather(tf.gather(array, rows, axis=0), cols, axis=1)


def scale(
    tf: Any, image: "Tensor", mask: "Tensor", size: tuple[int, int]
) -> tuple["Tensor", "Tensor"]:
    """Resize an image bilinearly and its mask by nearest neighbour.

    Args:
        tf: the tensorflow module.
        image: tensor `(h, w, C)`.
        mask: int32 tensor `(h, w)`.
        size: `(height, width)`.

    Returns:
        float32 `(height, width, C)` and int32 `(height, width)`.
    """
    image = tf.image.resize(image, size, "bilinear")
    mask = tf.image.resize(mask[..., None], size, "nearest")
    return image, mask[..., 0]


def rotate(
    tf: Any,
    image: "Tensor",
    mask: "Tensor",
    size: tuple[int, int],
    degrees: "Tensor",
) -> tuple["Tensor", "Tensor"]:
    """Turn and resize an image and its mask in one step.

    Args:
        tf: the tensorflow module.
        image: tensor `(h, w, C)`.
        mask: int32 tensor `(h, w)`.
        size: `(height, width)` of the image after resizing.
        degrees: float scalar, about the centre, counter-clockwise.

    Returns:
        float32 `(height, width, C)`, bilinear, and int32 `(height, width)`,
        nearest. In the corners the image repeats its border pixels and the
        mask is `NO_DATA`.
    """
    angle = degrees * (math.pi / 180)
    source = tf.cast(tf.shape(mask), "float32")
    target = tf.constant(size, "float32")
    step = source / target
    cos, sin = tf.cos(angle) * step[::-1], tf.sin(angle) * step[::-1]
    # From the pixel (x, y) of the tile to that of the source; both turn
    # about their centres, at (size - 1) / 2.
    x, y = (target[1] - 1) / 2, (target[0] - 1) / 2
    left = (source[1] - 1) / 2 - cos[0] * x + sin[0] * y
    top = (source[0] - 1) / 2 - sin[1] * x - cos[1] * y
    transform = tf.stack([cos[0], -sin[0], left, sin[1], cos[1], top, 0.0, 0.0])

    def warp(array, interpolation, fill_mode):
        return tf.raw_ops.ImageProjectiveTransformV3(
            images=array[None],
            transforms=transform[None],
            output_shape=tf.constant(size, "int32"),
            fill_value=float(NO_DATA),
            interpolation=interpolation,
            fill_mode=fill_mode,
        )[0]

    image = warp(tf.cast(image, "float32"), "BILINEAR", "NEAREST")
    mask = warp(mask[..., None], "NEAREST", "CONSTANT")
    return image, mask[..., 0]


def blur(tf: Any, image: "Tensor", sigma: "Tensor", largest: float) -> "Tensor":
    """Blur by a Gaussian; beyond the border, its pixels are repeated.

    Args:
        tf: the tensorflow module.
        image: float32 tensor `(H, W, C)` of static shape.
        sigma: float scalar, standard deviation, pixels.
        largest: float, upper limit of `sigma`; the kernel ends at four
            times that.

    Returns:
        A tensor like `image`.
    """
    radius = max(1, math.ceil(4 * largest))
    steps = tf.range(-radius, radius + 1, dtype="float32")
    kernel = tf.exp(-0.5 * tf.square(steps / tf.maximum(sigma, 1e-3)))
    kernel = kernel / tf.reduce_sum(kernel)
    rows = tf.range(-radius, image.shape[0] + radius)
    cols = tf.range(-radius, image.shape[1] + radius)
    blurred = take_clamped(tf, image, rows, cols)[None]
    for shape in ((-1, 1, 1, 1), (1, -1, 1, 1)):
        weights = tf.reshape(kernel, shape)
        weights = tf.tile(weights, (1, 1, image.shape[-1], 1))
        blurred = tf.nn.depthwise_conv2d(
            blurred, weights, (1, 1, 1, 1), "VALID"
        )
    return blurred[0]
