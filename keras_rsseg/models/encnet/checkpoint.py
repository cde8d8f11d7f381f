"""Checkpoints of EncNet.

Sources: PFNet's released code, see `keras_rsseg.models.pfnet.checkpoint`, and
mmsegmentation (Apache-2.0).
"""

from keras_rsseg.encoders.checkpoint import DEEP_RESNET_RULES
from keras_rsseg.encoders.checkpoint import MMSEG_HEAD_RULES
from keras_rsseg.encoders.checkpoint import MMSEG_RESNET_RULES
from keras_rsseg.encoders.checkpoint import mmseg_resnet
from keras_rsseg.encoders.checkpoint import released_resnet
from keras_rsseg.encoders.checkpoint_variant import Rule
from keras_rsseg.encoders.checkpoint_variant import Variant
from keras_rsseg.encoders.checkpoint_variant import conv_bn_rules
from keras_rsseg.models.encnet.encnet import EncNet


def _encoding_rules(encoding: str, batch_norm: str, gate: str) -> list[Rule]:
    return [
        ("encoding/codewords", f"{encoding}.codewords"),
        ("encoding/scale", f"{encoding}.scale"),
        ("encoding/batch_norm", batch_norm),
        ("encoding_gate", gate),
    ]


_MODULE = "encoding.encmodule"
_RULES = [
    *DEEP_RESNET_RULES,
    *_encoding_rules(
        f"{_MODULE}.encoding.3", f"{_MODULE}.encoding.4", f"{_MODULE}.fc.0"
    ),
    ("classifier", "encoding.conv6.1"),
]
for _layer, _name in (
    ("encoding_reduce", "encoding.conv5"),
    ("encoding_lateral1", "encoding.connect.0"),
    ("encoding_lateral2", "encoding.connect.1"),
    ("encoding_join", "encoding.fusion"),
    ("encoding_project", f"{_MODULE}.encoding"),
):
    _RULES += conv_bn_rules(_layer, f"{_name}.0", f"{_name}.1")

_MODULE = "decode_head.enc_module"
_MMSEG_RULES = [
    *MMSEG_RESNET_RULES,
    *MMSEG_HEAD_RULES,
    *_encoding_rules(
        f"{_MODULE}.encoding.0", f"{_MODULE}.encoding.1", f"{_MODULE}.fc.0"
    ),
    ("presence_classifier", "decode_head.se_layer"),
]
for _layer, _name in (
    ("encoding_reduce", "decode_head.bottleneck"),
    ("encoding_project", f"{_MODULE}.encoding_project"),
):
    _MMSEG_RULES += conv_bn_rules(_layer, f"{_name}.conv", f"{_name}.bn")

VARIANTS = {
    "encodingnet_r50": Variant(
        released_resnet(50, 8),
        _RULES,
        EncNet,
        {
            "square_scale": True,
            "joined_levels": ("P3", "P4"),
            "presence": False,
        },
    ),
    "encnet_r50_mmseg": Variant(
        mmseg_resnet(50, 8),
        _MMSEG_RULES,
        EncNet,
        {"auxiliary_filters": 256, "align_corners": False},
    ),
}
