"""Checkpoints of PointRend.

Sources: PFNet's released code (on DeepLabV3 and DeepLabV3+), see
`keras_rsseg.models.pfnet.checkpoint`, and mmsegmentation (Apache-2.0, on
semantic FPN). There the point layers are 1-D convolutions.
"""

import functools

import numpy as np

from keras_rsseg.encoders.checkpoint import DEEP_RESNET_RULES
from keras_rsseg.encoders.checkpoint import MMSEG_RESNET_RULES
from keras_rsseg.encoders.checkpoint import mmseg_resnet
from keras_rsseg.encoders.checkpoint import released_resnet
from keras_rsseg.encoders.checkpoint_variant import Rule
from keras_rsseg.encoders.checkpoint_variant import State
from keras_rsseg.encoders.checkpoint_variant import Variant
from keras_rsseg.encoders.checkpoint_variant import conv_bn_rules
from keras_rsseg.encoders.checkpoint_variant import with_zero_bias
from keras_rsseg.models.deeplab_v3.checkpoint import RELEASED_POOLING_RULES
from keras_rsseg.models.fcn.checkpoint import RELEASED_SKIP_RULES
from keras_rsseg.models.pointrend.pointrend import PointRend
from keras_rsseg.models.semantic_fpn.checkpoint import ladder_rules

_RELEASED = {
    "num_points": 8096,
    "hidden_layers": 0,
    "use_refined": True,
    "align_corners": True,
}


def _as_dense(state: State) -> State:
    """Return tensors in which 1-D convolutions are dense layers."""
    return {
        name: value[..., 0] if value.ndim == 3 else value
        for name, value in state.items()
    }


def prepare_released(state: State, classifier: str) -> State:
    """Return a checkpoint's tensors as the network has them.

    Args:
        state: dict from name to array.
        classifier: name of the coarse classifier, which has no bias.

    Returns:
        The same with a zero bias, and with the logits after the features in
        the points' classifier.
    """
    state = _as_dense(with_zero_bias(state, classifier))
    name = "point_head.mlp.weight"
    if name in state:
        num_classes = len(state[name])
        state[name] = np.roll(state[name], -num_classes, axis=1)
    return state


def _mmseg_rules() -> list[Rule]:
    head = "decode_head.1"
    return [
        *MMSEG_RESNET_RULES,
        *ladder_rules("decode_head.0"),
        ("classifier", "decode_head.0.conv_seg"),
        (r"point_head/hidden(?P<layer>\d)", head + ".fcs.{layer0}.conv"),
        ("point_head/output", f"{head}.fc_seg"),
    ]


_RELEASED_RULES = [
    *DEEP_RESNET_RULES,
    *RELEASED_POOLING_RULES,
    ("point_head/output", "point_head.mlp"),
]

VARIANTS = {
    **{
        f"pointrend_r{depth}_mmseg": Variant(
            mmseg_resnet(depth, 32),
            _mmseg_rules(),
            PointRend,
            prepare=_as_dense,
        )
        for depth in (50, 101)
    },
    "pointrend_deeplabv3_r50": Variant(
        released_resnet(50, 8),
        [
            *_RELEASED_RULES,
            *conv_bn_rules(
                "atrous_pooling/projection", "bot_aspp.0", "bot_aspp.1"
            ),
            ("classifier", "final"),
        ],
        PointRend,
        {"coarse": "deeplab_v3", "steps": 3, **_RELEASED},
        prepare=functools.partial(prepare_released, classifier="final"),
    ),
    "pointrend_deeplabv3plus_r50": Variant(
        released_resnet(50, 8),
        [
            *_RELEASED_RULES,
            ("context_projection", "bot_aspp"),
            *RELEASED_SKIP_RULES,
        ],
        PointRend,
        {"coarse": "deeplab_v3_plus", "steps": 2, **_RELEASED},
        prepare=functools.partial(prepare_released, classifier="final.6"),
    ),
}
