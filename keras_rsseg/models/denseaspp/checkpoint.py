"""Checkpoints of DenseASPP, on DenseNets as published and on a ResNet-50.

`denseaspp121` to `denseaspp201`: DeepMotionAIResearch/DenseASPP, trained on
Cityscapes, without a licence. Published names have dots that PyTorch no
longer accepts (`ASPP_3.norm.1`); both spellings are read.

`denseaspp_r50`: the same head on the ResNet-50 of PFNet's released code, on
which PFNet compares its systems; no weights are published.
"""

import functools
import re

from keras_rsseg.encoders.checkpoint import DEEP_RESNET_RULES
from keras_rsseg.encoders.checkpoint import released_resnet
from keras_rsseg.encoders.checkpoint_variant import State
from keras_rsseg.encoders.checkpoint_variant import Variant
from keras_rsseg.encoders.checkpoint_variant import conv_bn_rules
from keras_rsseg.encoders.densenet_encoder import DenseNetEncoder
from keras_rsseg.models.denseaspp.denseaspp import DenseASPP

_LAYER = r"stage(?P<stage>\d)_layer(?P<layer>\d+)"
_DENSE = "features.denseblock{stage}.denselayer{layer}"
_RATE = r"dense_atrous_rate(?P<rate>\d+)"
# For each DenseNet: channels that a dilation adds, and those before it.
_WIDTHS = {121: (64, 128), 161: (128, 512), 169: (168, 336), 201: (240, 480)}
_DOTTED = re.compile(r"\b(norm|conv)\.(\d)\.")

_HEAD_RULES = [
    (f"{_RATE}_norm1", "ASPP_{rate}.norm1"),
    *conv_bn_rules(f"{_RATE}_conv1", "ASPP_{rate}.conv1", "ASPP_{rate}.norm2"),
    (f"{_RATE}_conv2", "ASPP_{rate}.conv2"),
    ("classifier", "classification.1"),
]
_DENSENET_RULES = [
    *conv_bn_rules("stem_conv1", "features.conv0", "features.norm0"),
    (f"{_LAYER}_norm1", f"{_DENSE}.norm1"),
    *conv_bn_rules(f"{_LAYER}_conv1", f"{_DENSE}.conv1", f"{_DENSE}.norm2"),
    (f"{_LAYER}_conv2", f"{_DENSE}.conv2"),
    (
        r"transition(?P<stage>\d)_(?P<part>norm|conv)",
        "features.transition{stage}.{part}",
    ),
    ("output_norm", "features.norm5"),
]


def join_names(state: State) -> State:
    """Return a checkpoint's tensors with names that PyTorch accepts today.

    Args:
        state: dict from name to array.

    Returns:
        The same, with `norm1` for `norm.1` and `conv2` for `conv.2`.
    """
    return {_DOTTED.sub(r"\1\2.", name): value for name, value in state.items()}


VARIANTS = {
    **{
        f"denseaspp{depth}": Variant(
            functools.partial(
                DenseNetEncoder,
                depth,
                stackwise_strides=(1, 2, 1, 1),
                stackwise_dilations=(1, 1, 2, 4),
                reduce_output=True,
            ),
            [*_DENSENET_RULES, *_HEAD_RULES],
            DenseASPP,
            {"filters": filters, "bottleneck_filters": bottleneck_filters},
            prepare=join_names,
        )
        for depth, (filters, bottleneck_filters) in _WIDTHS.items()
    },
    "denseaspp_r50": Variant(
        released_resnet(50, 8),
        [*DEEP_RESNET_RULES, *_HEAD_RULES],
        DenseASPP,
        {"align_corners": True},
        prepare=join_names,
    ),
}
