"""Checkpoints of EMANet.

Sources: PFNet's released code, see `keras_rsseg.models.pfnet.checkpoint`, and
mmsegmentation (Apache-2.0). In both, no gradient changes the bases and the
convolution before them.
"""

from keras_rsseg.encoders.checkpoint import DEEP_RESNET_RULES
from keras_rsseg.encoders.checkpoint import MMSEG_HEAD_RULES
from keras_rsseg.encoders.checkpoint import MMSEG_RESNET_RULES
from keras_rsseg.encoders.checkpoint import mmseg_resnet
from keras_rsseg.encoders.checkpoint import released_resnet
from keras_rsseg.encoders.checkpoint_variant import Variant
from keras_rsseg.encoders.checkpoint_variant import conv_bn_rules
from keras_rsseg.models.emanet.emanet import EMANet

_RULES = [
    *DEEP_RESNET_RULES,
    *conv_bn_rules("expectation_reduce", "fc0.conv", "fc0.bn"),
    ("expectation_maximization/bases", "emau.mu"),
    ("expectation_maximization", "emau.conv1"),
    *conv_bn_rules("expectation_refine", "emau.conv2.0", "emau.conv2.1"),
    *conv_bn_rules("output", "fc1.0.conv", "fc1.0.bn"),
    ("classifier", "fc2"),
]
_MMSEG_RULES = [
    *MMSEG_RESNET_RULES,
    *MMSEG_HEAD_RULES,
    ("expectation_maximization/bases", "decode_head.ema_module.bases"),
    ("expectation_maximization", "decode_head.ema_mid_conv.conv"),
]
for _layer, _name in (
    ("expectation_reduce", "ema_in_conv"),
    ("expectation_refine", "ema_out_conv"),
    ("output", "bottleneck"),
    ("join", "conv_cat"),
):
    _conv = f"decode_head.{_name}"
    _MMSEG_RULES += conv_bn_rules(_layer, f"{_conv}.conv", f"{_conv}.bn")

VARIANTS = {
    "emanet_r50": Variant(
        released_resnet(50, 8), _RULES, EMANet, {"momentum": 1.0}
    ),
    "emanet_r50_mmseg": Variant(
        mmseg_resnet(50, 8),
        _MMSEG_RULES,
        EMANet,
        {
            "epsilon": 1e-12,
            "join_input": True,
            "auxiliary_filters": 256,
            "align_corners": False,
        },
    ),
}
