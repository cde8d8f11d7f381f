"""One map cropped to the size of another."""

from typing import Any

import keras

from keras_rsseg.ops.data_format import channel_axis
from keras_rsseg.ops.data_format import first_spatial_axis
from keras_rsseg.ops.data_format import spatial_size
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.ops.data_format import with_channels
from keras_rsseg.typing import Config
from keras_rsseg.typing import DataFormat
from keras_rsseg.typing import Shape
from keras_rsseg.typing import Tensor


@keras.saving.register_keras_serializable(package="keras_rsseg")
class CropLike(keras.layers.Layer):
    """Crops a map to the height and width of another.

    Args:
        offset: int. First row and first column to keep. Defaults to `0`.
        data_format: `"channels_last"` or `"channels_first"`; defaults to
            `keras.config.image_data_format()`.
        **kwargs: other keyword arguments of `keras.layers.Layer`.

    Call arguments:
        like: tensor `(batch, height, width, any)`. Only its size is used.
        inputs: tensor `(batch, h, w, channels)`, with at least `offset` more
            rows and columns than `like`.

    Returns:
        Tensor `(batch, height, width, channels)`.

    Example:

    ```python
    like, inputs = np.zeros((1, 25, 17, 3)), np.ones((1, 40, 40, 8))
    keras_rsseg.layers.CropLike(5)(like, inputs).shape  # (1, 25, 17, 8)
    ```
    """

    def __init__(
        self,
        offset: int = 0,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.offset = offset
        self.data_format = standardize_data_format(data_format)

    def build(self, like_shape: Shape, inputs_shape: Shape) -> None:
        pass

    def call(self, like: Tensor, inputs: Tensor) -> Tensor:
        height, width = spatial_size(like, self.data_format)
        first = first_spatial_axis(self.data_format)
        return inputs[
            (slice(None),) * first
            + (
                slice(self.offset, self.offset + height),
                slice(self.offset, self.offset + width),
            )
        ]

    def compute_output_shape(
        self, like_shape: Shape, inputs_shape: Shape
    ) -> Shape:
        channels = inputs_shape[channel_axis(self.data_format)]
        return with_channels(tuple(like_shape), channels, self.data_format)

    def get_config(self) -> Config:
        config = super().get_config()
        config.update({"offset": self.offset, "data_format": self.data_format})
        return config
