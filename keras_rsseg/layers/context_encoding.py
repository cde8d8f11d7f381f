"""A map in one vector: how its pixels differ from codewords (EncNet)."""

from typing import Any

import keras
from keras import ops

from keras_rsseg.checks import check_positive
from keras_rsseg.layers.conv_bn_relu import BatchNorm
from keras_rsseg.ops.data_format import channel_axis
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.ops.data_format import to_channels_last
from keras_rsseg.typing import Config
from keras_rsseg.typing import DataFormat
from keras_rsseg.typing import Shape
from keras_rsseg.typing import Tensor


@keras.saving.register_keras_serializable(package="keras_rsseg")
class ContextEncoding(keras.layers.Layer):
    """Encodes a map in one vector: how its pixels differ from codewords.

    Each pixel is assigned to `num_codewords` learned codewords `c_k` by a
    softmax of `s_k |x - c_k|^2`, with learned scales `s_k`. The encoding of a
    codeword is the sum of all pixels' differences from it, weighted by the
    assignment. Batch normalization with one statistic per codeword, ReLU and
    the mean over the codewords follow.

    Scales start below zero, which assigns pixels to near codewords. PFNet's
    released code squares the scales (`square_scale=True`), so that far
    codewords get more.

    Args:
        num_codewords: int. Defaults to `32`.
        square_scale: bool. Whether scales are squared. Defaults to `False`,
            as in the paper.
        data_format: `"channels_last"` or `"channels_first"`; defaults to
            `keras.config.image_data_format()`.
        **kwargs: other keyword arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: float tensor `(batch, height, width, channels)`; channels
            second for `"channels_first"`. Height and width can be unknown.
        training: bool. Whether to use and collect the batch statistics.

    Returns:
        Tensor `(batch, channels)`. Distances and sums are float32 even under
        mixed precision.

    Raises:
        ArgumentError: when `num_codewords` is not a positive integer.

    Example:

    ```python
    layer = keras_rsseg.layers.ContextEncoding(num_codewords=8)
    layer(np.ones((2, 25, 17, 64), "float32")).shape  # (2, 64)
    ```

    Reference:
        - [Zhang et al., Context Encoding for Semantic Segmentation, 2018](
          https://arxiv.org/abs/1803.08904), equations 1 and 2
    """

    def __init__(
        self,
        num_codewords: int = 32,
        square_scale: bool = False,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.num_codewords = check_positive("num_codewords", num_codewords)
        self.square_scale = square_scale
        self.data_format = standardize_data_format(data_format)
        self.batch_norm = BatchNorm(
            dtype=self.dtype_policy,
            # Sums over all pixels can be too large for half precision.
            autocast=False,
            name="batch_norm",
        )

    def build(self, input_shape: Shape) -> None:
        channels = input_shape[channel_axis(self.data_format)]
        bound = (self.num_codewords * channels) ** -0.5
        self.codewords = self.add_weight(
            shape=(channels, self.num_codewords),
            initializer=keras.initializers.RandomUniform(-bound, bound),
            autocast=False,
            name="codewords",
        )
        self.scale = self.add_weight(
            shape=(self.num_codewords,),
            initializer=keras.initializers.RandomUniform(-1.0, 0.0),
            autocast=False,
            name="scale",
        )
        self.batch_norm.build((None, 1, channels, self.num_codewords))

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        x = ops.cast(to_channels_last(inputs, self.data_format), "float32")
        batch, _, _, channels = ops.shape(x)
        pixels = ops.reshape(x, (batch, -1, channels))
        encodings = self._encode(pixels)[:, None]
        encodings = self.batch_norm(encodings, training=training)
        encoding = ops.mean(ops.relu(encodings), axis=-1)
        return ops.cast(encoding[:, 0], self.compute_dtype)

    def _encode(self, pixels):
        """`(batch, pixels, channels)` to `(batch, channels, codewords)`."""
        codewords = ops.convert_to_tensor(self.codewords)
        scale = ops.convert_to_tensor(self.scale)
        if self.square_scale:
            scale = ops.square(scale)
        # |x - c|^2 without a difference for each pixel and codeword.
        distances = (
            ops.sum(ops.square(pixels), axis=-1, keepdims=True)
            - 2.0 * ops.matmul(pixels, codewords)
            + ops.sum(ops.square(codewords), axis=0)
        )
        assigned = scale * distances
        if self.num_codewords == 1:  # Keras warns of a softmax over one
            assigned = ops.ones_like(assigned)
        else:
            assigned = ops.softmax(assigned, axis=-1)
        total = ops.sum(assigned, axis=1)
        sums = ops.einsum("bnc,bnk->bck", pixels, assigned)
        return sums - total[:, None] * codewords

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], input_shape[channel_axis(self.data_format)])

    def get_config(self) -> Config:
        config = super().get_config()
        config.update(
            {
                "num_codewords": self.num_codewords,
                "square_scale": self.square_scale,
                "data_format": self.data_format,
            }
        )
        return config
