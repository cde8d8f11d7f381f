"""Checkpoints of DANet, on its own, under an FPN and under PFNet's decoder.

Source: PFNet's released code, see `keras_rsseg.models.pfnet.checkpoint`.
"""

from keras_rsseg.encoders.checkpoint import DEEP_RESNET_RULES
from keras_rsseg.encoders.checkpoint import released_resnet
from keras_rsseg.encoders.checkpoint_variant import Variant
from keras_rsseg.encoders.checkpoint_variant import conv_bn_rules
from keras_rsseg.models.danet.danet import DANet
from keras_rsseg.models.pfnet.checkpoint import DECODER_ABOVE_CONTEXT
from keras_rsseg.models.pfnet.checkpoint import decoder_rules
from keras_rsseg.models.pfnet.pfnet import PFNet
from keras_rsseg.models.semantic_fpn.semantic_fpn import SemanticFPN

_RULES = [
    *DEEP_RESNET_RULES,
    (
        "position_attention/(?P<part>query|key|value)",
        "da_head.sa.{part}_conv",
    ),
    ("position_attention/gamma", "da_head.sa.gamma"),
    *conv_bn_rules("position_reduce", "da_head.conv5a.0", "da_head.conv5a.1"),
    *conv_bn_rules("position_refine", "da_head.conv51.0", "da_head.conv51.1"),
    ("position_project", "da_head.conv6.1"),
    ("channel_attention/gamma", "da_head.sc.gamma"),
    *conv_bn_rules("channel_reduce", "da_head.conv5c.0", "da_head.conv5c.1"),
    *conv_bn_rules("channel_refine", "da_head.conv52.0", "da_head.conv52.1"),
    ("channel_project", "da_head.conv7.1"),
]
_UNDER_DECODER = [*_RULES, *decoder_rules("point_flow_decoder")]

VARIANTS = {
    "danet_r50": Variant(
        released_resnet(50, 8), [*_RULES, ("classifier", "final")], DANet
    ),
    "danet_fpn_r50": Variant(
        released_resnet(50, 8),
        _UNDER_DECODER,
        SemanticFPN,
        {"context": "dual_attention", "fpn_dim": 128},
    ),
    "danet_pfnet_r50": Variant(
        released_resnet(50, 8),
        _UNDER_DECODER,
        PFNet,
        {"context": "dual_attention", **DECODER_ABOVE_CONTEXT},
        backbone_options=("max_pool_size",),
    ),
}
