"""Checkpoints of PSPNet at output strides 8 and 16.

Source: PFNet's released code, see `keras_rsseg.models.pfnet.checkpoint`.
"""

import functools

from keras_rsseg.encoders.checkpoint import DEEP_RESNET_RULES
from keras_rsseg.encoders.checkpoint import released_resnet
from keras_rsseg.encoders.checkpoint_variant import Variant
from keras_rsseg.encoders.checkpoint_variant import conv_bn_rules
from keras_rsseg.encoders.checkpoint_variant import with_zero_bias
from keras_rsseg.models.pfnet.checkpoint import pooling_rules
from keras_rsseg.models.pspnet.pspnet import PSPNet

_RULES = [
    *DEEP_RESNET_RULES,
    *pooling_rules("ppm"),
    *conv_bn_rules("output", "final.0", "final.1"),
    ("classifier", "final.3"),
]

VARIANTS = {
    name: Variant(
        released_resnet(50, output_stride),
        _RULES,
        PSPNet,
        prepare=functools.partial(with_zero_bias, layer="final.3"),
    )
    for name, output_stride in (("pspnet_r50", 8), ("pspnet_os16_r50", 16))
}
