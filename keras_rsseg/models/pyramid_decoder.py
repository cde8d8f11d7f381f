"""The top-down decoder that PFNet and its FPN baseline share."""

import keras

from keras_rsseg.layers.conv_bn_relu import ConvBNReLU
from keras_rsseg.layers.pyramid_fusion import PyramidFusion

LEVELS = ("P4", "P3", "P2")


def decode_pyramid(pyramid, context, join, fpn_dim, **options):
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
            joined map at the size of `lateral`.
        fpn_dim: int. Channels of every map of the decoder.
        **options: `data_format` and `dtype` of every layer.

    Returns:
        KerasTensor `(batch, height / 4, width / 4, fpn_dim)`.
    """
    # The released decoder has no convolution on its coarsest output.
    x = context
    outputs = [x]
    for level in LEVELS:
        lateral = ConvBNReLU(
            fpn_dim, 1, use_bias=True, name=f"lateral_{level}", **options
        )(pyramid[level])
        x = join(level, lateral, x)
        output = ConvBNReLU(fpn_dim, 3, name=f"output_{level}", **options)
        outputs.append(output(x))
    fusion = PyramidFusion(fpn_dim, kernel_size=3, name="fusion", **options)
    return fusion(outputs[::-1])


def add_maps(level, *maps, dtype=None):
    """Sum maps of one size with a layer named after the level."""
    return keras.layers.Add(dtype=dtype, name=f"add_{level}")(maps)
