"""The neck of feature pyramid networks, which adds coarser levels to finer.

Semantic FPN and FarSeg share it and differ in how they use its levels.
"""

from typing import Any

import keras

from keras_rsseg.layers.conv2d import Conv2D
from keras_rsseg.layers.resize_like import ResizeLike
from keras_rsseg.models.segmentation_backbone import Pyramid

LEVELS = ("P2", "P3", "P4", "P5")


def feature_pyramid(
    pyramid: Pyramid, filters: int = 256, **options: Any
) -> list[keras.KerasTensor]:
    """Give all levels the same channels, and add the coarser ones to each.

    From the coarsest level down, a 1x1 convolution of the encoder's level is
    added to the map from above, enlarged by repeating pixels; a 3x3
    convolution of the sum is the level's output. There is no normalization
    and no activation.

    Args:
        pyramid: dict of KerasTensors `"P2"` to `"P5"`.
        filters: int. Channels of every level.
        **options: `data_format` and `dtype` of every layer.

    Returns:
        list of KerasTensors, finest first, of the sizes of P2 to P5.

    Reference:
        - [Lin et al., Feature Pyramid Networks, 2016](
          https://arxiv.org/abs/1612.03144)
    """
    outputs: list[keras.KerasTensor] = []
    above = None
    for level in reversed(LEVELS):
        x = Conv2D(filters, 1, name=f"neck_{level}", **options)(pyramid[level])
        if above is not None:
            resize = ResizeLike("nearest", name=f"resize_{level}", **options)
            x = keras.layers.Add(dtype=options["dtype"], name=f"add_{level}")(
                [x, resize(x, above)]
            )
        above = x
        conv = Conv2D(
            filters, 3, padding="same", name=f"neck_output_{level}", **options
        )
        outputs.append(conv(x))
    return outputs[::-1]
