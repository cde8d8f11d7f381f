"""Attention contexts of CCNet, DANet, DGMN, EMANet, EncNet and OCNet."""

from collections.abc import Sequence
from typing import Any

import keras

from keras_rsseg.checks import check_positive
from keras_rsseg.encoders.preactivated_blocks import join_channels
from keras_rsseg.layers.attention import ChannelAttention
from keras_rsseg.layers.attention import CrissCrossAttention
from keras_rsseg.layers.attention import PositionAttention
from keras_rsseg.layers.context_encoding import ContextEncoding
from keras_rsseg.layers.conv_bn_relu import ConvBNReLU
from keras_rsseg.layers.expectation_maximization import ExpectationMaximization
from keras_rsseg.layers.message_passing import MessagePassing
from keras_rsseg.layers.object_context import ObjectContext
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.typing import DataFormat


def criss_cross_context(
    x: keras.KerasTensor,
    filters: int = 512,
    recurrence: int = 2,
    dropout: float = 0.1,
    data_format: DataFormat | None = None,
    dtype: Any = None,
) -> keras.KerasTensor:
    """Apply CCNet's recurrent criss-cross attention.

    Args:
        x: KerasTensor, a map.
        filters: int. Channels of the result.
        recurrence: int. Calls of the single attention layer.
        dropout: float in [0, 1). Share of the channels to drop in training.
        data_format: of every layer.
        dtype: dtype policy of every layer.

    Returns:
        KerasTensor of the size of `x` with `filters` channels.

    Raises:
        ArgumentError: `recurrence` is not a positive integer.
    """
    check_positive("recurrence", recurrence)
    options = {"data_format": data_format, "dtype": dtype}
    attention = CrissCrossAttention(name="criss_cross_attention", **options)
    attended = ConvBNReLU(filters, 3, name="criss_cross_reduce", **options)(x)
    for _ in range(recurrence):
        attended = attention(attended)
    attended = ConvBNReLU(filters, 3, name="criss_cross_refine", **options)(
        attended
    )
    joined = join_channels("criss_cross_concatenate", x, attended, **options)
    joined = ConvBNReLU(
        filters, 3, activation=None, name="criss_cross_join", **options
    )(joined)
    return keras.layers.SpatialDropout2D(
        dropout, name="criss_cross_dropout", **options
    )(joined)


def dual_attention_context(
    x: keras.KerasTensor,
    filters: int = 512,
    dropout: float = 0.1,
    data_format: DataFormat | None = None,
    dtype: Any = None,
) -> keras.KerasTensor:
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


def message_passing_context(
    x: keras.KerasTensor,
    filters: int = 512,
    dilation_rates: Sequence[int] = (1, 6, 12, 24, 36),
    deformable: bool = True,
    data_format: DataFormat | None = None,
    dtype: Any = None,
) -> keras.KerasTensor:
    """Apply DGMN's message passing, and join the messages with the map.

    Args:
        x: KerasTensor, a map.
        filters: int. Channels of the result.
        dilation_rates: see `keras_rsseg.layers.MessagePassing`.
        deformable: see there.
        data_format: of every layer.
        dtype: dtype policy of every layer.

    Returns:
        KerasTensor of the size of `x` with `filters` channels, normalised
        but not rectified.
    """
    options = {"data_format": data_format, "dtype": dtype}
    x = ConvBNReLU(filters, 3, name="message_reduce", **options)(x)
    x = MessagePassing(
        dilation_rates, deformable, name="message_passing", **options
    )(x)
    return ConvBNReLU(
        filters, 1, activation=None, name="message_join", **options
    )(x)


def expectation_maximization_context(
    x: keras.KerasTensor,
    filters: int = 512,
    num_bases: int = 64,
    iterations: int = 3,
    epsilon: float = 1e-6,
    momentum: float = 0.9,
    data_format: DataFormat | None = None,
    dtype: Any = None,
) -> keras.KerasTensor:
    """Apply EMANet's unit: a map plus its reconstruction from a few bases.

    Args:
        x: KerasTensor, a map.
        filters: int. Channels of the result.
        num_bases: see `keras_rsseg.layers.ExpectationMaximization`.
        iterations: see there.
        epsilon: see there.
        momentum: see there.
        data_format: of every layer.
        dtype: dtype policy of every layer.

    Returns:
        KerasTensor of the size of `x` with `filters` channels.
    """
    options = {"data_format": data_format, "dtype": dtype}
    x = ConvBNReLU(filters, 3, name="expectation_reduce", **options)(x)
    rebuilt = ExpectationMaximization(
        num_bases,
        iterations,
        epsilon,
        momentum,
        name="expectation_maximization",
        **options,
    )(x)
    rebuilt = keras.layers.ReLU(dtype=dtype, name="expectation_relu")(rebuilt)
    rebuilt = ConvBNReLU(
        filters, 1, activation=None, name="expectation_refine", **options
    )(rebuilt)
    joined = keras.layers.Add(dtype=dtype, name="expectation_add")([x, rebuilt])
    return keras.layers.ReLU(dtype=dtype, name="expectation_context")(joined)


def encoding_context(
    x: keras.KerasTensor,
    filters: int = 512,
    finer: Sequence[keras.KerasTensor] = (),
    num_codewords: int = 32,
    square_scale: bool = False,
    data_format: DataFormat | None = None,
    dtype: Any = None,
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Apply EncNet's context encoding: channels weighted by the whole map.

    Args:
        x: KerasTensor, a map.
        filters: int. Channels of the result.
        finer: list of KerasTensors of the size of `x`, joined with it by a
            3x3 convolution.
        num_codewords: see `keras_rsseg.layers.ContextEncoding`.
        square_scale: see there.
        data_format: of every layer.
        dtype: dtype policy of every layer.

    Returns:
        KerasTensors: a map of the size of `x` with `filters` channels, and
        the encoding `(batch, filters)`.
    """
    options = {"data_format": data_format, "dtype": dtype}
    x = ConvBNReLU(filters, 3, name="encoding_reduce", **options)(x)
    if finer:
        maps = [
            ConvBNReLU(filters, 1, name=f"encoding_lateral{n}", **options)(y)
            for n, y in enumerate(finer, 1)
        ]
        x = join_channels("encoding_concatenate", x, *maps, **options)
        x = ConvBNReLU(filters, 3, name="encoding_join", **options)(x)
    projected = ConvBNReLU(filters, 1, name="encoding_project", **options)(x)
    encoding = ContextEncoding(
        num_codewords, square_scale, name="encoding", **options
    )(projected)
    gate = keras.layers.Dense(
        filters, "sigmoid", dtype=dtype, name="encoding_gate"
    )(encoding)
    last = standardize_data_format(data_format) == "channels_last"
    gate = keras.layers.Reshape(
        (1, 1, filters) if last else (filters, 1, 1),
        dtype=dtype,
        name="encoding_reshape",
    )(gate)
    gated = keras.layers.Multiply(dtype=dtype, name="encoding_multiply")(
        [x, gate]
    )
    x = keras.layers.Add(dtype=dtype, name="encoding_add")([x, gated])
    x = keras.layers.ReLU(dtype=dtype, name="encoding_context")(x)
    return x, encoding


def object_context(
    x: keras.KerasTensor,
    filters: int = 512,
    branch_filters: int = 512,
    dilation_rates: Sequence[int] = (12, 24, 36),
    activation: Any = "relu",
    dropout: float = 0.1,
    data_format: DataFormat | None = None,
    dtype: Any = None,
) -> keras.KerasTensor:
    """Apply OCNet's object context beside dilated convolutions (ASP-OC).

    Args:
        x: KerasTensor, a map.
        filters: int. Channels of the result.
        branch_filters: int. Channels of each branch.
        dilation_rates: dilations of the 3x3 convolutions.
        activation: activation of every convolution.
        dropout: float in [0, 1). Share of the result's channels to drop in
            training; half this share of the object context's channels.
        data_format: of every layer.
        dtype: dtype policy of every layer.

    Returns:
        KerasTensor of the size of `x` with `filters` channels.
    """
    options = {"data_format": data_format, "dtype": dtype}

    def conv(
        y: keras.KerasTensor,
        name: str,
        kernel_size: int = 1,
        filters: int = branch_filters,
        **arguments: Any,
    ) -> keras.KerasTensor:
        return ConvBNReLU(
            filters,
            kernel_size,
            activation=activation,
            name=f"object_{name}",
            **arguments,
            **options,
        )(y)

    context = conv(x, "reduce", 3, use_bias=True)
    context = ObjectContext(
        max(branch_filters // 2, 1),
        activation,
        name="object_context",
        **options,
    )(context)
    context = conv(context, "refine", use_bias=True)
    context = keras.layers.SpatialDropout2D(
        dropout / 2, name="object_dropout", **options
    )(context)
    branches = [context, conv(x, "pointwise")]
    branches += [
        conv(x, f"rate{rate}", 3, dilation_rate=rate) for rate in dilation_rates
    ]
    x = join_channels("object_concatenate", *branches, **options)
    x = conv(x, "projection", filters=filters)
    return keras.layers.SpatialDropout2D(
        dropout, name="object_projection_dropout", **options
    )(x)
