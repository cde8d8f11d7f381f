"""Layout, size and dtype of images, for ops and what is built on them."""

import keras
from keras import ops

from keras_rsseg.errors import ArgumentError

CHANNELS_LAST = "channels_last"
CHANNELS_FIRST = "channels_first"


def standardize_data_format(data_format):
    """Returns `data_format`, or Keras' default when it is `None`."""
    if data_format is None:
        return keras.config.image_data_format()
    if data_format not in (CHANNELS_LAST, CHANNELS_FIRST):
        raise ArgumentError(
            "`data_format` must be 'channels_last', 'channels_first' or "
            f"None. Received: data_format={data_format!r}"
        )
    return data_format


def channel_axis(data_format):
    """Axis of the channels of a standardized data format, from either end."""
    return 1 if data_format == CHANNELS_FIRST else -1


def for_maps(vector, data_format):
    """Returns `(channels,)` so shaped that maps can be added to it."""
    shape = [1, 1, 1, 1]
    shape[channel_axis(data_format)] = -1
    return ops.reshape(vector, shape)


def first_spatial_axis(data_format):
    """Axis of the height; that of the width follows."""
    return 2 if data_format == CHANNELS_FIRST else 1


def check_rank(name, tensor, rank, shape):
    """Raises a `ValueError` naming the argument if the rank is wrong."""
    if len(tensor.shape) != rank:
        raise ArgumentError(
            f"`{name}` must have shape {shape}. "
            f"Received: {name}.shape={tuple(tensor.shape)}"
        )


def spatial_size(images, data_format):
    """Height and width: ints where known, else scalar int tensors."""
    first = first_spatial_axis(data_format)
    return tuple(ops.shape(images)[first : first + 2])


def standardize_size(name, size):
    """Checks a pair of lengths; those not known yet are left as they are."""
    if not isinstance(size, (tuple, list)) or len(size) != 2:
        raise ArgumentError(
            f"`{name}` must be a pair (height, width). Received: "
            f"{name}={size!r}"
        )
    return tuple(_standardize_length(name, length) for length in size)


def _standardize_length(name, length):
    if is_symbolic(length):
        return length
    try:
        valid = int(length) == length and length >= 1
    except TypeError:
        valid = False
    if not valid:
        raise ArgumentError(
            f"`{name}` must hold positive integers. Received: {length!r}"
        )
    return int(length)


def is_symbolic(length):
    """Whether a length is unknown: while tracing TensorFlow or JAX."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        return ops.is_tensor(length)
    if backend == "jax":
        from jax.export import is_symbolic_dim

        return is_symbolic_dim(length)
    return False


def is_float(tensor):
    """Whether the tensor holds floating-point numbers."""
    return "float" in keras.backend.standardize_dtype(tensor.dtype)


def to_channels_last(images, data_format):
    """(B, H, W, C) view of images in either layout."""
    if data_format == CHANNELS_LAST:
        return images
    return ops.transpose(images, (0, 2, 3, 1))


def from_channels_last(images, data_format):
    """The inverse of `to_channels_last`."""
    if data_format == CHANNELS_LAST:
        return images
    return ops.transpose(images, (0, 3, 1, 2))
