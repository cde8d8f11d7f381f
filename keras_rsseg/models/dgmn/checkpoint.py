"""Checkpoints of DGMN.

Source: PFNet's released code, see `keras_rsseg.models.pfnet.checkpoint`.
"""

from keras_rsseg.encoders.checkpoint import DEEP_RESNET_RULES
from keras_rsseg.encoders.checkpoint import released_resnet
from keras_rsseg.encoders.checkpoint_variant import Variant
from keras_rsseg.encoders.checkpoint_variant import conv_bn_rules
from keras_rsseg.models.dgmn.dgmn import DGMN

_RULES = [
    *DEEP_RESNET_RULES,
    *conv_bn_rules("message_reduce", "fc0.conv", "fc0.bn"),
    ("message_passing/filters", "head.cat_conv"),
    *conv_bn_rules("message_join", "head.scale_conv.0", "head.scale_conv.1"),
    *conv_bn_rules("output", "fc1.0.conv", "fc1.0.bn"),
    ("classifier", "fc2"),
]
# The convolutions of deformable neighbourhoods are numbered from 1.
for _number, _rate in enumerate((1, 6, 12, 24, 36), 1):
    _layer = f"message_passing/filters_rate{_rate}"
    _RULES.append((_layer, f"head.cat_conv{_number}"))

VARIANTS = {
    f"dgmn_r50_{name}": Variant(
        released_resnet(50, 8),
        _RULES,
        DGMN,
        # Its last convolution is 1x1 but padded like a 3x3 one, so that the
        # map grows by 2.
        {"deformable": deformable, "output_padding": 1},
    )
    for name, deformable in (("fixed", False), ("dynamic", True))
}
