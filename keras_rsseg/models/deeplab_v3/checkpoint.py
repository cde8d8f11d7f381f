"""Checkpoints of DeepLabV3: PFNet's authors' and torchvision's.

Sources: PFNet's released code (see `keras_rsseg.models.pfnet.checkpoint`),
which has it under PointRend: the coarse part of that network is a DeepLabV3,
and its point head is left out; and torchvision (`deeplabv3_resnet50`, BSD-3).
"""

from keras_rsseg.encoders.checkpoint import DEEP_RESNET_RULES
from keras_rsseg.encoders.checkpoint import TORCHVISION_RULES
from keras_rsseg.encoders.checkpoint import contracted_resnet
from keras_rsseg.encoders.checkpoint import released_resnet
from keras_rsseg.encoders.checkpoint_variant import State
from keras_rsseg.encoders.checkpoint_variant import Variant
from keras_rsseg.encoders.checkpoint_variant import conv_bn_rules
from keras_rsseg.encoders.checkpoint_variant import with_zero_bias
from keras_rsseg.models.deeplab_v3.deeplab_v3 import DeepLabV3

# Of the pooling, except its projection.
RELEASED_POOLING_RULES = conv_bn_rules(
    "atrous_pooling/image", "aspp.img_conv.0", "aspp.img_conv.1"
)
_TORCHVISION_RULES = [
    *TORCHVISION_RULES,
    *conv_bn_rules(
        "atrous_pooling/image",
        "classifier.0.convs.4.1",
        "classifier.0.convs.4.2",
    ),
    *conv_bn_rules(
        "atrous_pooling/projection",
        "classifier.0.project.0",
        "classifier.0.project.1",
    ),
    *conv_bn_rules("output", "classifier.1", "classifier.2"),
    ("classifier", "classifier.4"),
]
for _index, _branch in enumerate(("pointwise", "rate12", "rate24", "rate36")):
    for _rules, _module in (
        (RELEASED_POOLING_RULES, f"aspp.features.{_index}"),
        (_TORCHVISION_RULES, f"classifier.0.convs.{_index}"),
    ):
        _rules += conv_bn_rules(
            f"atrous_pooling/{_branch}", f"{_module}.0", f"{_module}.1"
        )
_RULES = [
    *DEEP_RESNET_RULES,
    *RELEASED_POOLING_RULES,
    *conv_bn_rules("atrous_pooling/projection", "bot_aspp.0", "bot_aspp.1"),
    ("classifier", "final"),
]


def prepare(state: State) -> State:
    """Return the tensors of the coarse part.

    Args:
        state: dict from name to array.

    Returns:
        The same without the point head, and with a zero bias for the
        classifier, which has none there.
    """
    coarse = {k: v for k, v in state.items() if not k.startswith("point_head.")}
    return with_zero_bias(coarse, "final")


VARIANTS = {
    "deeplab_v3_r50": Variant(
        released_resnet(50, 8), _RULES, DeepLabV3, prepare=prepare
    ),
    **{
        f"deeplabv3_r{depth}_torchvision": Variant(
            contracted_resnet(depth, 8),
            _TORCHVISION_RULES,
            DeepLabV3,
            {"form": "torchvision", "auxiliary_filters": 256},
        )
        for depth in (50, 101)
    },
}
