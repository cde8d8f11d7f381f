"""A map concatenated with averages of itself."""

from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_rsseg.checks import check_different_positives
from keras_rsseg.layers.conv_bn_relu import ConvBNReLU
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
class PyramidPooling(keras.layers.Layer):
    """Joins a map with its averages over grids of several sizes.

    For each bin size `b`, the map is averaged over a `b x b` grid that covers
    it, passed through a 1x1 convolution with batch normalization and resized
    to the map's size (bilinear, corners aligned). The pooled maps, in the
    order of `bin_sizes`, and then the map itself are concatenated; a 1x1
    convolution with batch normalization and ReLU reduces them to `filters`
    channels. In training, some channels are dropped entirely.

    This is the PFNet release. mmsegmentation's PSPNet, and the head of
    UPerNet, differ in all of `pooled_activation="relu"`, `map_first=True`,
    `kernel_size=3` and `align_corners=False`.

    In training, a bin of size 1 has one value per image: use batches of two
    images or more, otherwise this branch is normalized to a constant.

    Args:
        filters: int. Channels of the output and of each pooled map. Defaults
            to `256`.
        bin_sizes: sizes of the grids. A map can be smaller than its grid.
            Defaults to `(1, 2, 3, 6)`.
        dropout: float in [0, 1). Share of the output's channels to drop in
            training. Defaults to `0.1`.
        pooled_activation: activation of the pooled maps, or `None`. Defaults
            to `None`.
        map_first: bool. Whether the map itself comes before the pooled maps
            in the concatenation. Defaults to `False`.
        kernel_size: odd int. Kernel of the last convolution. Defaults to
            `1`.
        align_corners: bool. How pooled maps are resized, see
            `keras_rsseg.ops.resize`. Defaults to `True`.
        data_format: `"channels_last"` or `"channels_first"`; defaults to
            `keras.config.image_data_format()`.
        **kwargs: other keyword arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: float tensor `(batch, height, width, channels)`; channels
            second for `"channels_first"`. Height and width can be unknown.

    Returns:
        Tensor `(batch, height, width, filters)`.

    Raises:
        ArgumentError: when `bin_sizes` is empty or holds anything but distinct
            positive integers, or `kernel_size` is not a positive odd integer.

    Example:

    ```python
    layer = keras_rsseg.layers.PyramidPooling(64)
    layer(np.zeros((2, 25, 17, 512), "float32")).shape  # (2, 25, 17, 64)
    ```

    Reference:
        - [Zhao et al., PSPNet, 2017](https://arxiv.org/abs/1612.01105)
        - [Li et al., PointFlow, 2021](https://arxiv.org/abs/2103.06564)
    """

    def __init__(
        self,
        filters: int = 256,
        bin_sizes: Sequence[int] = (1, 2, 3, 6),
        dropout: float = 0.1,
        pooled_activation: str | Callable[[Tensor], Tensor] | None = None,
        map_first: bool = False,
        kernel_size: int = 1,
        align_corners: bool = True,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.filters = filters
        self.bin_sizes = check_different_positives("bin_sizes", bin_sizes)
        self.dropout = dropout
        self.pooled_activation = keras.activations.get(pooled_activation)
        self.map_first = map_first
        self.kernel_size = kernel_size
        self.align_corners = align_corners
        self.data_format = standardize_data_format(data_format)
        self.branches = [
            self._conv(f"bin{size}", activation=pooled_activation)
            for size in self.bin_sizes
        ]
        self.bottleneck = self._conv("bottleneck", kernel_size)
        self.channel_dropout = keras.layers.SpatialDropout2D(
            dropout,
            data_format=self.data_format,
            dtype=self.dtype_policy,
            name="channel_dropout",
        )

    def _conv(self, name, kernel_size=1, activation="relu"):
        return ConvBNReLU(
            self.filters,
            kernel_size,
            activation=activation,
            data_format=self.data_format,
            dtype=self.dtype_policy,
            name=name,
        )

    def build(self, input_shape: Shape) -> None:
        for branch in self.branches:
            branch.build(input_shape)
        joined = input_shape[channel_axis(self.data_format)]
        joined += len(self.branches) * self.filters
        self.bottleneck.build(
            with_channels(input_shape, joined, self.data_format)
        )

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        size = spatial_size(inputs, self.data_format)
        maps = [
            self._pooled(inputs, branch, bins, size, training)
            for branch, bins in zip(self.branches, self.bin_sizes, strict=True)
        ]
        maps = [inputs, *maps] if self.map_first else [*maps, inputs]
        joined = ops.concatenate(maps, axis=channel_axis(self.data_format))
        x = self.bottleneck(joined, training=training)
        return self.channel_dropout(x, training=training)

    def _pooled(self, x, branch, bins, size, training):
        pooled = adaptive_average_pool(x, bins, data_format=self.data_format)
        return resize(
            branch(pooled, training=training),
            size,
            align_corners=self.align_corners,
            data_format=self.data_format,
        )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return with_channels(input_shape, self.filters, self.data_format)

    def get_config(self) -> Config:
        config = super().get_config()
        config.update(
            {
                "filters": self.filters,
                "bin_sizes": self.bin_sizes,
                "dropout": self.dropout,
                "pooled_activation": keras.activations.serialize(
                    self.pooled_activation
                ),
                "map_first": self.map_first,
                "kernel_size": self.kernel_size,
                "align_corners": self.align_corners,
                "data_format": self.data_format,
            }
        )
        return config
