import keras
from keras import ops

from keras_rsseg.ops.attention import attend
from keras_rsseg.ops.data_format import from_channels_last
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.ops.data_format import to_channels_last


@keras.saving.register_keras_serializable(package="keras_rsseg")
class ChannelAttention(keras.layers.Layer):
    """Each channel gathers from all channels: DANet's channel branch.

    With the map as a matrix `X` of channels and pixels, this is `gamma *
    softmax(max - X X^T) X + X`, where `max` is each row's. As in the
    released code, the less alike two channels are the more they exchange;
    the paper has `softmax(X X^T)`. `gamma`, the only weight, starts at zero,
    so a new layer changes nothing. Memory grows with the square of the
    number of channels.

    Args:
        data_format: `"channels_last"` or `"channels_first"`; defaults to
            `keras.config.image_data_format()`.
        **kwargs: other keyword arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: float tensor `(batch, height, width, channels)`; channels
            second for `"channels_first"`. Height and width may be unknown.

    Returns:
        Tensor like `inputs`. Scores and softmax are float32 under mixed
        precision too.

    Example:

    ```python
    layer = keras_rsseg.layers.ChannelAttention()
    layer(np.ones((2, 25, 17, 64), "float32")).shape  # (2, 25, 17, 64)
    ```

    Reference:
        - [Fu et al., Dual Attention Network for Scene Segmentation, 2018](
          https://arxiv.org/abs/1809.02983), equations 3 and 4
    """

    def __init__(self, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)

    def build(self, input_shape):
        self.gamma = self.add_weight(
            shape=(1,), initializer="zeros", name="gamma"
        )

    def call(self, inputs):
        x = to_channels_last(inputs, self.data_format)
        shape = ops.shape(x)
        x = ops.reshape(x, (shape[0], -1, x.shape[-1]))
        channels = ops.cast(ops.transpose(x, (0, 2, 1)), "float32")
        # A softmax is the same without the maximum.
        gathered = attend(-channels, channels, channels)
        gathered = ops.reshape(ops.transpose(gathered, (0, 2, 1)), shape)
        gathered = from_channels_last(gathered, self.data_format)
        return inputs + self.gamma * ops.cast(gathered, inputs.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        config = super().get_config()
        config["data_format"] = self.data_format
        return config
