"""Convolution whose taps read at learned offsets."""

from typing import Any

import keras
from keras import ops

from keras_rsseg.errors import ArgumentError
from keras_rsseg.layers.fine_and_coarse import check_kernel_size
from keras_rsseg.layers.initial_kernels import torch_default_initializer
from keras_rsseg.ops.data_format import ANY_SHAPE
from keras_rsseg.ops.data_format import channel_axis
from keras_rsseg.ops.data_format import from_channels_last
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.ops.data_format import to_channels_last
from keras_rsseg.ops.data_format import with_channels
from keras_rsseg.ops.lean_graphs import shape_of
from keras_rsseg.ops.sample_taps import sample_taps
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
    `kernel_size**2` maps, see `keras_rsseg.ops.sample_taps`.

    Args:
        filters: int. Channels of the output.
        kernel_size: odd int. Size of the square kernel, and of the kernel
            that makes the offsets. Defaults to `3`.
        modulated: bool. Whether taps also have weights (DCNv2). Defaults to
            `False`.
        use_bias: bool. Whether the convolution has a bias; the convolution
            that makes the offsets always has one. Defaults to `True`.
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
        use_bias: bool = True,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        check_kernel_size("kernel_size", kernel_size)
        self.filters = filters
        self.kernel_size = kernel_size
        self.modulated = modulated
        self.use_bias = use_bias
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
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                shape=(self.filters,), initializer="zeros", name="bias"
            )

    def call(self, inputs: Tensor) -> Tensor:
        x = to_channels_last(inputs, self.data_format)
        offsets = to_channels_last(self.offset_conv(inputs), self.data_format)
        taps = self.kernel_size**2
        # (y, x) of the taps in row-major order, then their weights.
        sampled = sample_taps(x, offsets[..., : 2 * taps], self.kernel_size)
        if self.modulated:
            weights = ops.sigmoid(offsets[..., 2 * taps :])
            sampled = sampled * ops.expand_dims(weights, axis=-1)
        size = taps * self.kernel.shape[2]
        sampled = ops.reshape(sampled, (*shape_of(x)[:3], size))
        kernel = ops.reshape(self.kernel, (size, self.filters))
        outputs = ops.matmul(sampled, kernel)
        if self.bias is not None:
            outputs = outputs + self.bias
        return from_channels_last(outputs, self.data_format)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return with_channels(input_shape, self.filters, self.data_format)

    def get_config(self) -> Config:
        config = super().get_config()
        config.update(
            {
                "filters": self.filters,
                "kernel_size": self.kernel_size,
                "modulated": self.modulated,
                "use_bias": self.use_bias,
                "data_format": self.data_format,
            }
        )
        return config
