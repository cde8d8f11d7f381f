"""Random changes of the colours of tensors of tiles."""

from typing import TYPE_CHECKING
from typing import Any

from keras_rsseg.checks import is_integer
from keras_rsseg.data.color_statistics import ColorTransfer
from keras_rsseg.data.resampling import blur as blur_image
from keras_rsseg.errors import ArgumentError
from keras_rsseg.tables import counted

if TYPE_CHECKING:
    from tensorflow import DType
    from tensorflow import Tensor

    from keras_rsseg.data.augmentation import Augmentation

# What JPEG stores: grey and RGB.
_JPEG_BANDS = (1, 3)


def change_colors(
    tf: Any,
    changes: "Augmentation",
    image: "Tensor",
    seen: "Tensor",
    seed: "Tensor",
    dtype: "DType",
) -> "Tensor":
    """Change the colours of a tile.

    Args:
        tf: the tensorflow module.
        changes: `Augmentation` that gives the strengths.
        image: float32 tensor `(H, W, C)` of static shape.
        seen: bool tensor `(H, W)`, where there is an image.
        seed: int tensor `(2,)`; each change has its own stream.
        dtype: dtype of the image as given.

    Returns:
        A tensor like `image`, rounded and clipped only by JPEG.

    Raises:
        ArgumentError: if a change does not fit the image's bands or
            dtype.
    """
    bands = image.shape[-1]
    _check_bands(changes, bands)
    value_range = _value_range(changes, dtype)
    if changes.blur[1]:
        sigma = uniform(tf, seed, 6, (), *changes.blur)
        image = blur_image(tf, image, sigma, changes.blur[1])
    if changes.color_transfer is not None:
        image = _transferred(tf, image, changes.color_transfer, seed)
    if changes.contrast:
        seen = tf.cast(seen, "float32")[..., None]
        count = tf.maximum(tf.reduce_sum(seen) * bands, 1.0)
        mean = tf.reduce_sum(image * seen) / count
        gain = _gain(tf, seed, 3, (), changes.contrast)
        image = mean + (image - mean) * gain
    if changes.brightness:
        image = image * _gain(tf, seed, 4, (), changes.brightness)
    if changes.saturation:
        grey = tf.reduce_mean(image, axis=-1, keepdims=True)
        gain = _gain(tf, seed, 12, (), changes.saturation)
        image = grey + (image - grey) * gain
    if changes.channel:
        image = image * _gain(tf, seed, 5, (bands,), changes.channel)
    if changes.gamma:
        widest = tf.math.log1p(tf.constant(changes.gamma, "float32"))
        drawn = uniform(tf, seed, 13, (), -1.0, 1.0)
        image = _to_power(tf, image, tf.exp(widest * drawn), value_range)
    if changes.haze:
        veil = uniform(tf, seed, 7, (), 0.0, changes.haze)
        image = image + veil * uniform(tf, seed, 8, (bands,), 0.5, 1.0)
    if changes.jpeg is not None:
        image = _as_jpeg(tf, image, changes.jpeg, seed, value_range)
    return image


def uniform(
    tf: Any,
    seed: "Tensor",
    stream: int,
    shape: tuple[int, ...],
    low: float,
    high: float,
) -> "Tensor":
    """Draw floats from one of the independent streams of a tile's seed.

    Args:
        tf: the tensorflow module.
        seed: int tensor `(2,)`, the tile's.
        stream: number of the decision. Numbers in use must not change, or
            the tiles of a seed change from release to release.
        shape: shape of the result.
        low: smallest value.
        high: largest value.

    Returns:
        A float32 tensor.
    """
    seed = tf.random.experimental.stateless_fold_in(seed, stream)
    return tf.random.stateless_uniform(shape, seed, low, high)


def as_jpeg(jpeg: Any) -> tuple[int, int] | None:
    """Return a range of JPEG qualities, or raise.

    Args:
        jpeg: `(lowest, highest)` or `None`.

    Raises:
        ArgumentError: if these are not two whole numbers from 1 to 100.
    """
    if jpeg is None:
        return None
    pair = tuple(jpeg) if isinstance(jpeg, tuple | list) else ()
    if (
        len(pair) != 2
        or not all(is_integer(quality) for quality in pair)
        or not 1 <= pair[0] <= pair[1] <= 100
    ):
        raise ArgumentError(
            "`jpeg` must be (lowest, highest) quality, whole numbers from 1 "
            f"to 100, ascending. Received: {jpeg!r}"
        )
    return int(pair[0]), int(pair[1])


def _gain(tf, seed, stream, shape, strength):
    return uniform(tf, seed, stream, shape, 1 - strength, 1 + strength)


def _check_bands(changes, bands):
    if changes.jpeg is not None and bands not in _JPEG_BANDS:
        raise ArgumentError(
            "`jpeg` needs images of 3 bands, or of 1. Received: images of "
            f"{counted(bands, 'band')}"
        )
    transfer = changes.color_transfer
    if transfer is not None and transfer.bands != bands:
        raise ArgumentError(
            "`color_transfer` must have the bands of the images. Received: "
            f"statistics of {counted(transfer.bands, 'band')}, images of "
            f"{bands}"
        )


def _value_range(changes, dtype):
    """Return the values that mean black and white."""
    if changes.value_range is not None:
        return changes.value_range
    if dtype.is_integer:
        return 0.0, float(dtype.max)
    for name in ("gamma", "jpeg"):
        if getattr(changes, name):
            raise ArgumentError(
                f"`{name}` needs `value_range`, the values (black, white) of "
                "floating images, such as (0, 10000); images from files are "
                f"floats unless they have 8 bits. Received: {dtype.name} "
                "images, value_range=None"
            )
    return 0.0, 1.0


def _transferred(
    tf: Any, image: "Tensor", transfer: ColorTransfer, seed: "Tensor"
) -> "Tensor":
    """Map by the source's statistics part of the way to a target's."""
    targets = transfer.targets
    stream = tf.random.experimental.stateless_fold_in(seed, 10)
    chosen = tf.random.stateless_uniform((), stream, 0, len(targets), "int32")
    share = uniform(tf, seed, 11, (), 0.0, 1.0)

    def on_the_way(start, ends):
        start = tf.constant(start, "float32")
        end = tf.gather(tf.constant(ends, "float32"), chosen)
        return start + share * (end - start)

    source = transfer.source
    mean = on_the_way(source.means, [one.means for one in targets])
    deviation = on_the_way(
        source.deviations, [one.deviations for one in targets]
    )
    return (image - source.means) / source.deviations * deviation + mean


def _to_power(tf, image, exponent, value_range):
    low, high = value_range
    # Values below black have no power: they stay.
    above = tf.maximum(image - low, 0.0)
    powered = low + tf.pow(above / (high - low), exponent) * (high - low)
    return tf.where(image > low, powered, image)


def _as_jpeg(tf, image, qualities, seed, value_range):
    low, high = value_range
    step = (high - low) / 255
    levels = tf.round(tf.clip_by_value((image - low) / step, 0.0, 255.0))
    stream = tf.random.experimental.stateless_fold_in(seed, 14)
    quality = tf.random.stateless_uniform(
        (), stream, qualities[0], qualities[1] + 1, "int32"
    )
    # The decoder's default depends on the machine.
    stored = tf.image.adjust_jpeg_quality(
        tf.cast(levels, "uint8"), quality, dct_method="INTEGER_ACCURATE"
    )
    return low + tf.cast(stored, "float32") * step
