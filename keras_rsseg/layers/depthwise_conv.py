"""A convolution of each channel separately."""

from typing import Any

import keras

from keras_rsseg.layers.fine_and_coarse import check_kernel_size
from keras_rsseg.ops.data_format import channel_axis
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.ops.padded_conv import depthwise_conv
from keras_rsseg.typing import Config
from keras_rsseg.typing import DataFormat
from keras_rsseg.typing import Shape
from keras_rsseg.typing import Tensor


@keras.saving.register_keras_serializable(package="keras_rsseg")
class DepthwiseConv(keras.layers.Layer):
    """A convolution of each channel separately, which keeps the size.

    It is `keras.layers.DepthwiseConv2D` with the speed of
    `keras_rsseg.ops.depthwise_conv`. Its kernel `(k, k, 1, channels)` has the
    axes of other convolutions, as in released checkpoints.

    Args:
        kernel_size: odd int. Size of the square kernel. Defaults to `3`.
        dilation_rate: int. Defaults to `1`.
        use_bias: bool. Whether each channel has a bias. Defaults to `False`.
        data_format: `"channels_last"` or `"channels_first"`; defaults to
            `keras.config.image_data_format()`.
        **kwargs: other keyword arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: float tensor `(batch, height, width, channels)`; channels
            second for `"channels_first"`.
        bias: tensor `(channels,)` to add instead of the layer's own bias,
            or `None`.

    Returns:
        Tensor like `inputs`.

    Raises:
        ArgumentError: when `kernel_size` is not an odd positive integer.

    Example:

    ```python
    layer = keras_rsseg.layers.DepthwiseConv(3, dilation_rate=6)
    layer(np.ones((1, 25, 17, 8), "float32")).shape  # (1, 25, 17, 8)
    layer.count_params()  # 72
    ```

    Reference:
        - [Chollet, Xception, 2016](https://arxiv.org/abs/1610.02357)
    """

    def __init__(
        self,
        kernel_size: int = 3,
        dilation_rate: int = 1,
        use_bias: bool = False,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        check_kernel_size("kernel_size", kernel_size)
        self.kernel_size = kernel_size
        self.dilation_rate = dilation_rate
        self.use_bias = use_bias
        self.data_format = standardize_data_format(data_format)

    def build(self, input_shape: Shape) -> None:
        channels = input_shape[channel_axis(self.data_format)]
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.kernel_size, self.kernel_size, 1, channels),
            # Counting outputs, as elsewhere, would count all channels.
            initializer=keras.initializers.VarianceScaling(
                2.0, "fan_in", "untruncated_normal"
            ),
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias", shape=(channels,), initializer="zeros"
            )

    def call(self, inputs: Tensor, bias: Tensor | None = None) -> Tensor:
        return depthwise_conv(
            inputs,
            self.kernel,
            self.bias if bias is None else bias,
            dilation_rate=self.dilation_rate,
            data_format=self.data_format,
        )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> Config:
        config = super().get_config()
        config.update(
            {
                "kernel_size": self.kernel_size,
                "dilation_rate": self.dilation_rate,
                "use_bias": self.use_bias,
                "data_format": self.data_format,
            }
        )
        return config
