"""Checkpoints of UPerNet.

Source: mmsegmentation (Apache-2.0), `upernet_r50`, which has checkpoints for
ADE20K, Cityscapes and VOC.
"""

from keras_rsseg.encoders.checkpoint import MMSEG_HEAD_RULES
from keras_rsseg.encoders.checkpoint import MMSEG_POOLING_RULES
from keras_rsseg.encoders.checkpoint import MMSEG_RESNET_RULES
from keras_rsseg.encoders.checkpoint import mmseg_resnet
from keras_rsseg.encoders.checkpoint_variant import Variant
from keras_rsseg.encoders.checkpoint_variant import conv_bn_rules
from keras_rsseg.models.upernet.upernet import UPerNet

_RULES = [
    *MMSEG_RESNET_RULES,
    *MMSEG_HEAD_RULES,
    *MMSEG_POOLING_RULES,
    *conv_bn_rules(
        "fusion/conv",
        "decode_head.fpn_bottleneck.conv",
        "decode_head.fpn_bottleneck.bn",
    ),
]
for _index in range(3):
    for _layer, _name in (
        ("lateral", "lateral_convs"),
        ("output", "fpn_convs"),
    ):
        _module = f"decode_head.{_name}.{_index}"
        _RULES += conv_bn_rules(
            f"{_layer}_P{_index + 2}", f"{_module}.conv", f"{_module}.bn"
        )

VARIANTS = {
    f"upernet_r{depth}_mmseg": Variant(mmseg_resnet(depth, 32), _RULES, UPerNet)
    for depth in (50, 101)
}
