"""Attention of pixels, channels, rows and columns."""

from typing import Any

import keras
from keras import ops

from keras_rsseg.checks import check_positive
from keras_rsseg.errors import ArgumentError
from keras_rsseg.layers.fine_and_coarse import check_same_channels
from keras_rsseg.layers.initial_kernels import torch_default_initializer
from keras_rsseg.ops.attention import attend
from keras_rsseg.ops.data_format import channel_axis
from keras_rsseg.ops.data_format import from_channels_last
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.ops.data_format import to_channels_last
from keras_rsseg.typing import Config
from keras_rsseg.typing import DataFormat
from keras_rsseg.typing import Shape
from keras_rsseg.typing import Tensor


class _ResidualAttention(keras.layers.Layer):
    """Base of the layers that add to a map what it gathers from itself.

    The result of a subclass' `_gather()` is multiplied by `gamma`, a learned
    scalar that starts at zero: a new layer changes nothing.
    """

    def __init__(self, data_format: DataFormat | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)

    def build(self, input_shape: Shape) -> None:
        self.gamma = self.add_weight(
            shape=(1,), initializer="zeros", name="gamma"
        )

    def call(self, inputs: Tensor) -> Tensor:
        gathered = from_channels_last(self._gather(inputs), self.data_format)
        return inputs + self.gamma * ops.cast(gathered, inputs.dtype)

    def _gather(self, inputs):
        """Returns a channels-last map of the size of the inputs."""
        raise NotImplementedError

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> Config:
        config = super().get_config()
        config["data_format"] = self.data_format
        return config


class PixelAttention(_ResidualAttention):
    """Base of the layers in which pixels of a map attend to one another.

    Three 1x1 convolutions with bias make queries, keys and values. The result
    of a subclass' `attend()` is multiplied by `gamma`, a learned scalar that
    starts at zero, and added to the map: a new layer changes nothing.

    Args:
        reduction: int. Queries and keys have `channels // reduction`
            channels, at least one. Defaults to `8`.
        data_format: `"channels_last"` or `"channels_first"`; defaults to
            `keras.config.image_data_format()`.
        **kwargs: other keyword arguments of `keras.layers.Layer`.

    Raises:
        ArgumentError: when `reduction` is not a positive integer, or the
            map's channels are not known.
    """

    def __init__(
        self,
        reduction: int = 8,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ):
        super().__init__(data_format, **kwargs)
        self.reduction = check_positive("reduction", reduction)

    def _conv(self, filters, name):
        return keras.layers.Conv2D(
            filters,
            1,
            # torch's default: with Keras' own, unscaled products are larger.
            kernel_initializer=torch_default_initializer(),
            data_format=self.data_format,
            dtype=self.dtype_policy,
            name=name,
        )

    def build(self, input_shape: Shape) -> None:
        channels = input_shape[channel_axis(self.data_format)]
        if channels is None:
            raise ArgumentError(
                "The channels of the map must be known. Received: "
                f"input_shape={input_shape}"
            )
        reduced = max(channels // self.reduction, 1)
        self.query = self._conv(reduced, "query")
        self.key = self._conv(reduced, "key")
        self.value = self._conv(channels, "value")
        for layer in (self.query, self.key, self.value):
            layer.build(input_shape)
        super().build(input_shape)

    def _gather(self, inputs):
        return self.attend(
            *(
                to_channels_last(layer(inputs), self.data_format)
                for layer in (self.query, self.key, self.value)
            )
        )

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Gather the values of other pixels for each pixel.

        Args:
            query: tensor `(batch, height, width, reduced channels)`, for
                either data format.
            key: as `query`.
            value: tensor `(batch, height, width, channels)`.

        Returns:
            float32 tensor like `value`.
        """
        raise NotImplementedError

    def get_config(self) -> Config:
        config = super().get_config()
        config["reduction"] = self.reduction
        return config


@keras.saving.register_keras_serializable(package="keras_rsseg")
class PositionAttention(PixelAttention):
    """Each pixel gathers from all pixels of the map: DANet's spatial branch.

    `gamma * softmax(query key^T) value + inputs`, with unscaled products.
    `gamma` starts at zero, so a new layer changes nothing.

    Memory grows with the square of the number of pixels: the float32 scores
    of a map of 64 x 64 pixels (a tile of 512 at stride 8) take 64 MiB per
    image, those of 128 x 128 take 1 GiB. `CrissCrossAttention` takes 2 and
    16 MiB.

    Args:
        reduction: int. Queries and keys have `channels // reduction`
            channels, at least one. Defaults to `8`.
        data_format: `"channels_last"` or `"channels_first"`; defaults to
            `keras.config.image_data_format()`.
        **kwargs: other keyword arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: float tensor `(batch, height, width, channels)`; channels
            second for `"channels_first"`. Height and width can be unknown.

    Returns:
        Tensor like `inputs`. Scores and softmax are float32 even under
        mixed precision.

    Raises:
        ArgumentError: when `reduction` is not a positive integer.

    Example:

    ```python
    layer = keras_rsseg.layers.PositionAttention()
    layer(np.ones((2, 25, 17, 64), "float32")).shape  # (2, 25, 17, 64)
    ```

    Reference:
        - [Fu et al., Dual Attention Network for Scene Segmentation, 2018](
          https://arxiv.org/abs/1809.02983), equations 1 and 2
    """

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        gathered = attend(*(_flatten(x) for x in (query, key, value)))
        return ops.reshape(gathered, ops.shape(value))


def _flatten(x):
    """`(batch, height, width, channels)` to `(batch, pixels, channels)`."""
    return ops.reshape(x, (ops.shape(x)[0], -1, x.shape[-1]))


@keras.saving.register_keras_serializable(package="keras_rsseg")
class ChannelAttention(_ResidualAttention):
    """Each channel gathers from all channels: DANet's channel branch.

    With the map as a matrix `X` of channels and pixels, this is `gamma *
    softmax(max - X X^T) X + X`, where `max` is the maximum of each row. As in
    the released code, the less alike two channels are, the more they
    exchange; the paper has `softmax(X X^T)`. `gamma`, the only weight, starts
    at zero, so a new layer changes nothing. Memory grows with the square of
    the number of channels.

    Args:
        data_format: `"channels_last"` or `"channels_first"`; defaults to
            `keras.config.image_data_format()`.
        **kwargs: other keyword arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: float tensor `(batch, height, width, channels)`; channels
            second for `"channels_first"`. Height and width can be unknown.

    Returns:
        Tensor like `inputs`. Scores and softmax are float32 even under
        mixed precision.

    Example:

    ```python
    layer = keras_rsseg.layers.ChannelAttention()
    layer(np.ones((2, 25, 17, 64), "float32")).shape  # (2, 25, 17, 64)
    ```

    Reference:
        - [Fu et al., Dual Attention Network for Scene Segmentation, 2018](
          https://arxiv.org/abs/1809.02983), equations 3 and 4
    """

    def _gather(self, inputs):
        x = to_channels_last(inputs, self.data_format)
        channels = ops.transpose(_flatten(x), (0, 2, 1))
        channels = ops.cast(channels, "float32")
        # A softmax is the same without the maximum.
        gathered = attend(-channels, channels, channels)
        return ops.reshape(ops.transpose(gathered, (0, 2, 1)), ops.shape(x))


@keras.saving.register_keras_serializable(package="keras_rsseg")
class CrissCrossAttention(PixelAttention):
    """Each pixel gathers from the pixels in its row and its column.

    The query of a pixel is multiplied, without scaling, by the keys of its
    row (itself included) and of the other pixels in its column. One softmax
    over these `height + width - 1` scores weights their values; the sum,
    times `gamma`, is added to the map. `gamma` starts at zero, so a new
    layer changes nothing.

    Scores take `height * width * (height + width)` numbers of memory, not
    the square of the number of pixels. After a second call (CCNet shares
    the weights between the two calls), each pixel has gathered from all.

    Args:
        reduction: int. Queries and keys have `channels // reduction`
            channels, at least one. Defaults to `8`.
        data_format: `"channels_last"` or `"channels_first"`; defaults to
            `keras.config.image_data_format()`.
        **kwargs: other keyword arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: float tensor `(batch, height, width, channels)`; channels
            second for `"channels_first"`. Height and width can be unknown.

    Returns:
        Tensor like `inputs`. Scores and softmax are float32 even under
        mixed precision.

    Raises:
        ArgumentError: when `reduction` is not a positive integer.

    Example:

    ```python
    layer = keras_rsseg.layers.CrissCrossAttention()
    x = np.ones((2, 25, 17, 64), "float32")
    layer(layer(x)).shape  # (2, 25, 17, 64)
    ```

    Reference:
        - [Huang et al., CCNet: Criss-Cross Attention for Semantic
          Segmentation, 2018](https://arxiv.org/abs/1811.11721)
    """

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        query, key, value = (
            ops.cast(x, "float32") for x in (query, key, value)
        )
        height, width = ops.shape(query)[1:3]
        rows = ops.einsum("bhwd,bhvd->bhwv", query, key)
        columns = ops.einsum("bhwd,bgwd->bhwg", query, key)
        # The pixel itself is already in its row.
        index = ops.arange(height)
        itself = ops.equal(index[:, None], index[None, :])[None, :, None, :]
        columns = ops.where(itself, float("-inf"), columns)
        weights = ops.softmax(ops.concatenate([rows, columns], axis=-1))
        return ops.einsum(
            "bhwv,bhvc->bhwc", weights[..., :width], value
        ) + ops.einsum("bhwg,bgwc->bhwc", weights[..., width:], value)


@keras.saving.register_keras_serializable(package="keras_rsseg")
class DenseAffinity(keras.layers.Layer):
    """Brings a coarse map to the size of a fine one by a dense affinity.

    Every fine pixel attends to every coarse one, `softmax(fine coarse^T)
    coarse`. It does with all points what `keras_rsseg.layers.PointFlow` does
    with a few. The affinity is likewise unscaled, float32 even under mixed
    precision, and without weights. The caller adds the fine map.

    The affinity of an image has `H W h w` numbers of 4 bytes, with several
    copies in training. For a tile of 512 pixels and strides 4 and 8, a copy
    takes 268 MB; for a tile of 896 pixels, 2.5 GB.

    Args:
        data_format: `"channels_last"` or `"channels_first"`; defaults to
            `keras.config.image_data_format()`.
        **kwargs: other keyword arguments of `keras.layers.Layer`.

    Call arguments:
        fine: float tensor `(batch, H, W, channels)`; channels second for
            `"channels_first"`. Heights and widths can be unknown and odd.
        coarse: float tensor `(batch, h, w, channels)` of any size.

    Returns:
        Tensor like `fine`: means of coarse pixels.

    Raises:
        ArgumentError: when the maps differ in channels.

    Example:

    ```python
    layer = keras_rsseg.layers.DenseAffinity()
    fine, coarse = np.ones((1, 32, 24, 16)), np.ones((1, 16, 12, 16))
    fused = keras.ops.add(fine, layer(fine, coarse))
    fused.shape  # (1, 32, 24, 16)
    ```

    Reference:
        - [Li et al., PointFlow, 2021](https://arxiv.org/abs/2103.06564),
          Table 2c
    """

    def __init__(self, data_format: DataFormat | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)

    def build(self, fine_shape: Shape, coarse_shape: Shape) -> None:
        check_same_channels(fine_shape, coarse_shape, self.data_format)

    def call(self, fine: Tensor, coarse: Tensor) -> Tensor:
        fine = to_channels_last(fine, self.data_format)
        coarse = to_channels_last(coarse, self.data_format)
        batch, height, width, channels = ops.shape(fine)
        fine_points = ops.reshape(fine, (batch, height * width, channels))
        coarse_points = ops.reshape(coarse, (batch, -1, channels))
        attended = attend(fine_points, coarse_points, coarse_points)
        attended = ops.reshape(
            ops.cast(attended, fine.dtype), (batch, height, width, channels)
        )
        return from_channels_last(attended, self.data_format)

    def compute_output_shape(
        self, fine_shape: Shape, coarse_shape: Shape
    ) -> Shape:
        return tuple(fine_shape)

    def get_config(self) -> Config:
        config = super().get_config()
        config["data_format"] = self.data_format
        return config
