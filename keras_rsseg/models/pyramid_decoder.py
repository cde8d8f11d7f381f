"""What decoders over a pyramid share: context modules, and the way down.

The contexts of CCNet, DANet, DeepLabV3, DeepLabV3+ and FCN are used by these
systems and, by name, under the decoder that PFNet and its FPN baseline share.
"""

from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import keras

from keras_rsseg.checks import check_choice
from keras_rsseg.checks import check_positive
from keras_rsseg.layers.atrous_pyramid_pooling import AtrousPyramidPooling
from keras_rsseg.layers.attention import ChannelAttention
from keras_rsseg.layers.attention import CrissCrossAttention
from keras_rsseg.layers.attention import PositionAttention
from keras_rsseg.layers.conv_bn_relu import ConvBNReLU
from keras_rsseg.layers.pyramid_fusion import PyramidFusion
from keras_rsseg.layers.pyramid_pooling import PyramidPooling
from keras_rsseg.layers.resize_like import ResizeLike
from keras_rsseg.models.segmentation_backbone import Pyramid
from keras_rsseg.ops.data_format import channel_axis
from keras_rsseg.ops.data_format import standardize_data_format
from keras_rsseg.typing import DataFormat

LEVELS = ("P4", "P3", "P2")
# `PyramidPooling` as mmsegmentation has it, in PSPNet and in UPerNet.
MMSEG_POOLING: dict[str, Any] = {
    "pooled_activation": "relu",
    "map_first": True,
    "kernel_size": 3,
    "align_corners": False,
}
_PAIRS = (("P4", "P5"), ("P3", "P4"), ("P2", "P3"))


def decode_pyramid(
    pyramid: Pyramid,
    context: keras.KerasTensor,
    join: Callable[..., keras.KerasTensor] | None,
    fpn_dim: int,
    join_up: Callable[..., keras.KerasTensor] | None = None,
    lateral_bias: bool = True,
    align_corners: bool = True,
    **options: Any,
) -> keras.KerasTensor:
    """Decode an encoder's pyramid to one map at the size of P2.

    The context goes down level by level. At each level the lateral map (a
    1x1 convolution of the encoder's) and the map from above are joined, and
    a 3x3 convolution gives that level's output. Last, all outputs are fused
    at the size of P2.

    Args:
        pyramid: dict of KerasTensors `"P2"` to `"P5"`.
        context: KerasTensor with `fpn_dim` channels: what comes from P5, see
            `gather_context`.
        join: function `(level, lateral, coarse) -> map` that returns the
            joined map at the size of `lateral`. `None` leaves this way out:
            lateral maps are alone.
        fpn_dim: int. Channels of every map of the decoder.
        join_up: `None`, or a function `(level, coarse, fine) -> map` for a
            second way, from P2 up to P5, which starts from the maps of the
            first: it returns the joined map at the size of `coarse`, and
            `level` is that of `fine`.
        lateral_bias: bool. Whether lateral convolutions have a bias.
        align_corners: bool. How outputs are resized before they are fused.
        **options: `data_format` and `dtype` of every layer.

    Returns:
        KerasTensor `(batch, height / 4, width / 4, fpn_dim)`.
    """
    maps, convs = {"P5": context}, {}
    for level, above in _PAIRS:
        x = ConvBNReLU(
            fpn_dim,
            1,
            use_bias=lateral_bias,
            name=f"lateral_{level}",
            **options,
        )(pyramid[level])
        if join is not None:
            x = join(level, x, maps[above])
        maps[level] = x
        convs[level] = ConvBNReLU(fpn_dim, 3, name=f"output_{level}", **options)
    if join_up is not None:
        for level, above in _PAIRS[::-1]:
            maps[above] = join_up(level, maps[above], maps[level])
    # The released decoder has no convolution on its coarsest output.
    outputs = [maps["P5"]]
    outputs += [convs[level](maps[level]) for level in LEVELS]
    fusion = PyramidFusion(
        fpn_dim,
        kernel_size=3,
        align_corners=align_corners,
        name="fusion",
        **options,
    )
    return fusion(outputs[::-1])


def add_maps(
    level: str, *maps: keras.KerasTensor, dtype: Any = None
) -> keras.KerasTensor:
    """Sum maps of one size with a layer named after the level."""
    return keras.layers.Add(dtype=dtype, name=f"add_{level}")(maps)


def resize_map(
    level: str,
    fine: keras.KerasTensor,
    coarse: keras.KerasTensor,
    align_corners: bool = True,
    **options: Any,
) -> keras.KerasTensor:
    """Resize a map to another's size with a layer named after the level."""
    resize = ResizeLike(
        align_corners=align_corners, name=f"resize_{level}", **options
    )
    return resize(fine, coarse)


def add_resized(
    level: str,
    fine: keras.KerasTensor,
    coarse: keras.KerasTensor,
    **options: Any,
) -> keras.KerasTensor:
    """Add a coarse map to a fine one at its size: a join without more.

    Args:
        level: of the fine map, by which its layers are named.
        fine: KerasTensor.
        coarse: KerasTensor with as many channels.
        **options: as for `resize_map()`.

    Returns:
        KerasTensor of the size of `fine`.
    """
    resized = resize_map(level, fine, coarse, **options)
    return add_maps(level, fine, resized, dtype=options.get("dtype"))


def drop_channels(
    x: keras.KerasTensor, dropout: float, **options: Any
) -> keras.KerasTensor:
    """Drop whole channels of a backbone's features in training.

    Args:
        x: KerasTensor, a map.
        dropout: float in [0, 1). Share of the channels; 0 adds no layer.
        **options: `data_format` and `dtype` of the layer.

    Returns:
        KerasTensor like `x`.
    """
    if not dropout:
        return x
    return keras.layers.SpatialDropout2D(dropout, name="dropout", **options)(x)


def gather_context(
    context: str | None,
    coarsest: keras.KerasTensor,
    filters: int,
    **options: Any,
) -> keras.KerasTensor:
    """Apply a context module by its name, for a decoder.

    Args:
        context: `"pyramid_pooling"` (PPM); `"criss_cross"`,
            `"dual_attention"`, `"atrous_pooling"`,
            `"separable_atrous_pooling"` or `"fcn"`, the contexts of CCNet,
            DANet, DeepLabV3, DeepLabV3+ and FCN at their published widths,
            brought to `filters` channels by a 1x1 convolution; or `None` for
            this convolution alone, as in a plain FPN.
        coarsest: KerasTensor, the encoder's `"P5"`.
        filters: int. Channels of the result.
        **options: `data_format` and `dtype` of every layer.

    Returns:
        KerasTensor of the size of `coarsest` with `filters` channels.

    Raises:
        ArgumentError: for an unknown name.
    """
    check_choice("context", context, CONTEXTS)
    if context == "pyramid_pooling":
        return PyramidPooling(filters, name=context, **options)(coarsest)
    if context is not None:
        coarsest = _OF_SYSTEMS[context](coarsest, **options)
    return ConvBNReLU(filters, 1, use_bias=True, name="lateral_P5", **options)(
        coarsest
    )


def auxiliary_features(
    x: keras.KerasTensor,
    filters: int = 256,
    dropout: float = 0.1,
    data_format: DataFormat | None = None,
    dtype: Any = None,
) -> keras.KerasTensor:
    """Apply the 3x3 convolution of an auxiliary head (FCN), for training.

    Args:
        x: KerasTensor, the encoder's `"P4"` in most systems.
        filters: int. Channels of the result.
        dropout: float in [0, 1). Share of the channels to drop in training.
        data_format: of every layer.
        dtype: dtype policy of every layer.

    Returns:
        KerasTensor of the size of `x`, for a backbone's
        `"auxiliary_features"`.
    """
    options = {"data_format": data_format, "dtype": dtype}
    x = ConvBNReLU(filters, 3, name="auxiliary_head", **options)(x)
    return keras.layers.SpatialDropout2D(
        dropout, name="auxiliary_dropout", **options
    )(x)


def with_auxiliary(
    features: keras.KerasTensor,
    pyramid: Pyramid,
    filters: int | None,
    dropout: float = 0.1,
    **options: Any,
) -> dict[str, keras.KerasTensor]:
    """Return a backbone's outputs, with an auxiliary head on P4 if asked for.

    Args:
        features: KerasTensor, the map that the task classifies.
        pyramid: dict of KerasTensors by level.
        filters: int. Channels of the auxiliary head, `None` for none.
        dropout: float in [0, 1), see `auxiliary_features`.
        **options: `data_format` and `dtype` of every layer.
    """
    outputs = {"features": features}
    if filters is not None:
        outputs["auxiliary_features"] = auxiliary_features(
            pyramid["P4"], filters, dropout, **options
        )
    return outputs


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
        join: bool. Whether another one joins their result with `x`.
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
        y = keras.layers.Concatenate(
            axis=channel_axis(standardize_data_format(data_format)),
            dtype=dtype,
            name="fcn_concatenate",
        )([x, y])
        y = ConvBNReLU(filters, 3, name="fcn_join", **options)(y)
    return keras.layers.SpatialDropout2D(
        dropout, name="fcn_dropout", **options
    )(y)


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
        recurrence: int. Calls of the one attention layer.
        dropout: float in [0, 1). Share of the channels to drop in training.
        data_format: of every layer.
        dtype: dtype policy of every layer.

    Returns:
        KerasTensor of the size of `x` with `filters` channels.

    Raises:
        ArgumentError: `recurrence` is no positive integer.
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
    """Apply DeepLabV3+'s pooling, as mmsegmentation has it.

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


_OF_SYSTEMS: dict[str, Callable[..., keras.KerasTensor]] = {
    "criss_cross": criss_cross_context,
    "dual_attention": dual_attention_context,
    "atrous_pooling": atrous_context,
    "separable_atrous_pooling": separable_atrous_context,
    "fcn": fcn_context,
}
CONTEXTS = (None, "pyramid_pooling", *_OF_SYSTEMS)
