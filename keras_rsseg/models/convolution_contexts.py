"""Convolutional contexts of FCN, DeepLabV3, DeepLabV3+ and DenseASPP."""

from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import keras

from keras_rsseg.checks import check_different_positives
from keras_rsseg.encoders.preactivated_blocks import dense_conv
from keras_rsseg.encoders.preactivated_blocks import join_channels
from keras_rsseg.encoders.preactivated_blocks import norm_relu
from keras_rsseg.layers.atrous_pyramid_pooling import AtrousPyramidPooling
from keras_rsseg.layers.conv_bn_relu import ConvBNReLU
from keras_rsseg.layers.deformable_conv import DeformableConv
from keras_rsseg.layers.depthwise_conv import DepthwiseConv
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.typing import DataFormat

# PyTorch's 0.0003.
_MOMENTUM = 1 - 3e-4


def fcn_context(
    x: keras.KerasTensor,
    filters: int = 512,
    num_convs: int = 2,
    join: bool = True,
    dropout: float = 0.1,
    data_format: DataFormat | None = None,
    dtype: Any = None,
) -> keras.KerasTensor:
    """Apply the 3x3 convolutions of a fully convolutional network.

    Args:
        x: KerasTensor, a map.
        filters: int. Channels of the result.
        num_convs: int. Convolutions in a row.
        join: bool. Whether another convolution joins their result with `x`.
        dropout: float in [0, 1). Share of the channels to drop in training.
        data_format: of every layer.
        dtype: dtype policy of every layer.

    Returns:
        KerasTensor of the size of `x` with `filters` channels.
    """
    options = {"data_format": data_format, "dtype": dtype}
    y = x
    for index in range(1, num_convs + 1):
        y = ConvBNReLU(filters, 3, name=f"fcn_conv{index}", **options)(y)
    if join:
        y = join_channels("fcn_concatenate", x, y, **options)
        y = ConvBNReLU(filters, 3, name="fcn_join", **options)(y)
    return keras.layers.SpatialDropout2D(
        dropout, name="fcn_dropout", **options
    )(y)


def atrous_context(
    x: keras.KerasTensor,
    filters: int = 256,
    dilation_rates: Sequence[int] = (12, 24, 36),
    data_format: DataFormat | None = None,
    dtype: Any = None,
    **form: Any,
) -> keras.KerasTensor:
    """Apply DeepLabV3's atrous spatial pyramid pooling.

    Args:
        x: KerasTensor, a map.
        filters: int. Channels of the result and of each branch.
        dilation_rates: dilations of the 3x3 convolutions.
        data_format: of the layer.
        dtype: dtype policy of the layer.
        **form: other arguments of
            `keras_rsseg.layers.AtrousPyramidPooling`.

    Returns:
        KerasTensor of the size of `x` with `filters` channels.
    """
    return AtrousPyramidPooling(
        filters,
        dilation_rates=dilation_rates,
        data_format=data_format,
        dtype=dtype,
        name="atrous_pooling",
        **form,
    )(x)


def separable_atrous_context(
    x: keras.KerasTensor, filters: int = 512, **options: Any
) -> keras.KerasTensor:
    """Apply DeepLabV3+'s pooling, as in mmsegmentation.

    Args:
        x: KerasTensor, a map.
        filters: int. Channels of the result and of each branch.
        **options: other arguments of `atrous_context`.

    Returns:
        KerasTensor of the size of `x` with `filters` channels.
    """
    return atrous_context(
        x, filters, separable=True, activation="relu", kernel_size=3, **options
    )


def dense_atrous_context(
    x: keras.KerasTensor,
    filters: int = 64,
    bottleneck_filters: int = 128,
    dilation_rates: Sequence[int] = (3, 6, 12, 18, 24),
    dropout: float = 0.1,
    data_format: DataFormat | None = None,
    dtype: Any = None,
) -> keras.KerasTensor:
    """Apply DenseASPP's dilated convolutions, each to all results before it.

    Args:
        x: KerasTensor, a map.
        filters: int. Channels that each dilation adds.
        bottleneck_filters: int. Channels of the 1x1 convolution before each.
        dilation_rates: dilations of the 3x3 convolutions, in their order.
        dropout: float in [0, 1). Share of the added channels to drop in
            training.
        data_format: of every layer.
        dtype: dtype policy of every layer.

    Returns:
        KerasTensor of the size of `x`: the channels added last come first,
        and `x`, rectified, comes last.

    Raises:
        ArgumentError: `dilation_rates` is empty or holds anything but
            distinct positive integers.
    """

    def convolve(
        y: keras.KerasTensor, name: str, rate: int, **options: Any
    ) -> keras.KerasTensor:
        y = dense_conv(
            y,
            filters,
            bottleneck_filters,
            name,
            rate,
            use_bias=True,
            momentum=_MOMENTUM,
            **options,
        )
        return keras.layers.SpatialDropout2D(
            dropout, name=f"{name}_dropout", **options
        )(y)

    return _connect_densely(
        x, "dense_atrous", dilation_rates, convolve, data_format, dtype
    )


def dense_deformable_context(
    x: keras.KerasTensor,
    filters: int = 256,
    reduced_filters: int = 1408,
    bottleneck_filters: int = 512,
    added_filters: int = 128,
    dilation_rates: Sequence[int] = (3, 5, 7, 9, 11),
    **options: Any,
) -> keras.KerasTensor:
    """Apply deformable convolutions, each to all results before it.

    As in DenseASPP, with each dilated convolution replaced by a deformable one
    and a dilated one of each channel separately.

    Args:
        x: KerasTensor, a map.
        filters: int. Channels of the result.
        reduced_filters: int. Channels to which `x` is brought first.
        bottleneck_filters: int. Channels of the 1x1 convolution before each.
        added_filters: int. Channels that each adds.
        dilation_rates: dilations of the 3x3 convolutions, in their order.
        **options: `data_format` and `dtype` of every layer.

    Returns:
        KerasTensor of the size of `x` with `filters` channels, neither
        normalised nor rectified.

    Raises:
        ArgumentError: `dilation_rates` is empty or holds anything but
            different positive integers.
    """
    x = keras.layers.Conv2D(
        reduced_filters, 3, padding="same", name="dense_reduce", **options
    )(x)

    def convolve(
        y: keras.KerasTensor, name: str, rate: int, **options: Any
    ) -> keras.KerasTensor:
        y = ConvBNReLU(
            bottleneck_filters,
            1,
            use_bias=True,
            activation=None,
            batch_norm_momentum=_MOMENTUM,
            name=f"{name}_conv1",
            **options,
        )(y)
        y = DeformableConv(
            added_filters, use_bias=False, name=f"{name}_conv2", **options
        )(y)
        return DepthwiseConv(
            dilation_rate=rate, use_bias=True, name=f"{name}_conv3", **options
        )(y)

    x = _connect_densely(
        x, "dense_deformable", dilation_rates, convolve, **options
    )
    return keras.layers.Conv2D(filters, 1, name="lateral_P5", **options)(x)


def _connect_densely(
    x: keras.KerasTensor,
    name: str,
    dilation_rates: Sequence[int],
    convolve: Callable[..., keras.KerasTensor],
    data_format: DataFormat | None = None,
    dtype: Any = None,
) -> keras.KerasTensor:
    """Add channels for each dilation, made of `x` and all before them.

    Args:
        x: KerasTensor, a map.
        name: string. Prefix of the layers' names.
        dilation_rates: dilations, in their order.
        convolve: function `(map, name, rate, data_format, dtype)` that makes
            new channels.
        data_format: of every layer.
        dtype: dtype policy of every layer.

    Returns:
        KerasTensor: what was added last comes first, `x`, rectified, last.
    """
    rates = check_different_positives("dilation_rates", dilation_rates)
    options: dict[str, Any] = {
        "data_format": standardize_data_format(data_format),
        "dtype": dtype,
    }
    x = keras.layers.ReLU(dtype=dtype, name=f"{name}_relu")(x)
    for rate in rates:
        block, y = f"{name}_rate{rate}", x
        if rate != rates[0]:
            y = norm_relu(x, f"{block}_norm1", _MOMENTUM, **options)
        y = convolve(y, block, rate, **options)
        x = join_channels(f"{block}_join", y, x, **options)
    return x
