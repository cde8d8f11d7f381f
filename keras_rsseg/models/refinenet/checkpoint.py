"""Checkpoints of RefineNet: that compared with PFNet, and the published one.

`refinenet_r50` is the network of PFNet's released code, see
`keras_rsseg.models.pfnet.checkpoint`. `refinenet_r101_drsleep` is the layout
of the weights published for PASCAL VOC, a port of the authors' Matlab network
(DrSleep/refinenet-pytorch, for non-commercial use), and
`refinenet_r50_drsleep` the same on a ResNet-50.
"""

import functools
import re

from keras_rsseg.encoders.checkpoint import DEEP_RESNET_RULES
from keras_rsseg.encoders.checkpoint import TORCHVISION_STEM
from keras_rsseg.encoders.checkpoint import resnet_rules
from keras_rsseg.encoders.checkpoint_variant import Rule
from keras_rsseg.encoders.checkpoint_variant import State
from keras_rsseg.encoders.checkpoint_variant import Variant
from keras_rsseg.encoders.resnet_encoder import ResNetEncoder
from keras_rsseg.models.refinenet.refinenet import RefineNet

# The first stage contains the stem.
_STEM = re.compile(r"layer1\.([01])\.")
_FIRST_STAGE = re.compile(r"layer1\.4\.")


def split_stem(state: State) -> State:
    """Return a checkpoint's tensors with the stem split off the first stage.

    Args:
        state: dict from name to array.

    Returns:
        The same with names of `keras_rsseg.encoders.checkpoint`.
    """

    def renamed(name: str) -> str:
        if _FIRST_STAGE.match(name):
            return _FIRST_STAGE.sub("layer1.", name)
        return _STEM.sub(r"layer0.\1.", name)

    return {renamed(name): value for name, value in state.items()}


def _rules() -> list[Rule]:
    rules = [*DEEP_RESNET_RULES, ("classifier", "output_conv.2")]
    rules += _unit_rules("final_unit", "output_conv")
    for block, level in ((1, "P2"), (2, "P3"), (3, "P4"), (4, "P5")):
        name = f"refinenet{block}"
        # The first input is the coarse map, or the only one.
        inputs = [f"coarse_{level}_unit", f"input_{level}_unit"]
        for index, units in enumerate(inputs[block == 4 :]):
            rules += _unit_rules(units, f"{name}.rcu{index}")
        rules += [
            (f"reduce_{level}", f"layer{block}_rn"),
            (f"coarse_{level}", f"{name}.mrf.resolve0"),
            (f"fine_{level}", f"{name}.mrf.resolve1"),
            (
                f"pooling_{level}_conv(?P<pool>\\d)",
                name + ".crp.block{pool}.1",
            ),
            (
                f"output_{level}_unit1_conv(?P<conv>\\d)",
                name + ".output_conv.conv{conv}",
            ),
        ]
    return rules


def _unit_rules(units: str, module: str) -> list[Rule]:
    pattern = units + r"(?P<unit>\d)_conv(?P<conv>\d)"
    return [(pattern, module + ".{unit0}.conv{conv}")]


def _published_rules() -> list[Rule]:
    rules = [*resnet_rules(TORCHVISION_STEM), ("classifier", "clf_conv")]
    for group, level in enumerate(("P5", "P4", "P3", "P2"), 1):
        flow = f"mflow_conv_g{group}"
        for units, module in (
            (f"input_{level}_unit", f"adapt_stage{group}_b"),
            (f"output_{level}_unit", f"{flow}_b"),
        ):
            unit = units + r"(?P<unit>\d)"
            conv = module + ".0.{unit}_conv"
            rules += [
                (f"{unit}_conv1", conv),
                (f"{unit}_conv2", f"{conv}_relu_varout_dimred"),
            ]
        rules += [
            (f"reduce_{level}", f"p_ims1d2_outl{group}_dimred"),
            (
                f"pooling_{level}_conv(?P<pool>\\d)",
                flow + "_pool.0.{pool}_outvar_dimred",
            ),
            (
                f"fine_{level}",
                f"adapt_stage{group}_b2_joint_varout_dimred",
            ),
        ]
    for group, below in enumerate(("P4", "P3", "P2"), 1):
        joint = f"mflow_conv_g{group}_b3_joint_varout_dimred"
        rules.append((f"coarse_{below}", joint))
    return rules


VARIANTS = {
    "refinenet_r50": Variant(
        functools.partial(ResNetEncoder, 50, stem="deep"),
        _rules(),
        RefineNet,
        prepare=split_stem,
    ),
    **{
        f"refinenet_r{depth}_drsleep": Variant(
            functools.partial(ResNetEncoder, depth),
            _published_rules(),
            RefineNet,
            {"layout": "published"},
        )
        for depth in (50, 101)
    },
}
