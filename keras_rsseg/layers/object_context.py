"""Each pixel gathers from similar pixels (OCNet)."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_rsseg.checks import check_positive
from keras_rsseg.layers.conv_bn_relu import ConvBNReLU
from keras_rsseg.ops.attention import attend
from keras_rsseg.ops.data_format import channel_axis
from keras_rsseg.ops.data_format import from_channels_last
from keras_rsseg.ops.data_format import spatial_size
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.ops.data_format import to_channels_last
from keras_rsseg.ops.data_format import with_channels
from keras_rsseg.ops.resize import resize
from keras_rsseg.typing import Config
from keras_rsseg.typing import DataFormat
from keras_rsseg.typing import Shape
from keras_rsseg.typing import Tensor


@keras.saving.register_keras_serializable(package="keras_rsseg")
class ObjectContext(keras.layers.Layer):
    """Gathers for each pixel from similar pixels.

    The map is halved by 2x2 max pooling (sizes are rounded down). One 1x1
    convolution with batch normalization and activation makes the queries,
    which are also the keys; another 1x1 convolution makes the values. Each
    pixel gets the values of all pixels, weighted by a softmax of `query key /
    sqrt(key_filters)`. A last 1x1 convolution follows, and the result is
    resized to the size of the map (bilinear, corners aligned). The map itself
    is not added.

    Memory grows with the square of the number of pixels: the float32 scores
    of a map of 64 x 64 pixels (a tile of 512 at stride 8), halved, take 4 MiB
    per image.

    Args:
        key_filters: int. Channels of the queries. Defaults to `256`.
        activation: activation of the queries, or `None`. Defaults to
            `"relu"`.
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
        ArgumentError: when `key_filters` is not a positive integer.

    Example:

    ```python
    layer = keras_rsseg.layers.ObjectContext(key_filters=32)
    layer(np.ones((2, 25, 17, 64), "float32")).shape  # (2, 25, 17, 64)
    ```

    Reference:
        - [Yuan et al., OCNet: Object Context Network for Scene Parsing,
          2018](https://arxiv.org/abs/1809.00916)
    """

    def __init__(
        self,
        key_filters: int = 256,
        activation: str | Callable[[Tensor], Tensor] | None = "relu",
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.key_filters = check_positive("key_filters", key_filters)
        self.activation = keras.activations.get(activation)
        self.data_format = standardize_data_format(data_format)
        self.query = ConvBNReLU(
            key_filters,
            1,
            use_bias=True,
            activation=activation,
            data_format=self.data_format,
            dtype=self.dtype_policy,
            name="query",
        )

    def build(self, input_shape: Shape) -> None:
        channels = input_shape[channel_axis(self.data_format)]
        options = {"data_format": self.data_format, "dtype": self.dtype_policy}
        self.value = keras.layers.Conv2D(channels, 1, name="value", **options)
        # Its authors start from zeros. But the result is then normalised and
        # rectified, and a map of zeros passes no gradient back: the branch
        # would never learn.
        self.output_conv = keras.layers.Conv2D(
            channels, 1, name="output", **options
        )
        shape = with_channels((None,) * 4, channels, self.data_format)
        for layer in (self.query, self.value, self.output_conv):
            layer.build(shape)

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        x = self._halve(inputs)
        query = to_channels_last(
            self.query(x, training=training), self.data_format
        )
        value = to_channels_last(self.value(x), self.data_format)
        shape = ops.shape(value)
        query, value = (
            ops.reshape(y, (shape[0], -1, y.shape[-1])) for y in (query, value)
        )
        query = ops.cast(query, "float32")
        gathered = attend(query * self.key_filters**-0.5, query, value)
        gathered = ops.cast(ops.reshape(gathered, shape), inputs.dtype)
        gathered = from_channels_last(gathered, self.data_format)
        return resize(
            self.output_conv(gathered),
            spatial_size(inputs, self.data_format),
            align_corners=True,
            data_format=self.data_format,
        )

    def _halve(self, x):
        height, width = spatial_size(x, self.data_format)
        pooled = ops.max_pool(x, 2, 2, "same", self.data_format)
        # Without windows that reach beyond the map, unless it is the only one.
        rows, columns = (slice(_half(length)) for length in (height, width))
        if self.data_format == "channels_first":
            return pooled[:, :, rows, columns]
        return pooled[:, rows, columns]

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(input_shape)

    def get_config(self) -> Config:
        config = super().get_config()
        config.update(
            {
                "key_filters": self.key_filters,
                "activation": keras.activations.serialize(self.activation),
                "data_format": self.data_format,
            }
        )
        return config


def _half(length):
    half = length // 2
    return max(half, 1) if isinstance(half, int) else ops.maximum(half, 1)
