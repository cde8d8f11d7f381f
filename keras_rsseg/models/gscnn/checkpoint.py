"""Checkpoints of GSCNN on a Wide ResNet-38.

Source: nv-tlabs/GSCNN, trained on Cityscapes. Its licence is CC BY-NC-SA 4.0:
non-commercial, and derived weights are under the same terms.

`gscnn_wrn38` takes tiles whose last band is the edge map of the Canny filter
(thresholds 10 and 100), 0 or 255. The release applies the filter to the
normalised image, cast to bytes. The platform decides what becomes of negative
values, so its edge maps cannot be reproduced exactly.
"""

import functools

import numpy as np

from keras_rsseg.encoders.checkpoint_variant import State
from keras_rsseg.encoders.checkpoint_variant import Variant
from keras_rsseg.encoders.checkpoint_variant import conv_bn_rules
from keras_rsseg.encoders.checkpoint_variant import with_zero_bias
from keras_rsseg.encoders.wide_resnet_encoder import WideResNetEncoder
from keras_rsseg.models.gscnn.gscnn import GSCNN

_BLOCK = r"stage(?P<stage>\d)_block(?P<block>\d)"
_MODULE = "mod{stage}.block{block}"
# The released branches of 256 channels: pool, edges, 1x1, three dilations.
_BRANCH = 256
_UNUSED = ("dsn1.weight", "dsn1.bias")

_TRUNK_RULES = [
    ("stem_conv1", "mod1.conv1"),
    (f"{_BLOCK}_norm1", f"{_MODULE}.bn1.0"),
    (f"{_BLOCK}_shortcut", f"{_MODULE}.proj_conv"),
    # The normalization follows the convolution with the previous number.
    *conv_bn_rules(
        f"{_BLOCK}_conv1",
        f"{_MODULE}.convs.conv1",
        f"{_MODULE}.convs.bn2.0",
    ),
    *conv_bn_rules(
        f"{_BLOCK}_conv2",
        f"{_MODULE}.convs.conv2",
        f"{_MODULE}.convs.bn3.0",
    ),
    (f"{_BLOCK}_conv(?P<conv>[23])", f"{_MODULE}.convs.conv{{conv}}"),
]
_GATE = r"shape_gate(?P<gate>\d)"
_HEAD_RULES = [
    *(
        (f"shape_{level}", f"dsn{stage}")
        for level, stage in (("P3", 3), ("P4", 4), ("P5", 7))
    ),
    *conv_bn_rules(
        r"shape_block(?P<block>\d)_conv(?P<conv>\d)",
        "res{block}.conv{conv}",
        "res{block}.bn{conv}",
    ),
    (r"shape_reduce(?P<index>\d)", "d{index}"),
    (f"{_GATE}_norm", "gate{gate}._gate_conv.0"),
    (f"{_GATE}_conv1", "gate{gate}._gate_conv.1"),
    *conv_bn_rules(
        f"{_GATE}_conv2", "gate{gate}._gate_conv.3", "gate{gate}._gate_conv.4"
    ),
    (f"{_GATE}_conv3", "gate{gate}"),
    ("edges", "fuse"),
    ("edges_mix", "cw"),
    *conv_bn_rules("edges_branch", "aspp.edge_conv.0", "aspp.edge_conv.1"),
    *conv_bn_rules(
        "atrous_pooling/image", "aspp.img_conv.0", "aspp.img_conv.1"
    ),
    *(
        rule
        for index, branch in enumerate(
            ("pointwise", "rate12", "rate24", "rate36")
        )
        for rule in conv_bn_rules(
            f"atrous_pooling/{branch}",
            f"aspp.features.{index}.0",
            f"aspp.features.{index}.1",
        )
    ),
    ("pooling_project", "bot_aspp"),
    ("reduce_P2", "bot_fine"),
    *conv_bn_rules("output_conv1", "final_seg.0", "final_seg.1"),
    *conv_bn_rules("output_conv2", "final_seg.3", "final_seg.4"),
    ("classifier", "final_seg.6"),
]


def prepare(state: State) -> State:
    """Return the tensors that are used, in this package's channel order.

    Args:
        state: dict from name to array.

    Returns:
        The same without an unused convolution, with the edge branch last and
        a zero bias for the classifier, which has none there.
    """
    used = {key: value for key, value in state.items() if key not in _UNUSED}
    if "bot_aspp.weight" in used:
        kernel = used["bot_aspp.weight"]
        edges = slice(_BRANCH, 2 * _BRANCH)
        others = np.delete(kernel, edges, axis=1)
        used["bot_aspp.weight"] = np.concatenate(
            [others, kernel[:, edges]], axis=1
        )
    return with_zero_bias(used, "final_seg.6")


VARIANTS = {
    "gscnn_wrn38": Variant(
        functools.partial(WideResNetEncoder, finest_level="P1"),
        [*_TRUNK_RULES, *_HEAD_RULES],
        GSCNN,
        {"edge_band": True},
        backbone_options=("edge_band",),
        prepare=prepare,
    ),
}
