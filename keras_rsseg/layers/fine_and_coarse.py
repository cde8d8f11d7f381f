"""Shared parts of the layers that take a fine and a coarse map."""

from keras_rsseg.checks import is_integer
from keras_rsseg.errors import ArgumentError
from keras_rsseg.ops.data_format import channel_axis
from keras_rsseg.ops.data_format import spatial_size
from keras_rsseg.typing import DataFormat
from keras_rsseg.typing import Shape
from keras_rsseg.typing import Tensor


def check_kernel_size(name: str, size: int) -> None:
    """Raises an `ArgumentError` naming the argument unless it is odd."""
    if not is_integer(size) or size < 1 or size % 2 == 0:
        raise ArgumentError(
            f"`{name}` must be a positive odd integer. Received: {name}={size}"
        )


def check_same_channels(
    fine_shape: Shape, coarse_shape: Shape, data_format: DataFormat
) -> None:
    """Raises an `ArgumentError` unless two maps have equally many channels."""
    axis = channel_axis(data_format)
    if fine_shape[axis] is None or fine_shape[axis] != coarse_shape[axis]:
        raise ArgumentError(
            "`fine` and `coarse` must have the same known number of "
            f"channels. Received: {fine_shape}, {coarse_shape}"
        )


def check_fine_and_coarse(
    fine: Tensor, coarse: Tensor, data_format: DataFormat
) -> None:
    """Raises an `ArgumentError` if the coarse map is the larger one."""
    for length, coarse_length in zip(
        spatial_size(fine, data_format),
        spatial_size(coarse, data_format),
        strict=True,
    ):
        known = isinstance(length, int) and isinstance(coarse_length, int)
        if known and coarse_length > length:
            raise ArgumentError(
                "`coarse` must not be larger than `fine`: a layer that "
                "joins two maps is called `layer(fine, coarse)`. "
                f"Received: fine.shape={tuple(fine.shape)}, "
                f"coarse.shape={tuple(coarse.shape)}"
            )
