"""What pyramid decoders share: the top-down path, and auxiliary heads."""

from collections.abc import Callable
from typing import Any

import keras

from keras_rsseg.layers.conv_bn_relu import ConvBNReLU
from keras_rsseg.layers.pyramid_fusion import PyramidFusion
from keras_rsseg.layers.resize_like import ResizeLike
from keras_rsseg.models.segmentation_backbone import Pyramid
from keras_rsseg.typing import DataFormat

LEVELS = ("P4", "P3", "P2")
# `PyramidPooling` as in mmsegmentation's PSPNet and UPerNet.
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
    sum_levels: bool = False,
    **options: Any,
) -> keras.KerasTensor:
    """Decode an encoder's pyramid to one map at the size of P2.

    The context goes down level by level. At each level the lateral map (a
    1x1 convolution of the encoder's) and the map from above are joined, and
    a 3x3 convolution makes that level's output. Finally, all outputs are
    fused at the size of P2.

    Args:
        pyramid: dict of KerasTensors `"P2"` to `"P5"`.
        context: KerasTensor with `fpn_dim` channels: the context of P5, see
            `keras_rsseg.models.contexts.gather_context`.
        join: function `(level, lateral, coarse) -> map` that returns the
            joined map at the size of `lateral`. `None` skips this path:
            lateral maps are used alone.
        fpn_dim: int. Channels of every map of the decoder.
        join_up: `None`, or a function `(level, coarse, fine) -> map` for a
            second path, from P2 up to P5, which starts from the maps of the
            first: it returns the joined map at the size of `coarse`, and
            `level` is that of `fine`.
        lateral_bias: bool. Whether lateral convolutions have a bias.
        align_corners: bool. How outputs are resized before they are fused.
        sum_levels: bool. Whether they are summed then, and not concatenated.
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
        sum_levels=sum_levels,
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
    """Add a coarse map, resized, to a fine one: the plain join.

    Args:
        level: level of the fine map, used to name the layers.
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


def auxiliary_features(
    x: keras.KerasTensor,
    filters: int = 256,
    dropout: float = 0.1,
    data_format: DataFormat | None = None,
    dtype: Any = None,
    **conv: Any,
) -> keras.KerasTensor:
    """Apply the 3x3 convolution of an auxiliary head (FCN), for training.

    Args:
        x: KerasTensor, the encoder's `"P4"` in most systems.
        filters: int. Channels of the result.
        dropout: float in [0, 1). Share of the channels to drop in training.
        data_format: of every layer.
        dtype: dtype policy of every layer.
        **conv: other keyword arguments of its `ConvBNReLU`.

    Returns:
        KerasTensor of the size of `x`, for a backbone's
        `"auxiliary_features"`.
    """
    options = {"data_format": data_format, "dtype": dtype}
    x = ConvBNReLU(filters, 3, name="auxiliary_head", **conv, **options)(x)
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
    """Return a backbone's outputs, with an auxiliary head on P4 if requested.

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
