"""GSCNN's shape stream, at the size of the tile."""

from typing import Any

import keras

from keras_rsseg.encoders.preactivated_blocks import join_channels
from keras_rsseg.encoders.residual_blocks import basic_block
from keras_rsseg.layers.conv2d import SameConv2D
from keras_rsseg.layers.conv_bn_relu import BatchNorm
from keras_rsseg.layers.conv_bn_relu import ConvBNReLU
from keras_rsseg.models.pyramid_decoder import resize_map
from keras_rsseg.models.segmentation_backbone import Pyramid
from keras_rsseg.ops.data_format import channel_axis

# Channels at its start and after each gate.
_WIDTHS = (64, 32, 16, 8)
_GATED_BY = ("P3", "P4", "P5")


def plain_conv(
    x: keras.KerasTensor,
    filters: int,
    name: str,
    use_bias: bool = False,
    **options: Any,
) -> keras.KerasTensor:
    """Apply a 1x1 convolution without normalization.

    Args:
        x: KerasTensor, a map.
        filters: int. Channels of the result.
        name: string. Name of the layer.
        use_bias: bool.
        **options: `data_format` and `dtype` of the layer.

    Returns:
        KerasTensor of the size of `x` with `filters` channels.
    """
    conv = keras.layers.Conv2D(
        filters, 1, use_bias=use_bias, name=name, **options
    )
    return conv(x)


def shape_stream(pyramid: Pyramid, **options: Any) -> keras.KerasTensor:
    """Return edges, made from P1 through the gates of P3 to P5.

    Args:
        pyramid: dict of KerasTensors `"P0"`, the images, to `"P5"`.
        **options: `data_format` and `dtype` of every layer.

    Returns:
        KerasTensor of the size of the images, with one channel from 0 to 1.
    """
    images = pyramid["P0"]
    x = resize_map("P1", images, pyramid["P1"], **options)
    axis = channel_axis(options["data_format"])
    first = _WIDTHS[0]
    for index, (level, filters) in enumerate(
        zip(_GATED_BY, _WIDTHS[1:], strict=True), 1
    ):
        x = basic_block(
            x,
            x.shape[axis] if index > 1 else first,
            f"shape_block{index}",
            project=index == 1 and x.shape[axis] != first,
            **options,
        )
        x = plain_conv(x, filters, f"shape_reduce{index}", True, **options)
        gate = SameConv2D(1, 1, name=f"shape_{level}", **options)(
            pyramid[level]
        )
        gate = resize_map(f"shape_{level}", images, gate, **options)
        x = _gated_conv(x, gate, f"shape_gate{index}", **options)
    return SameConv2D(
        1, 1, use_bias=False, activation="sigmoid", name="edges", **options
    )(x)


def _gated_conv(
    x: keras.KerasTensor, gate: keras.KerasTensor, name: str, **options: Any
) -> keras.KerasTensor:
    """A 1x1 convolution of a map, amplified where a gate is open."""
    axis = channel_axis(options["data_format"])
    filters, dtype = x.shape[axis], options["dtype"]
    y = join_channels(f"{name}_join", x, gate, **options)
    y = BatchNorm(axis=axis, dtype=dtype, name=f"{name}_norm")(y)
    y = plain_conv(y, filters + 1, f"{name}_conv1", True, **options)
    y = keras.layers.ReLU(dtype=dtype, name=f"{name}_relu")(y)
    alpha = ConvBNReLU(
        1,
        1,
        use_bias=True,
        activation="sigmoid",
        name=f"{name}_conv2",
        **options,
    )(y)
    y = keras.layers.Multiply(dtype=dtype, name=f"{name}_multiply")([x, alpha])
    y = keras.layers.Add(dtype=dtype, name=f"{name}_add")([x, y])
    return plain_conv(y, filters, f"{name}_conv3", **options)
