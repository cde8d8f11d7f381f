"""Parallel convolutions with several dilations (ASPP)."""

from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_rsseg.checks import check_different_positives
from keras_rsseg.layers.conv_bn_relu import ConvBNReLU
from keras_rsseg.layers.separable_conv_bn_relu import SeparableConvBNReLU
from keras_rsseg.ops.adaptive_pool import adaptive_average_pool
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
class AtrousPyramidPooling(keras.layers.Layer):
    """Applies convolutions with several dilations to a map in parallel (ASPP).

    The branches have `filters` channels each, with batch normalization and
    ReLU: the average of the whole map through a 1x1 convolution, a 1x1
    convolution, and a 3x3 convolution for each dilation. Concatenated in
    this order, they are projected to `filters` channels by a 1x1 convolution
    with batch normalization.

    This is the PFNet release. Other code has the average last, a ReLU or a
    3x3 convolution at the end, or dilates only depthwise convolutions
    (DeepLabV3+); there is an argument for each. It does not matter how the
    average is resized, as it is one pixel.

    In training, the average has one value per image: use batches of two
    images or more, otherwise this branch is normalized to a constant.

    Args:
        filters: int. Channels of the output and of each branch. Defaults to
            `256`.
        dilation_rates: dilations of the 3x3 convolutions. Defaults to `(12,
            24, 36)`, which is meant for maps at stride 8; use `(6, 12, 18)`
            at stride 16.
        activation: activation after the projection, or `None`. Defaults to
            `None`, as in the released code; others use `"relu"` here.
        separable: bool. Whether the dilated convolutions are depthwise and
            followed by a 1x1 convolution, see `SeparableConvBNReLU`.
            Defaults to `False`.
        depthwise_norm: bool. Whether there are batch normalization and ReLU
            between these two. Defaults to `True`.
        image_first: bool. Whether the average is the first of the
            concatenated branches, otherwise the last. Defaults to `True`.
        project: bool. Whether to project the branches, otherwise they are
            returned concatenated. Defaults to `True`.
        kernel_size: odd int. Kernel of the projection. Defaults to `1`.
        data_format: `"channels_last"` or `"channels_first"`; defaults to
            `keras.config.image_data_format()`.
        **kwargs: other keyword arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: float tensor `(batch, height, width, channels)`; channels
            second for `"channels_first"`. Height and width can be unknown.

    Returns:
        Tensor `(batch, height, width, filters)`; without `project`, with
        `filters` channels for each branch.

    Raises:
        ArgumentError: when `dilation_rates` is empty or holds anything but
            distinct positive integers, or `kernel_size` is not a positive
            odd integer.

    Example:

    ```python
    layer = keras_rsseg.layers.AtrousPyramidPooling(64)
    layer(np.zeros((2, 25, 17, 512), "float32")).shape  # (2, 25, 17, 64)
    ```

    Reference:
        - [Chen et al., Rethinking Atrous Convolution for Semantic Image
          Segmentation, 2017](https://arxiv.org/abs/1706.05587)
    """

    def __init__(
        self,
        filters: int = 256,
        dilation_rates: Sequence[int] = (12, 24, 36),
        activation: str | Callable[[Tensor], Tensor] | None = None,
        separable: bool = False,
        depthwise_norm: bool = True,
        image_first: bool = True,
        project: bool = True,
        kernel_size: int = 1,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.filters = filters
        self.dilation_rates = check_different_positives(
            "dilation_rates", dilation_rates
        )
        self.activation = keras.activations.get(activation)
        self.separable = separable
        self.depthwise_norm = depthwise_norm
        self.image_first = image_first
        self.kernel_size = kernel_size
        self.data_format = standardize_data_format(data_format)

        # === Layers ===
        self.image_branch = self._conv("image", 1)
        self.branches = [
            self._conv("pointwise", 1),
            *(self._dilated_conv(rate) for rate in self.dilation_rates),
        ]
        self.projection = None
        if project:
            self.projection = self._conv(
                "projection", kernel_size, activation=activation
            )

    def _dilated_conv(self, rate):
        if not self.separable:
            return self._conv(f"rate{rate}", 3, dilation_rate=rate)
        return SeparableConvBNReLU(
            self.filters,
            dilation_rate=rate,
            depthwise_norm=self.depthwise_norm,
            data_format=self.data_format,
            dtype=self.dtype_policy,
            name=f"rate{rate}",
        )

    def _conv(self, name, kernel_size, **kwargs):
        return ConvBNReLU(
            self.filters,
            kernel_size,
            data_format=self.data_format,
            dtype=self.dtype_policy,
            name=name,
            **kwargs,
        )

    def build(self, input_shape: Shape) -> None:
        for branch in (self.image_branch, *self.branches):
            branch.build(input_shape)
        if self.projection is not None:
            self.projection.build(self._joined_shape(input_shape))

    def _joined_shape(self, input_shape):
        joined = (1 + len(self.branches)) * self.filters
        return with_channels(input_shape, joined, self.data_format)

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        average = adaptive_average_pool(inputs, 1, data_format=self.data_format)
        average = resize(
            self.image_branch(average, training=training),
            spatial_size(inputs, self.data_format),
            align_corners=True,
            data_format=self.data_format,
        )
        maps = [branch(inputs, training=training) for branch in self.branches]
        maps = [average, *maps] if self.image_first else [*maps, average]
        joined = ops.concatenate(maps, axis=channel_axis(self.data_format))
        if self.projection is None:
            return joined
        return self.projection(joined, training=training)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        if self.projection is None:
            return self._joined_shape(input_shape)
        return with_channels(input_shape, self.filters, self.data_format)

    def get_config(self) -> Config:
        config = super().get_config()
        config.update(
            {
                "filters": self.filters,
                "dilation_rates": self.dilation_rates,
                "activation": keras.activations.serialize(self.activation),
                "separable": self.separable,
                "depthwise_norm": self.depthwise_norm,
                "image_first": self.image_first,
                "project": self.projection is not None,
                "kernel_size": self.kernel_size,
                "data_format": self.data_format,
            }
        )
        return config
