"""All levels of a pyramid in one map."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_rsseg.errors import ArgumentError
from keras_rsseg.layers.conv_bn_relu import ConvBNReLU
from keras_rsseg.ops.data_format import channel_axis
from keras_rsseg.ops.data_format import spatial_size
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.ops.data_format import with_channels
from keras_rsseg.ops.resize import resize
from keras_rsseg.typing import Config
from keras_rsseg.typing import DataFormat
from keras_rsseg.typing import Shape
from keras_rsseg.typing import Tensor


@keras.saving.register_keras_serializable(package="keras_rsseg")
class PyramidFusion(keras.layers.Layer):
    """Joins the levels of a pyramid at the size of the finest one.

    Every level is resized bilinearly to the first, all are concatenated or
    summed, and one convolution with batch normalization and ReLU follows. It
    is the last stage of PFNet's decoder (3x3, see section 3 of the paper) and
    of HRNetV2's head (1x1). To save time, the resized levels are never made
    for concatenation, see `keras_rsseg.ops.upsampled_conv`.

    Args:
        filters: int. Channels of the output.
        kernel_size: odd int. Size of the square kernel. Defaults to `3`.
        use_bias: bool. Whether the convolution has a bias. Defaults to
            `False`.
        align_corners: bool. How levels are resized, see
            `keras_rsseg.ops.resize`. Defaults to `True`.
        sum_levels: bool. Whether levels, which then have as many channels,
            are summed and not concatenated. Defaults to `False`.
        data_format: `"channels_last"` or `"channels_first"`; defaults to
            `keras.config.image_data_format()`.
        **kwargs: other keyword arguments of `keras.layers.Layer`.

    Call arguments:
        levels: list of tensors `(batch, h, w, channels)`, finest first.

    Returns:
        Tensor `(batch, height, width, filters)` of the first level's size.

    Raises:
        ArgumentError: levels to sum have different numbers of channels.

    Example:

    ```python
    levels = [np.zeros((1, 32 // s, 32 // s, 8)) for s in (1, 2, 4)]
    keras_rsseg.layers.PyramidFusion(16)(levels).shape  # (1, 32, 32, 16)
    ```

    Reference:
        - [Li et al., PointFlow, 2021](https://arxiv.org/abs/2103.06564)
        - [Wang et al., HRNet, 2020](https://arxiv.org/abs/1908.07919)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int = 3,
        use_bias: bool = False,
        align_corners: bool = True,
        sum_levels: bool = False,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.filters = filters
        self.kernel_size = kernel_size
        self.use_bias = use_bias
        self.align_corners = align_corners
        self.sum_levels = sum_levels
        self.data_format = standardize_data_format(data_format)
        self.conv = ConvBNReLU(
            filters,
            kernel_size,
            use_bias=use_bias,
            data_format=self.data_format,
            dtype=self.dtype_policy,
            name="conv",
        )

    def build(self, levels_shape: Sequence[Shape]) -> None:
        axis = channel_axis(self.data_format)
        channels = [level[axis] for level in levels_shape]
        if self.sum_levels and len(set(channels)) > 1:
            raise ArgumentError(
                "Levels to sum must have the same number of channels. "
                f"Received: {list(levels_shape)}"
            )
        joined = channels[0] if self.sum_levels else sum(channels)
        self.conv.build(
            with_channels(levels_shape[0], joined, self.data_format)
        )

    def call(
        self, levels: Sequence[Tensor], training: bool | None = None
    ) -> Tensor:
        if self.sum_levels:
            finest, *others = levels
            size = spatial_size(finest, self.data_format)
            x = finest
            for level in others:
                x = x + resize(
                    level,
                    size,
                    align_corners=self.align_corners,
                    data_format=self.data_format,
                )
            return self.conv(x, training=training)
        return self.conv.call_upsampled(
            levels, align_corners=self.align_corners, training=training
        )

    def compute_output_shape(self, levels_shape: Sequence[Shape]) -> Shape:
        return with_channels(levels_shape[0], self.filters, self.data_format)

    def get_config(self) -> Config:
        config = super().get_config()
        config.update(
            {
                "filters": self.filters,
                "kernel_size": self.kernel_size,
                "use_bias": self.use_bias,
                "align_corners": self.align_corners,
                "sum_levels": self.sum_levels,
                "data_format": self.data_format,
            }
        )
        return config
