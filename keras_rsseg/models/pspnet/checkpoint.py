"""Checkpoints of PSPNet: PFNet's authors' and mmsegmentation's.

Sources: PFNet's released code, at output strides 8 and 16, see
`keras_rsseg.models.pfnet.checkpoint`; mmsegmentation (`pspnet_r50-d8`,
Apache-2.0).
"""

import functools

from keras_rsseg.encoders.checkpoint import DEEP_RESNET_RULES
from keras_rsseg.encoders.checkpoint import MMSEG_HEAD_RULES
from keras_rsseg.encoders.checkpoint import MMSEG_POOLING_RULES
from keras_rsseg.encoders.checkpoint import MMSEG_RESNET_RULES
from keras_rsseg.encoders.checkpoint import mmseg_resnet
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

_MMSEG_RULES = [
    *MMSEG_RESNET_RULES,
    *MMSEG_HEAD_RULES,
    *MMSEG_POOLING_RULES,
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
VARIANTS |= {
    f"pspnet_r{depth}_mmseg": Variant(
        mmseg_resnet(depth, 8),
        _MMSEG_RULES,
        PSPNet,
        {
            "form": "mmsegmentation",
            # A quarter for the narrow ResNet.
            "pooling_filters": 128 if depth == 18 else 512,
            "auxiliary_filters": 64 if depth == 18 else 256,
        },
    )
    for depth in (18, 50, 101)
}
