"""The decoder that PFNet and its FPN baseline share."""

import keras

from keras_rsseg.layers.conv_bn_relu import ConvBNReLU
from keras_rsseg.layers.pyramid_fusion import PyramidFusion
from keras_rsseg.layers.resize_like import ResizeLike

LEVELS = ("P4", "P3", "P2")
_PAIRS = (("P4", "P5"), ("P3", "P4"), ("P2", "P3"))


def decode_pyramid(pyramid, context, join, fpn_dim, join_up=None, **options):
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
        **options: `data_format` and `dtype` of every layer.

    Returns:
        KerasTensor `(batch, height / 4, width / 4, fpn_dim)`.
    """
    maps, convs = {"P5": context}, {}
    for level, above in _PAIRS:
        x = ConvBNReLU(
            fpn_dim, 1, use_bias=True, name=f"lateral_{level}", **options
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
    fusion = PyramidFusion(fpn_dim, kernel_size=3, name="fusion", **options)
    return fusion(outputs[::-1])


def add_maps(level, *maps, dtype=None):
    """Sum maps of one size with a layer named after the level."""
    return keras.layers.Add(dtype=dtype, name=f"add_{level}")(maps)


def resize_map(level, fine, coarse, **options):
    """Resize a map to another's size with a layer named after the level."""
    resize = ResizeLike(align_corners=True, name=f"resize_{level}", **options)
    return resize(fine, coarse)
