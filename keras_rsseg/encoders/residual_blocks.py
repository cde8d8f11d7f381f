"""The residual blocks and the stem's pool of ResNet, used by others as well."""

from typing import Any

import keras

from keras_rsseg.layers.conv_bn_relu import ConvBNReLU
from keras_rsseg.ops.max_pool import max_pool
from keras_rsseg.ops.rectify import rectify
from keras_rsseg.typing import DataFormat
from keras_rsseg.typing import Tensor


def pool_stem(
    x: keras.KerasTensor,
    data_format: DataFormat,
    dtype: Any | None,
    ceil: bool = False,
) -> keras.KerasTensor:
    """The 3x3 max pool of stride 2 that ends a stem.

    Args:
        x: KerasTensor, rectified.
        data_format: of both layers.
        dtype: dtype policy of both layers.
        ceil: bool. Whether to include a last window that extends beyond the
            border by two pixels.

    Returns:
        KerasTensor of half the size, rounded up; with `ceil`, of an even
        size, one more.
    """
    layout = {"data_format": data_format, "dtype": dtype}
    # After a ReLU, padding with zeros never wins, like PyTorch's with -inf.
    padding = ((1, 2), (1, 2)) if ceil else 1
    x = keras.layers.ZeroPadding2D(padding, name="stem_pool_padding", **layout)(
        x
    )
    return MaxPool(3, 2, name="stem_pool", **layout)(x)


@keras.saving.register_keras_serializable(package="keras_rsseg")
class MaxPool(keras.layers.MaxPooling2D):
    """`keras.layers.MaxPooling2D` by `keras_rsseg.ops.max_pool`."""

    def call(self, inputs: Tensor) -> Tensor:
        return max_pool(
            inputs, self.pool_size[0], self.strides[0], self.data_format
        )


def basic_block(
    x: keras.KerasTensor,
    filters: int,
    name: str,
    strides: int = 1,
    dilation_rate: int = 1,
    project: bool = False,
    stride_on: str | None = None,
    dilated: str = "both",
    **options: Any,
) -> keras.KerasTensor:
    """Two 3x3 convolutions beside a shortcut.

    Args:
        x: KerasTensor, the feature map.
        filters: int. Channels of the output.
        name: string. Prefix of the layers' names.
        strides: int. Stride of the first convolution.
        dilation_rate: int. Dilation of the convolutions named by `dilated`.
        project: bool. Whether the shortcut is a 1x1 convolution.
        stride_on: ignored, as this block has no 1x1 convolution.
        dilated: `"both"`, `"first"` or `"second"` convolution.
        **options: keyword arguments of every `ConvBNReLU`.

    Returns:
        KerasTensor.
    """
    del stride_on
    y = ConvBNReLU(
        filters,
        3,
        strides=strides,
        dilation_rate=1 if dilated == "second" else dilation_rate,
        name=f"{name}_conv1",
        **options,
    )(x)
    y = ConvBNReLU(
        filters,
        3,
        dilation_rate=1 if dilated == "first" else dilation_rate,
        activation=None,
        name=f"{name}_conv2",
        **options,
    )(y)
    return _join(x, y, filters, strides, project, name, options)


def bottleneck_block(
    x: keras.KerasTensor,
    filters: int,
    name: str,
    strides: int = 1,
    dilation_rate: int = 1,
    project: bool = False,
    stride_on: str = "3x3",
    **options: Any,
) -> keras.KerasTensor:
    """1x1, 3x3 and 1x1 convolutions beside a shortcut.

    Args:
        x: KerasTensor, the feature map.
        filters: int. Inner channels; the output has four times as many.
        name: string. Prefix of the layers' names.
        strides: int. Stride of the block.
        dilation_rate: int. Dilation of the 3x3 convolution.
        project: bool. Whether the shortcut is a 1x1 convolution.
        stride_on: `"3x3"` or `"1x1"`. Which convolution has the stride.
        **options: keyword arguments of every `ConvBNReLU`.

    Returns:
        KerasTensor.
    """
    strides1, strides2 = (strides, 1) if stride_on == "1x1" else (1, strides)
    keep_every = 1
    if strides2 > 1 and dilation_rate > 1 and dilation_rate % strides2 == 0:
        # Then the 3x3 convolution reads only these pixels, see
        # `ConvBNReLU.call()`.
        keep_every, dilation_rate = strides2, dilation_rate // strides2
        strides2 = 1
    y = ConvBNReLU(
        filters,
        1,
        strides=strides1,
        keep_every=keep_every,
        name=f"{name}_conv1",
        **options,
    )(x)
    y = ConvBNReLU(
        filters,
        3,
        strides=strides2,
        dilation_rate=dilation_rate,
        name=f"{name}_conv2",
        **options,
    )(y)
    y = ConvBNReLU(
        4 * filters, 1, activation=None, name=f"{name}_conv3", **options
    )(y)
    return _join(x, y, 4 * filters, strides, project, name, options)


def _join(
    x: keras.KerasTensor,
    y: keras.KerasTensor,
    filters: int,
    strides: int,
    project: bool,
    name: str,
    options: dict[str, Any],
) -> keras.KerasTensor:
    if project:
        x = ConvBNReLU(
            filters,
            1,
            strides=strides,
            activation=None,
            name=f"{name}_shortcut",
            **options,
        )(x)
    dtype = options.get("dtype")
    x = keras.layers.Add(dtype=dtype, name=f"{name}_add")([x, y])
    return keras.layers.Activation(rectify, dtype=dtype, name=f"{name}_relu")(x)
