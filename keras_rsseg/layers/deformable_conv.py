"""Convolution whose taps read at learned offsets."""

from typing import Any

import keras
from keras import ops

from keras_rsseg.errors import ArgumentError
from keras_rsseg.layers.fine_and_coarse import check_kernel_size
from keras_rsseg.layers.fine_and_coarse import torch_default_initializer
from keras_rsseg.ops.data_format import ANY_SHAPE
from keras_rsseg.ops.data_format import channel_axis
from keras_rsseg.ops.data_format import from_channels_last
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.ops.data_format import to_channels_last
from keras_rsseg.ops.data_format import with_channels
from keras_rsseg.ops.grid_sample import grid_sample
from keras_rsseg.typing import Config
from keras_rsseg.typing import DataFormat
from keras_rsseg.typing import Shape
from keras_rsseg.typing import Tensor


@keras.saving.register_keras_serializable(package="keras_rsseg")
class DeformableConv(keras.layers.Layer):
    """Convolution whose taps read at learned offsets (DCN).

    A second convolution of the same map computes an offset for each tap of
    each pixel, in pixels, down and right. The tap reads the map bilinearly at
    its position plus the offset; the map is zero outside. The modulated
    version (DCNv2) also weights each tap by a sigmoid. Offsets start at zero
    and weights, as published, at 0.5: a new layer is a plain zero-padded
    convolution, or half of it. Strides, dilations and groups are 1.

    Coordinates are float32 even under mixed precision. It takes the memory of
    `kernel_size**2` maps.

    Args:
        filters: int. Channels of the output.
        kernel_size: odd int. Size of the square kernel, and of the kernel
            that makes the offsets. Defaults to `3`.
        modulated: bool. Whether taps also have weights (DCNv2). Defaults to
            `False`.
        data_format: `"channels_last"` or `"channels_first"`; defaults to
            `keras.config.image_data_format()`.
        **kwargs: other keyword arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: float tensor `(batch, height, width, channels)`; channels
            second for `"channels_first"`. Height and width can be unknown.

    Returns:
        Tensor `(batch, height, width, filters)`.

    Raises:
        ArgumentError: when `kernel_size` is not an odd positive integer, or
            the number of channels is unknown.

    Example:

    ```python
    layer = keras_rsseg.layers.DeformableConv(8, modulated=True)
    layer(np.ones((1, 25, 17, 4), "float32")).shape  # (1, 25, 17, 8)
    ```

    Reference:
        - [Dai et al., Deformable Convolutional Networks, 2017](
          https://arxiv.org/abs/1703.06211)
        - [Zhu et al., Deformable ConvNets v2, 2019](
          https://arxiv.org/abs/1811.11168)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int = 3,
        modulated: bool = False,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        check_kernel_size("kernel_size", kernel_size)
        self.filters = filters
        self.kernel_size = kernel_size
        self.modulated = modulated
        self.data_format = standardize_data_format(data_format)
        self.offset_conv = keras.layers.Conv2D(
            (3 if modulated else 2) * kernel_size**2,
            kernel_size,
            padding="same",
            kernel_initializer="zeros",
            data_format=self.data_format,
            dtype=self.dtype_policy,
            name="offset_conv",
        )

    def build(self, input_shape: Shape) -> None:
        channels = input_shape[channel_axis(self.data_format)]
        if channels is None:
            raise ArgumentError(
                "`inputs` must have a known number of channels. Received: "
                f"{input_shape}"
            )
        self.offset_conv.build(
            with_channels(ANY_SHAPE, channels, self.data_format)
        )
        self.kernel = self.add_weight(
            shape=(self.kernel_size, self.kernel_size, channels, self.filters),
            # torch's default, as in the decoders' other convolutions.
            initializer=torch_default_initializer(),
            name="kernel",
        )
        self.bias = self.add_weight(
            shape=(self.filters,), initializer="zeros", name="bias"
        )

    def call(self, inputs: Tensor) -> Tensor:
        x = to_channels_last(inputs, self.data_format)
        offsets = to_channels_last(self.offset_conv(inputs), self.data_format)
        batch, height, width, channels = ops.shape(x)
        taps = self.kernel_size**2
        # (y, x) of the taps in row-major order, then their weights.
        shifts = ops.cast(offsets[..., : 2 * taps], "float32")
        shifts = ops.reshape(shifts, (batch, height, width * taps, 2))
        sampled = grid_sample(
            x, self._grid(shifts, height, width), data_format="channels_last"
        )
        sampled = ops.reshape(sampled, (batch, height, width, taps, channels))
        if self.modulated:
            weights = ops.sigmoid(offsets[..., 2 * taps :])
            sampled = sampled * ops.expand_dims(weights, axis=-1)
        sampled = ops.reshape(sampled, (batch, height, width, taps * channels))
        kernel = ops.reshape(self.kernel, (taps * channels, self.filters))
        outputs = ops.matmul(sampled, kernel) + self.bias
        return from_channels_last(outputs, self.data_format)

    def _grid(self, shifts, height, width):
        """Where the taps read: `(batch, height, width * taps, 2)`."""
        size, pad = self.kernel_size, self.kernel_size // 2
        tap = ops.arange(size**2, dtype="int32")
        row = ops.arange(height, dtype="int32")[:, None, None]
        column = ops.arange(width, dtype="int32")[None, :, None]
        row = ops.broadcast_to(
            row + tap // size - pad, (height, width, size**2)
        )
        column = ops.broadcast_to(
            column + tap % size - pad, (height, width, size**2)
        )
        shape = (1, height, width * size**2)
        y = ops.cast(ops.reshape(row, shape), "float32") + shifts[..., 0]
        x = ops.cast(ops.reshape(column, shape), "float32") + shifts[..., 1]
        # Pixel 0 has its centre at -1 + 1 / length.
        y = (2.0 * y + 1.0) / ops.cast(height, "float32") - 1.0
        x = (2.0 * x + 1.0) / ops.cast(width, "float32") - 1.0
        return ops.stack([x, y], axis=-1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return with_channels(input_shape, self.filters, self.data_format)

    def get_config(self) -> Config:
        config = super().get_config()
        config.update(
            {
                "filters": self.filters,
                "kernel_size": self.kernel_size,
                "modulated": self.modulated,
                "data_format": self.data_format,
            }
        )
        return config
