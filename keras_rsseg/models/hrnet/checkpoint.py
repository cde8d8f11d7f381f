"""Checkpoints of HRNetV2 segmentation networks.

Source: the PyTorch code of the HRNet authors (HRNet-Semantic-Segmentation,
whose branches share names), MIT licence. Some of their networks were trained
with corners aligned and some without, which checkpoints do not state: look up
`MODEL.ALIGN_CORNERS` in the training configuration. If it is absent, it is
`True` on the HRNet-OCR branch and `False` on older ones.

With `fusion="ifwm"` the same checkpoint becomes an HRNet with the flow of
IFWM. The flow starts at zero, so its outputs are those of the checkpoint's
network until it is trained.

Source: mmsegmentation (Apache-2.0), `fcn_hr18`, its small form `fcn_hr18s` and
`fcn_hr48`. Corners are not aligned, the fusions resize twice, and the
convolution of the head has no bias. It has checkpoints for iSAID, Potsdam,
Vaihingen and LoveDA, see `presets.json`.
"""

import functools
import re
from typing import Any

from keras_rsseg.encoders.checkpoint import HRNET_RULES
from keras_rsseg.encoders.checkpoint import MMSEG_HEAD_RULES
from keras_rsseg.encoders.checkpoint import MMSEG_HRNET_RULES
from keras_rsseg.encoders.checkpoint_variant import Variant
from keras_rsseg.encoders.checkpoint_variant import conv_bn_rules
from keras_rsseg.encoders.checkpoint_variant import strip_training_wrapper
from keras_rsseg.encoders.hrnet_encoder import HRNetEncoder
from keras_rsseg.models.hrnet.hrnet import HRNet

_RULES = [
    *HRNET_RULES,
    *conv_bn_rules("fusion/conv", "last_layer.0", "last_layer.1"),
    ("classifier", "last_layer.3"),
]
_FLOW = re.compile(r"stage\d_module\d_fuse\dto\d_warp/flow_conv/.+")


def is_flow(path: str) -> bool:
    """Whether a variable belongs to a flow, which no checkpoint has."""
    return _FLOW.fullmatch(path) is not None


_MMSEG_RULES = [
    *MMSEG_HRNET_RULES,
    *conv_bn_rules(
        "fusion/conv", "decode_head.convs.0.conv", "decode_head.convs.0.bn"
    ),
    *MMSEG_HEAD_RULES,
]


def _of_mmseg(width: int, **encoder: Any) -> Variant:
    return Variant(
        functools.partial(
            HRNetEncoder,
            width=width,
            align_corners=False,
            resize_by_factor=True,
            **encoder,
        ),
        _MMSEG_RULES,
        HRNet,
        {"fusion_bias": False},
    )


VARIANTS = {
    f"hrnet_w{width}": Variant(
        functools.partial(HRNetEncoder, width=width),
        _RULES,
        HRNet,
        encoder_options=("align_corners", "fusion"),
        required=("align_corners",),
        prepare=strip_training_wrapper,
        is_new=is_flow,
    )
    for width in (18, 32, 48)
}
VARIANTS |= {
    "fcn_hr18_mmseg": _of_mmseg(18),
    # W18 with fewer modules and blocks.
    "fcn_hr18s_mmseg": _of_mmseg(
        18, stackwise_num_modules=(1, 3, 2), num_blocks=2, num_bottlenecks=2
    ),
    "fcn_hr48_mmseg": _of_mmseg(48),
}
