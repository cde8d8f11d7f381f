"""Cutting windows out of image tensors, also beyond their borders."""

from keras_rsseg.data.pairs import NO_DATA


def cut(tf, image, mask, start, size):
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


def take_clamped(tf, array, rows, cols):
    """Gather rows and columns; beyond the border, its pixels.

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
