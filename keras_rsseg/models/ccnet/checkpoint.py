"""Checkpoints of CCNet, on its own and under PFNet's decoder.

Source: PFNet's released code, see `keras_rsseg.models.pfnet.checkpoint`.
"""

from keras_rsseg.encoders.checkpoint import DEEP_RESNET_RULES
from keras_rsseg.encoders.checkpoint import released_resnet
from keras_rsseg.encoders.checkpoint_variant import Variant
from keras_rsseg.encoders.checkpoint_variant import conv_bn_rules
from keras_rsseg.models.ccnet.ccnet import CCNet
from keras_rsseg.models.pfnet.checkpoint import DECODER_ABOVE_CONTEXT
from keras_rsseg.models.pfnet.checkpoint import decoder_rules
from keras_rsseg.models.pfnet.pfnet import PFNet

_RULES = [
    *DEEP_RESNET_RULES,
    *conv_bn_rules(
        "criss_cross_reduce", "head.rcca.conva.0", "head.rcca.conva.1"
    ),
    (
        "criss_cross_attention/(?P<part>query|key|value)",
        "head.rcca.cca.{part}_conv",
    ),
    ("criss_cross_attention/gamma", "head.rcca.cca.gamma"),
    *conv_bn_rules(
        "criss_cross_refine", "head.rcca.convb.0", "head.rcca.convb.1"
    ),
    *conv_bn_rules(
        "criss_cross_join", "head.rcca.bottleneck.0", "head.rcca.bottleneck.1"
    ),
]

VARIANTS = {
    "ccnet_r50": Variant(
        released_resnet(50, 8), [*_RULES, ("classifier", "head.out")], CCNet
    ),
    "ccnet_pfnet_r50": Variant(
        released_resnet(50, 8),
        [*_RULES, *decoder_rules("point_flow_decoder")],
        PFNet,
        {"context": "criss_cross", **DECODER_ABOVE_CONTEXT},
        backbone_options=("max_pool_size",),
    ),
}
