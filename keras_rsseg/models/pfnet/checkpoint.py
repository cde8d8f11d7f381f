"""Checkpoints of PFNet.

Source: the PyTorch code of the PointFlow paper's authors (PFSegNets). It
states no licence; checkpoints are read here but not redistributed. Train your
own or ask the authors before you publish a converted one.

No weights depend on the sizes of the point grids. They are those of the
released training scripts; the evaluation script for Potsdam uses a 9 x 9 grid
of salient points instead of 14 x 14 (`max_pool_size=9`).
"""

from keras_rsseg.encoders.checkpoint import DEEP_RESNET_RULES
from keras_rsseg.encoders.checkpoint import released_resnet
from keras_rsseg.encoders.checkpoint_variant import Rule
from keras_rsseg.encoders.checkpoint_variant import Variant
from keras_rsseg.encoders.checkpoint_variant import conv_bn_rules
from keras_rsseg.models.pfnet.pfnet import PFNet

_BINS = (1, 2, 3, 6)
_LEVELS = ("P2", "P3", "P4")

# In the released code, PFNet's decoder above other context modules.
DECODER_ABOVE_CONTEXT = {
    "fpn_dim": 128,
    "match_dim": 32,
    "max_pool_size": 8,
    "avg_pool_size": 8,
    "num_boundary_points": 32,
}


def pooling_rules(module: str) -> list[Rule]:
    """Return the rules of the pyramid pooling, by its name in the checkpoint.

    Args:
        module: such as `"head.ppm"`.
    """
    rules = conv_bn_rules(
        "pyramid_pooling/bottleneck",
        f"{module}.bottleneck.0",
        f"{module}.bottleneck.1",
    )
    for index, bins in enumerate(_BINS):
        stage = f"{module}.stages.{index}"
        rules += conv_bn_rules(
            f"pyramid_pooling/bin{bins}", f"{stage}.1", f"{stage}.2"
        )
    return rules


def decoder_rules(decoder: str) -> list[Rule]:
    """Return the rules of the decoder, with or without point flow.

    Args:
        decoder: its name in the checkpoint: `"head"`, or
            `"point_flow_decoder"` above another context module.
    """
    context, fusion = f"{decoder}.fpn_in.3", f"{decoder}.conv_last.0"
    rules = [
        *conv_bn_rules("lateral_P5", f"{context}.0", f"{context}.1"),
        *conv_bn_rules("fusion/conv", f"{fusion}.0", f"{fusion}.1"),
        ("classifier", f"{decoder}.conv_last.1"),
    ]
    for index, level in enumerate(_LEVELS):
        lateral = f"{decoder}.fpn_in.{index}"
        output = f"{decoder}.fpn_out.{index}.0"
        rules += [
            *conv_bn_rules(f"lateral_{level}", f"{lateral}.0", f"{lateral}.1"),
            *conv_bn_rules(f"output_{level}", f"{output}.0", f"{output}.1"),
            *_point_flow_rules(
                f"point_flow_{level}", f"{decoder}.fpn_out_align.{index}"
            ),
        ]
    return rules


def _point_flow_rules(flow: str, align: str) -> list[Rule]:
    return [
        (f"{flow}/reduce_coarse", f"{align}.down_h"),
        (f"{flow}/reduce_fine", f"{align}.down_l"),
        (f"{flow}/match_conv", f"{align}.point_matcher.match_conv"),
        *conv_bn_rules(
            f"{flow}/boundary_conv",
            f"{align}.edge_final.0",
            f"{align}.edge_final.1",
        ),
        (f"{flow}/boundary_logits", f"{align}.edge_final.3"),
    ]


# Of PFNet, of its baseline and of SFNet.
HEAD_RULES = [*pooling_rules("head.ppm"), *decoder_rules("head")]

VARIANTS = {
    f"pfnet_r{depth}": Variant(
        released_resnet(depth, 32),
        [*DEEP_RESNET_RULES, *HEAD_RULES],
        PFNet,
        backbone_options=("max_pool_size",),
    )
    for depth in (50, 101)
}
