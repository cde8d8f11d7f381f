"""Plain convolutions with the package's own kernels."""

from typing import Any

import keras

from keras_rsseg.ops.padded_conv import padded_conv
from keras_rsseg.typing import Tensor


@keras.saving.register_keras_serializable(package="keras_rsseg")
class Conv2D(keras.layers.Conv2D):
    """`keras.layers.Conv2D` with the kernels of `keras_rsseg.ops.padded_conv`.

    Its gradients take less time on JAX. With one filter, Keras' own has no
    gradient on torch's CPU for a batch of one small tile. It has Keras' name,
    for weights are saved under the name of a layer's class: those of either
    load into the other.

    Args:
        filters: int. Channels of the output.
        kernel_size: odd int. Size of the square kernel.
        **kwargs: other arguments of `keras.layers.Conv2D`, except `groups`.
            With `padding` other than `"same"`, or `strides` above 1, it
            computes as Keras' own.
    """

    def convolution_op(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        if self.padding != "same" or max(self.strides) > 1:
            return super().convolution_op(inputs, kernel)
        (dilation_rate, _), (size, _) = self.dilation_rate, self.kernel_size
        return padded_conv(
            inputs,
            kernel,
            padding=dilation_rate * (size // 2),
            dilation_rate=dilation_rate,
            data_format=self.data_format,
        )


@keras.saving.register_keras_serializable(package="keras_rsseg")
class SameConv2D(Conv2D):
    """A convolution that keeps the size of maps, for use inside layers.

    Args:
        filters: int. Channels of the output.
        kernel_size: odd int. Size of the square kernel.
        **kwargs: other keyword arguments of `keras.layers.Conv2D`, except
            `padding`, `strides` and `groups`.
    """

    def __init__(self, filters: int, kernel_size: int, **kwargs: Any) -> None:
        super().__init__(filters, kernel_size, padding="same", **kwargs)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["padding"]
        return config
