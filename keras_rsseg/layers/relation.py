"""Relations between all channels, and between all pixels, of a map."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_rsseg.errors import ArgumentError
from keras_rsseg.ops.data_format import channel_axis
from keras_rsseg.ops.data_format import first_spatial_axis
from keras_rsseg.ops.data_format import from_channels_last
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.ops.data_format import to_channels_last
from keras_rsseg.ops.data_format import with_channels
from keras_rsseg.typing import Config
from keras_rsseg.typing import DataFormat
from keras_rsseg.typing import Shape
from keras_rsseg.typing import Tensor


class _Relation(keras.layers.Layer):
    """Base of both: two 1x1 convolutions `u` and `v` that keep channels."""

    def __init__(self, data_format: DataFormat | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)

    def build(self, input_shape: Shape) -> None:
        channels = input_shape[channel_axis(self.data_format)]
        self.u, self.v = (
            keras.layers.Conv2D(
                channels,
                1,
                data_format="channels_last",
                dtype=self.dtype_policy,
                name=name,
            )
            for name in ("u", "v")
        )
        for conv in (self.u, self.v):
            conv.build((None, None, None, channels))

    def _related(self, x):
        """Both convolutions of a channels-last map, in float32."""
        return tuple(ops.cast(conv(x), "float32") for conv in (self.u, self.v))

    def get_config(self) -> Config:
        config = super().get_config()
        config["data_format"] = self.data_format
        return config


@keras.saving.register_keras_serializable(package="keras_rsseg")
class ChannelRelation(_Relation):
    """Mixes the channels of a map by how their averages relate.

    With `g` the average of the map and `u`, `v` 1x1 convolutions of it, output
    channel `q` is the sum of all channels `p`, weighted by the softmax over
    `p` of `u_p v_q`.

    Args:
        data_format: `"channels_last"` or `"channels_first"`; defaults to
            `keras.config.image_data_format()`.
        **kwargs: other keyword arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: float tensor `(batch, height, width, channels)`; channels
            second for `"channels_first"`. Height and width can be unknown.

    Returns:
        Tensor like `inputs`. The softmax is float32 even under mixed
        precision.

    Example:

    ```python
    layer = keras_rsseg.layers.ChannelRelation()
    layer(np.ones((2, 25, 17, 64), "float32")).shape  # (2, 25, 17, 64)
    ```

    Reference:
        - [Mou et al., A Relation-Augmented Fully Convolutional Network for
          Semantic Segmentation in Aerial Scenes, 2019](
          https://arxiv.org/abs/1904.05730), section 3.3. Its code is not
          public: the axis of the softmax is this package's reading.
    """

    def call(self, inputs: Tensor) -> Tensor:
        x = to_channels_last(inputs, self.data_format)
        average = ops.mean(ops.cast(x, "float32"), axis=(1, 2), keepdims=True)
        u, v = self._related(ops.cast(average, x.dtype))
        scores = ops.einsum("bp,bq->bpq", u[:, 0, 0], v[:, 0, 0])
        weights = ops.softmax(scores, axis=1)
        mixed = ops.einsum("bhwp,bpq->bhwq", x, ops.cast(weights, x.dtype))
        return from_channels_last(mixed, self.data_format)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return tuple(input_shape)


@keras.saving.register_keras_serializable(package="keras_rsseg")
class SpatialRelation(_Relation):
    """Adds to each pixel its relation to every pixel, as further channels.

    With `u`, `v` 1x1 convolutions of the map, pixel `j` gets `relu(u_i .
    v_j)` for each pixel `i`, row by row, after its own channels. Later
    layers have weights for each position, so this layer is bound to one map
    size. The relation takes `(height * width)^2` numbers of memory per image:
    1 GiB for a map of 128 x 128 pixels (a tile of 512 at stride 4).

    Args:
        data_format: `"channels_last"` or `"channels_first"`; defaults to
            `keras.config.image_data_format()`.
        **kwargs: other keyword arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: float tensor `(batch, height, width, channels)`; channels
            second for `"channels_first"`. Height and width must be known.

    Returns:
        Tensor `(batch, height, width, channels + height * width)`.

    Raises:
        ArgumentError: height or width are not known when it is built.

    Example:

    ```python
    layer = keras_rsseg.layers.SpatialRelation()
    layer(np.ones((2, 6, 5, 64), "float32")).shape  # (2, 6, 5, 94)
    ```

    Reference:
        - [Mou et al., A Relation-Augmented Fully Convolutional Network for
          Semantic Segmentation in Aerial Scenes, 2019](
          https://arxiv.org/abs/1904.05730), section 3.2. Its code is not
          public: this is the package's reading.
    """

    def build(self, input_shape: Shape) -> None:
        if None in input_shape[1:]:
            raise ArgumentError(
                "`SpatialRelation` is bound to one map size: height and "
                "width must be known. Received: "
                f"input_shape={tuple(input_shape)}"
            )
        super().build(input_shape)

    def call(self, inputs: Tensor) -> Tensor:
        x = to_channels_last(inputs, self.data_format)
        _, height, width, channels = x.shape
        pixels = height * width
        u, v = (
            ops.reshape(y, (-1, pixels, channels)) for y in self._related(x)
        )
        relation = ops.relu(ops.einsum("bjc,bic->bji", v, u))
        if keras.backend.standardize_dtype(x.dtype) == "float16":
            relation = ops.minimum(relation, float(np.finfo("float16").max))
        relation = ops.reshape(relation, (-1, height, width, pixels))
        joined = ops.concatenate([x, ops.cast(relation, x.dtype)], axis=-1)
        return from_channels_last(joined, self.data_format)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        first = first_spatial_axis(self.data_format)
        channels = input_shape[channel_axis(self.data_format)]
        channels += input_shape[first] * input_shape[first + 1]
        return with_channels(tuple(input_shape), channels, self.data_format)
