"""Layout, size and dtype of images, for ops and the code built on them."""

from typing import Any
from typing import Final
from typing import get_args

import keras
from keras import ops

from keras_rsseg.checks import check_choice
from keras_rsseg.checks import check_positive
from keras_rsseg.errors import ArgumentError
from keras_rsseg.ops.lean_graphs import shape_of
from keras_rsseg.ops.portable import is_portable
from keras_rsseg.typing import DataFormat
from keras_rsseg.typing import Interpolation
from keras_rsseg.typing import Shape
from keras_rsseg.typing import Size
from keras_rsseg.typing import Tensor

CHANNELS_LAST: Final = "channels_last"
CHANNELS_FIRST: Final = "channels_first"

# The shape of a map with nothing known except, perhaps, the channels.
ANY_SHAPE: Shape = (None,) * 4


def standardize_data_format(data_format: DataFormat | None) -> DataFormat:
    """Returns `data_format`, or Keras' default when it is `None`."""
    if data_format is None:
        return keras.config.image_data_format()
    check_choice("data_format", data_format, get_args(DataFormat))
    return data_format


def channel_axis(data_format: DataFormat) -> int:
    """Channel axis of a standardized data format, from either end."""
    return 1 if data_format == CHANNELS_FIRST else -1


def with_channels(
    shape: Shape, channels: int | None, data_format: DataFormat
) -> Shape:
    """The shape of a map with another number of channels."""
    changed = list(shape)
    changed[channel_axis(data_format)] = channels
    return tuple(changed)


def for_maps(vector: Tensor, data_format: DataFormat) -> Tensor:
    """Reshapes `(channels,)` so that it broadcasts against maps."""
    shape = [1, 1, 1, 1]
    shape[channel_axis(data_format)] = -1
    return ops.reshape(vector, shape)


def first_spatial_axis(data_format: DataFormat) -> int:
    """Axis of the height; the width follows."""
    return 2 if data_format == CHANNELS_FIRST else 1


def check_rank(name: str, tensor: Tensor, rank: int, shape: str) -> None:
    """Raises an `ArgumentError` naming the argument if the rank is wrong."""
    if len(tensor.shape) != rank:
        raise ArgumentError(
            f"`{name}` must have shape {shape}. "
            f"Received: {name}.shape={tuple(tensor.shape)}"
        )


def spatial_size(images: Tensor, data_format: DataFormat) -> Size:
    """Height and width: ints if known, else scalar int tensors."""
    first = first_spatial_axis(data_format)
    return shape_of(images)[first : first + 2]


def standardize_size(name: str, size: Size) -> Size:
    """Checks a pair of lengths; unknown ones are left as they are."""
    if not isinstance(size, (tuple, list)) or len(size) != 2:
        raise ArgumentError(
            f"`{name}` must be a pair (height, width). Received: "
            f"{name}={size!r}"
        )
    return tuple(
        length
        if is_symbolic(length)
        else check_positive(f"{name}[{axis}]", length)
        for axis, length in enumerate(size)
    )


def is_symbolic(length: Any) -> bool:
    """Whether a length is unknown: while tracing TensorFlow or JAX."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        return ops.is_tensor(length)
    if backend == "jax":
        from jax.export import is_symbolic_dim

        return is_symbolic_dim(length)
    return False


def is_on_cpu(tensor: Tensor) -> bool:
    """Whether the tensor is certainly on a CPU."""
    backend = keras.backend.backend()
    if backend == "torch":
        return tensor.device.type == "cpu"
    if backend == "jax":
        return is_on_jax_cpu()
    import tensorflow as tf

    devices = tf.config.list_physical_devices()
    return all(device.device_type == "CPU" for device in devices)


def has_tensorflow_kernel(maps: Tensor, axis: int) -> bool:
    """Whether maps can go through a kernel that only TensorFlow's CPU has.

    Not in graphs for other runtimes.

    Args:
        maps: tensor of any rank; kernels take four axes.
        axis: that of the channels, which must be the last.
    """
    return (
        keras.backend.backend() == "tensorflow"
        and (len(maps.shape), axis) == (4, -1)
        and not is_portable()
        and is_on_cpu(maps)
    )


def is_on_jax_cpu() -> bool:
    """Whether JAX computes, on a CPU: where XLA's programs need help."""
    if keras.backend.backend() != "jax":
        return False
    import jax

    return jax.default_backend() == "cpu"


def is_float(tensor: Tensor) -> bool:
    """Whether the tensor holds floating-point numbers."""
    return "float" in keras.backend.standardize_dtype(tensor.dtype)


def check_float(name: str, tensor: Tensor) -> None:
    """Raises a `TypeError` naming the argument unless it holds floats."""
    if not is_float(tensor):
        raise TypeError(
            f"`{name}` must be floating point. Received dtype: "
            f"{keras.backend.standardize_dtype(tensor.dtype)}"
        )


def check_interpolation(images: Tensor, interpolation: Interpolation) -> None:
    """Raises if the images cannot be interpolated this way."""
    check_choice("interpolation", interpolation, get_args(Interpolation))
    if interpolation == "bilinear" and not is_float(images):
        raise TypeError(
            "Bilinear `images` must be floating point: cast them, or use "
            "`interpolation='nearest'` for masks. Received dtype: "
            f"{keras.backend.standardize_dtype(images.dtype)}"
        )


def to_channels_last(images: Tensor, data_format: DataFormat) -> Tensor:
    """Returns images of either layout as (B, H, W, C)."""
    if data_format == CHANNELS_LAST:
        return images
    return ops.transpose(images, (0, 2, 3, 1))


def from_channels_last(images: Tensor, data_format: DataFormat) -> Tensor:
    """The inverse of `to_channels_last`."""
    if data_format == CHANNELS_LAST:
        return images
    return ops.transpose(images, (0, 3, 1, 2))
