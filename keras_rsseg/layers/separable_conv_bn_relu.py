"""A convolution in two steps, over space and over channels."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_rsseg.layers.conv_bn_relu import BatchNorm
from keras_rsseg.layers.conv_bn_relu import ConvBNReLU
from keras_rsseg.layers.depthwise_conv import DepthwiseConv
from keras_rsseg.layers.fine_and_coarse import check_kernel_size
from keras_rsseg.layers.fold_batch_norm import FoldedWeights
from keras_rsseg.layers.fold_batch_norm import assign_folded
from keras_rsseg.layers.fold_batch_norm import folded_weights
from keras_rsseg.layers.fold_batch_norm import is_folded_here
from keras_rsseg.ops.data_format import ANY_SHAPE
from keras_rsseg.ops.data_format import channel_axis
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.ops.data_format import with_channels
from keras_rsseg.typing import Config
from keras_rsseg.typing import DataFormat
from keras_rsseg.typing import Shape
from keras_rsseg.typing import Tensor


@keras.saving.register_keras_serializable(package="keras_rsseg")
class SeparableConvBNReLU(keras.layers.Layer):
    """Depthwise and 1x1 convolution, batch normalization and activation.

    A convolution of each channel separately, which keeps the size of the map,
    and a 1x1 convolution of all channels, `ConvBNReLU`. Between the two,
    released networks have batch normalization and the activation
    (mmsegmentation) or nothing (segmentation_models.pytorch).

    Args:
        filters: int. Channels of the output.
        kernel_size: odd int. Size of the square kernel of the depthwise
            convolution. Defaults to `3`.
        dilation_rate: int. Its dilation. Defaults to `1`.
        depthwise_norm: bool. Whether batch normalization and the activation
            also follow the depthwise convolution. Defaults to `True`.
        activation: activation after the normalization, or `None`. Defaults
            to `"relu"`.
        data_format: `"channels_last"` or `"channels_first"`; defaults to
            `keras.config.image_data_format()`.
        **kwargs: other keyword arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: float tensor `(batch, height, width, channels)`; channels
            second for `"channels_first"`. Height and width can be unknown.

    Returns:
        Tensor `(batch, height, width, filters)`.

    Raises:
        ArgumentError: `kernel_size` is not a positive odd integer.

    Example:

    ```python
    layer = keras_rsseg.layers.SeparableConvBNReLU(64, dilation_rate=12)
    layer(np.zeros((1, 25, 17, 32), "float32")).shape  # (1, 25, 17, 64)
    layer.count_params()  # 2720; a full convolution has 18688
    ```

    Reference:
        - [Chollet, Xception, 2016](https://arxiv.org/abs/1610.02357)
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int = 3,
        dilation_rate: int = 1,
        depthwise_norm: bool = True,
        activation: str | Callable[[Tensor], Tensor] | None = "relu",
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        check_kernel_size("kernel_size", kernel_size)
        self.filters = filters
        self.kernel_size = kernel_size
        self.dilation_rate = dilation_rate
        self.activation = keras.activations.get(activation)
        self.data_format = standardize_data_format(data_format)
        self._folded = False
        self.depthwise = DepthwiseConv(
            kernel_size,
            dilation_rate,
            data_format=self.data_format,
            dtype=self.dtype_policy,
            name="depthwise",
        )
        self.depthwise_norm = None
        if depthwise_norm:
            self.depthwise_norm = BatchNorm(
                axis=channel_axis(self.data_format),
                dtype=self.dtype_policy,
                name="depthwise_norm",
            )
        self.pointwise = ConvBNReLU(
            filters,
            1,
            activation=activation,
            data_format=self.data_format,
            dtype=self.dtype_policy,
            name="pointwise",
        )

    def build(self, input_shape: Shape) -> None:
        channels = input_shape[channel_axis(self.data_format)]
        shape = with_channels(ANY_SHAPE, channels, self.data_format)
        self.depthwise.build(shape)
        if self.depthwise_norm is not None:
            self.depthwise_norm.build(shape)
        self.pointwise.build(shape)

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        if self.depthwise_norm is None:
            x = self.depthwise(inputs)
        elif self.folded:
            beta = ops.cast(self.depthwise_norm.beta, self.compute_dtype)
            x = self._activate(self.depthwise(inputs, beta))
        else:
            x = self.depthwise(inputs)
            x = self._activate(self.depthwise_norm(x, training=training))
        return self.pointwise(x, training=training)

    def _activate(self, x):
        return x if self.activation is None else self.activation(x)

    def fold(self) -> None:
        """Folds the depthwise normalization into its kernel, for inference.

        Like `ConvBNReLU.fold()`, which must be called on `pointwise` itself.
        """
        assign_folded(self.folded_weights())
        self._folded = self.depthwise_norm is not None

    def folded_weights(self) -> FoldedWeights:
        """Values of weights with which the normalization can be skipped."""
        if self.depthwise_norm is None:
            return []
        return folded_weights(self.depthwise_norm, self.depthwise.kernel)

    @property
    def folded(self) -> bool:
        """Whether the normalization is part of the depthwise kernel."""
        return self._folded or is_folded_here(self)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return with_channels(input_shape, self.filters, self.data_format)

    def get_config(self) -> Config:
        config = super().get_config()
        config.update(
            {
                "filters": self.filters,
                "kernel_size": self.kernel_size,
                "dilation_rate": self.dilation_rate,
                "depthwise_norm": self.depthwise_norm is not None,
                "activation": keras.activations.serialize(self.activation),
                "data_format": self.data_format,
            }
        )
        return config
