"""Checkpoints of dilated FCNs: mmsegmentation's, torchvision's and PFNet's.

Sources: mmsegmentation (`fcn_r50-d8`, Apache-2.0), torchvision
(`fcn_resnet50`, BSD-3), and the code of PFNet's authors (SFSegNets, `DeepFCN`;
it states no licence).
"""

import functools

from keras_rsseg.encoders.checkpoint import DEEP_RESNET_RULES
from keras_rsseg.encoders.checkpoint import MMSEG_HEAD_RULES
from keras_rsseg.encoders.checkpoint import MMSEG_RESNET_RULES
from keras_rsseg.encoders.checkpoint import TORCHVISION_RULES
from keras_rsseg.encoders.checkpoint import contracted_resnet
from keras_rsseg.encoders.checkpoint import mmseg_resnet
from keras_rsseg.encoders.checkpoint import released_resnet
from keras_rsseg.encoders.checkpoint_variant import Variant
from keras_rsseg.encoders.checkpoint_variant import conv_bn_rules
from keras_rsseg.encoders.checkpoint_variant import with_zero_bias
from keras_rsseg.models.fcn.fcn import FCN

_MMSEG_RULES = [
    *MMSEG_RESNET_RULES,
    *MMSEG_HEAD_RULES,
    *conv_bn_rules(
        r"fcn_conv(?P<conv>\d)",
        "decode_head.convs.{conv0}.conv",
        "decode_head.convs.{conv0}.bn",
    ),
    *conv_bn_rules(
        "fcn_join", "decode_head.conv_cat.conv", "decode_head.conv_cat.bn"
    ),
]
_TORCHVISION_RULES = [
    *TORCHVISION_RULES,
    *conv_bn_rules("fcn_conv1", "classifier.0", "classifier.1"),
    ("classifier", "classifier.4"),
]
# Rules of decoders with one skip, by the authors of PFNet.
RELEASED_SKIP_RULES = [
    ("skip", "bot_fine"),
    *conv_bn_rules("output_conv1", "final.0", "final.1"),
    *conv_bn_rules("output_conv2", "final.3", "final.4"),
    ("classifier", "final.6"),
]
_SKIP_RULES = [
    *DEEP_RESNET_RULES,
    *conv_bn_rules("fcn_conv1", "fcn_head.0", "fcn_head.1"),
    *RELEASED_SKIP_RULES,
]

VARIANTS = {
    **{
        f"fcn_r{depth}_mmseg": Variant(
            mmseg_resnet(depth, 8), _MMSEG_RULES, FCN
        )
        for depth in (50, 101)
    },
    **{
        f"fcn_r{depth}_torchvision": Variant(
            contracted_resnet(depth, 8),
            _TORCHVISION_RULES,
            FCN,
            {"form": "torchvision"},
        )
        for depth in (50, 101)
    },
    "fcn_skip_r50": Variant(
        released_resnet(50, 8),
        _SKIP_RULES,
        FCN,
        {
            "form": "skip",
            "filters": 256,
            "dropout": 0.0,
            "auxiliary_filters": None,
        },
        prepare=functools.partial(with_zero_bias, layer="final.6"),
    ),
}
