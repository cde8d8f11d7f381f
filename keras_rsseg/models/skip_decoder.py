"""A decoder with one skip: coarse context joined with the details of P2."""

from typing import Any

import keras

from keras_rsseg.encoders.preactivated_blocks import join_channels
from keras_rsseg.layers.conv_bn_relu import ConvBNReLU
from keras_rsseg.layers.resize_like import ResizeLike
from keras_rsseg.layers.separable_conv_bn_relu import SeparableConvBNReLU
from keras_rsseg.typing import DataFormat


def decode_with_skip(
    fine: keras.KerasTensor,
    coarse: keras.KerasTensor,
    filters: int,
    skip_filters: int = 48,
    num_convs: int = 2,
    skip_norm: bool = True,
    coarse_first: bool = True,
    separable: bool = False,
    depthwise_norm: bool = True,
    align_corners: bool = False,
    data_format: DataFormat | None = None,
    dtype: Any = None,
) -> keras.KerasTensor:
    """Join a coarse map with a fine one and apply 3x3 convolutions.

    Args:
        fine: KerasTensor, the encoder's `"P2"`, first reduced by a 1x1
            convolution.
        coarse: KerasTensor, the context, which is resized to its size.
        filters: int. Channels of the result.
        skip_filters: int. Channels that `fine` is reduced to.
        num_convs: int. Number of 3x3 convolutions.
        skip_norm: bool. Whether the reduction has batch normalization and a
            ReLU.
        coarse_first: bool. Whether the coarse map is the first of the
            concatenated maps.
        separable: bool. Whether the 3x3 convolutions are separable, see
            `keras_rsseg.layers.SeparableConvBNReLU`.
        depthwise_norm: bool, see there.
        align_corners: bool. How the coarse map is resized.
        data_format: of every layer.
        dtype: dtype policy of every layer.

    Returns:
        KerasTensor of the size of `fine` with `filters` channels.
    """
    options = {"data_format": data_format, "dtype": dtype}
    if skip_norm:
        reduce = ConvBNReLU(skip_filters, 1, name="skip", **options)
    else:
        reduce = keras.layers.Conv2D(
            skip_filters, 1, use_bias=False, name="skip", **options
        )
    skip = reduce(fine)
    coarse = ResizeLike(
        align_corners=align_corners, name="resize_context", **options
    )(fine, coarse)
    maps = [coarse, skip] if coarse_first else [skip, coarse]
    x = join_channels("skip_concatenate", *maps, **options)
    for index in range(1, num_convs + 1):
        name = f"output_conv{index}"
        if separable:
            conv = SeparableConvBNReLU(
                filters, depthwise_norm=depthwise_norm, name=name, **options
            )
        else:
            conv = ConvBNReLU(filters, 3, name=name, **options)
        x = conv(x)
    return x
