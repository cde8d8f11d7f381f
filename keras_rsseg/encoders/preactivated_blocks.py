"""Blocks that normalise before they convolve: DenseNet's and Wide ResNet's."""

from typing import Any

import keras

from keras_rsseg.layers.conv_bn_relu import BatchNorm
from keras_rsseg.layers.conv_bn_relu import ConvBNReLU
from keras_rsseg.ops.data_format import channel_axis
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.ops.rectify import rectify
from keras_rsseg.typing import DataFormat


def norm_relu(
    x: keras.KerasTensor,
    name: str,
    momentum: float = 0.9,
    data_format: DataFormat = "channels_last",
    dtype: Any = None,
) -> keras.KerasTensor:
    """Batch normalization and ReLU.

    Args:
        x: KerasTensor, the feature map.
        name: string. Name of the normalization.
        momentum: float. Momentum of its moving statistics.
        data_format: of both layers.
        dtype: dtype policy of both layers.

    Returns:
        KerasTensor like `x`.
    """
    x = BatchNorm(
        axis=channel_axis(data_format),
        momentum=momentum,
        dtype=dtype,
        name=name,
    )(x)
    return keras.layers.Activation(rectify, dtype=dtype, name=f"{name}_relu")(x)


def dense_conv(
    x: keras.KerasTensor,
    filters: int,
    bottleneck_filters: int,
    name: str,
    dilation_rate: int = 1,
    use_bias: bool = False,
    momentum: float = 0.9,
    **options: Any,
) -> keras.KerasTensor:
    """The two convolutions of DenseNet's layer, which make its new channels.

    Args:
        x: KerasTensor, the map so far, normalised and rectified.
        filters: int. Number of new channels.
        bottleneck_filters: int. Channels of the 1x1 convolution.
        name: string. Prefix of the layers' names.
        dilation_rate: int. Dilation of the 3x3 convolution.
        use_bias: bool. Whether both have a bias.
        momentum: float. Momentum of the moving statistics between them.
        **options: `data_format` and `dtype` of every layer.

    Returns:
        KerasTensor of the size of `x` with `filters` channels.
    """
    x = ConvBNReLU(
        bottleneck_filters,
        1,
        use_bias=use_bias,
        batch_norm_momentum=momentum,
        name=f"{name}_conv1",
        **options,
    )(x)
    return keras.layers.Conv2D(
        filters,
        3,
        padding="same",
        dilation_rate=dilation_rate,
        use_bias=use_bias,
        name=f"{name}_conv2",
        **options,
    )(x)


def join_channels(
    name: str,
    *maps: keras.KerasTensor,
    data_format: DataFormat | None = None,
    dtype: Any = None,
) -> keras.KerasTensor:
    """Concatenate maps of one size.

    Args:
        name: string. Name of the layer.
        *maps: KerasTensors, in the order of their channels.
        data_format: of the maps; defaults to
            `keras.config.image_data_format()`.
        dtype: dtype policy of the layer.

    Returns:
        KerasTensor.
    """
    return keras.layers.Concatenate(
        axis=channel_axis(standardize_data_format(data_format)),
        dtype=dtype,
        name=name,
    )(maps)
