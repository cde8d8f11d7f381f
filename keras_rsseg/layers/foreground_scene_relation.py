"""Object features weighted by how well they fit the scene."""

from typing import Any

import keras
from keras import ops

from keras_rsseg.layers.conv_bn_relu import ConvBNReLU
from keras_rsseg.ops.data_format import channel_axis
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.ops.data_format import with_channels
from keras_rsseg.typing import Config
from keras_rsseg.typing import DataFormat
from keras_rsseg.typing import Shape
from keras_rsseg.typing import Tensor


@keras.saving.register_keras_serializable(package="keras_rsseg")
class ForegroundSceneRelation(keras.layers.Layer):
    """Weights the pixels of a map by their relation to the whole scene.

    This is FarSeg's relation module: ships are at sea, so what looks like one
    in a field is not a ship. Two 1x1 convolutions make an embedding of the
    scene; one, with batch normalization and ReLU, makes an embedding of each
    pixel. The sigmoid of their scalar product is the pixel's weight. It
    multiplies the map after a 1x1 convolution with batch normalization and
    ReLU.

    Args:
        filters: int. Channels of the output and of the embeddings. Defaults
            to `256`.
        data_format: `"channels_last"` or `"channels_first"`; defaults to
            `keras.config.image_data_format()`.
        **kwargs: other keyword arguments of `keras.layers.Layer`.

    Call arguments:
        level_map: float tensor `(batch, height, width, channels)`; channels
            second for `"channels_first"`.
        scene: float tensor `(batch, 1, 1, scene_channels)`, likewise: a
            summary of the scene, such as the mean of the coarsest level over
            all pixels.

    Returns:
        Tensor `(batch, height, width, filters)`.

    Example:

    ```python
    layer = keras_rsseg.layers.ForegroundSceneRelation(16)
    level_map, scene = np.zeros((2, 25, 17, 32)), np.zeros((2, 1, 1, 64))
    layer(level_map, scene).shape  # (2, 25, 17, 16)
    ```

    Reference:
        - [Zheng et al., FarSeg, 2020](https://arxiv.org/abs/2011.09766),
          section 3.2, equations 2 to 4
    """

    def __init__(
        self,
        filters: int = 256,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.filters = filters
        self.data_format = standardize_data_format(data_format)
        options: dict[str, Any] = {
            "data_format": self.data_format,
            "dtype": self.dtype_policy,
        }
        self.scene_embeddings = [
            keras.layers.Conv2D(
                filters, 1, activation=activation, name=name, **options
            )
            for name, activation in (
                ("scene_conv1", "relu"),
                ("scene_conv2", None),
            )
        ]
        self.content, self.recode = (
            ConvBNReLU(filters, 1, use_bias=True, name=name, **options)
            for name in ("content", "recode")
        )

    def build(self, level_map_shape: Shape, scene_shape: Shape) -> None:
        first, second = self.scene_embeddings
        first.build(scene_shape)
        second.build(with_channels(scene_shape, self.filters, self.data_format))
        self.content.build(level_map_shape)
        self.recode.build(level_map_shape)

    def call(
        self,
        level_map: Tensor,
        scene: Tensor,
        training: bool | None = None,
    ) -> Tensor:
        for conv in self.scene_embeddings:
            scene = conv(scene)
        content = self.content(level_map, training=training)
        # A sum over all channels exceeds the range of float16.
        products = ops.cast(content, "float32") * ops.cast(scene, "float32")
        relation = ops.sigmoid(
            ops.sum(
                products, axis=channel_axis(self.data_format), keepdims=True
            )
        )
        recoded = self.recode(level_map, training=training)
        return recoded * ops.cast(relation, recoded.dtype)

    def compute_output_shape(
        self, level_map_shape: Shape, scene_shape: Shape
    ) -> Shape:
        return with_channels(level_map_shape, self.filters, self.data_format)

    def get_config(self) -> Config:
        config = super().get_config()
        config.update(
            {"filters": self.filters, "data_format": self.data_format}
        )
        return config
