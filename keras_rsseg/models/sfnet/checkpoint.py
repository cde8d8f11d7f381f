"""Checkpoints of SFNet, which shares PFNet's encoder and decoder.

Source: the PyTorch code of the SFNet paper's authors (SFSegNets). It states no
licence; checkpoints are read here but not redistributed.
"""

from keras_rsseg.encoders.checkpoint import DEEP_RESNET_RULES
from keras_rsseg.encoders.checkpoint import released_resnet
from keras_rsseg.encoders.checkpoint_variant import Rule
from keras_rsseg.encoders.checkpoint_variant import Variant
from keras_rsseg.models.pfnet.checkpoint import HEAD_RULES
from keras_rsseg.models.sfnet.sfnet import SFNet


def _flow_alignment_rules(index: int, level: str) -> list[Rule]:
    flow, align = f"flow_alignment_{level}", f"head.fpn_out_align.{index}"
    return [
        (f"{flow}/reduce_coarse", f"{align}.down_h"),
        (f"{flow}/reduce_fine", f"{align}.down_l"),
        (f"{flow}/flow_conv", f"{align}.flow_make"),
    ]


_RULES = [*DEEP_RESNET_RULES, *HEAD_RULES]
for _index, _level in enumerate(("P2", "P3", "P4")):
    _RULES += _flow_alignment_rules(_index, _level)

VARIANTS = {
    f"sfnet_r{depth}": Variant(released_resnet(depth, 32), _RULES, SFNet)
    for depth in (50, 101)
}
