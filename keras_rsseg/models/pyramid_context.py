"""What gathers the context of the coarsest level of a pyramid."""

import keras

from keras_rsseg.errors import ArgumentError
from keras_rsseg.layers.atrous_pyramid_pooling import AtrousPyramidPooling
from keras_rsseg.layers.attention import ChannelAttention
from keras_rsseg.layers.attention import CrissCrossAttention
from keras_rsseg.layers.attention import PositionAttention
from keras_rsseg.layers.conv_bn_relu import ConvBNReLU
from keras_rsseg.layers.pyramid_pooling import PyramidPooling
from keras_rsseg.ops.data_format import channel_axis
from keras_rsseg.ops.data_format import standardize_data_format


def gather_context(context, coarsest, filters, **options):
    """Apply a context module by its name, for a decoder.

    Args:
        context: `"pyramid_pooling"` (PPM); `"criss_cross"`,
            `"dual_attention"` or `"atrous_pooling"`, the contexts of CCNet,
            DANet and DeepLabV3 at their published widths, brought to
            `filters` channels by a 1x1 convolution; or `None` for this
            convolution alone, as in a plain FPN.
        coarsest: KerasTensor, the encoder's `"P5"`.
        filters: int. Channels of the result.
        **options: `data_format` and `dtype` of every layer.

    Returns:
        KerasTensor of the size of `coarsest` with `filters` channels.

    Raises:
        ValueError: for an unknown name.
    """
    if context not in CONTEXTS:
        raise ArgumentError(
            f"`context` must be one of {CONTEXTS}. Received: "
            f"context={context!r}"
        )
    if context == "pyramid_pooling":
        return PyramidPooling(filters, name=context, **options)(coarsest)
    if context is not None:
        coarsest = _SYSTEMS[context](coarsest, **options)
    return ConvBNReLU(filters, 1, use_bias=True, name="lateral_P5", **options)(
        coarsest
    )


def criss_cross_context(
    x, filters=512, recurrence=2, dropout=0.1, data_format=None, dtype=None
):
    """Apply CCNet's recurrent criss-cross attention.

    Args:
        x: KerasTensor, a map.
        filters: int. Channels of the result.
        recurrence: int. Calls of the one attention layer.
        dropout: float in [0, 1). Share of the channels to drop in training.
        data_format: of every layer.
        dtype: dtype policy of every layer.

    Returns:
        KerasTensor of the size of `x` with `filters` channels.

    Raises:
        ValueError: `recurrence` is no positive integer.
    """
    if int(recurrence) != recurrence or recurrence < 1:
        raise ArgumentError(
            "`recurrence` must be a positive integer. Received: "
            f"recurrence={recurrence}"
        )
    options = {"data_format": data_format, "dtype": dtype}
    attention = CrissCrossAttention(name="criss_cross_attention", **options)
    attended = ConvBNReLU(filters, 3, name="criss_cross_reduce", **options)(x)
    for _ in range(recurrence):
        attended = attention(attended)
    attended = ConvBNReLU(filters, 3, name="criss_cross_refine", **options)(
        attended
    )
    joined = keras.layers.Concatenate(
        axis=channel_axis(standardize_data_format(data_format)),
        dtype=dtype,
        name="criss_cross_concatenate",
    )([x, attended])
    joined = ConvBNReLU(
        filters, 3, activation=None, name="criss_cross_join", **options
    )(joined)
    return keras.layers.SpatialDropout2D(
        dropout, name="criss_cross_dropout", **options
    )(joined)


def dual_attention_context(
    x, filters=512, dropout=0.1, data_format=None, dtype=None
):
    """Apply DANet's position and channel attention and sum their results.

    Args:
        x: KerasTensor, a map.
        filters: int. Channels of the result.
        dropout: float in [0, 1). Share of each branch's channels to drop in
            training.
        data_format: of every layer.
        dtype: dtype policy of every layer.

    Returns:
        KerasTensor of the size of `x` with `filters` channels.
    """
    options = {"data_format": data_format, "dtype": dtype}
    branches = []
    for name, attention in (
        ("position", PositionAttention),
        ("channel", ChannelAttention),
    ):
        y = ConvBNReLU(filters, 3, name=f"{name}_reduce", **options)(x)
        y = attention(name=f"{name}_attention", **options)(y)
        y = ConvBNReLU(filters, 3, name=f"{name}_refine", **options)(y)
        y = keras.layers.SpatialDropout2D(
            dropout, name=f"{name}_dropout", **options
        )(y)
        y = keras.layers.Conv2D(filters, 1, name=f"{name}_project", **options)(
            y
        )
        branches.append(y)
    return keras.layers.Add(dtype=dtype, name="dual_attention")(branches)


def atrous_context(
    x, filters=256, dilation_rates=(12, 24, 36), data_format=None, dtype=None
):
    """Apply DeepLabV3's atrous spatial pyramid pooling.

    Args:
        x: KerasTensor, a map.
        filters: int. Channels of the result and of each branch.
        dilation_rates: dilations of the 3x3 convolutions.
        data_format: of the layer.
        dtype: dtype policy of the layer.

    Returns:
        KerasTensor of the size of `x` with `filters` channels.
    """
    return AtrousPyramidPooling(
        filters,
        dilation_rates=dilation_rates,
        data_format=data_format,
        dtype=dtype,
        name="atrous_pooling",
    )(x)


_SYSTEMS = {
    "criss_cross": criss_cross_context,
    "dual_attention": dual_attention_context,
    "atrous_pooling": atrous_context,
}
CONTEXTS = (None, "pyramid_pooling", *_SYSTEMS)
