"""Checkpoints of DeepLabV3, which PFNet's released code has under PointRend.

Source: see `keras_rsseg.models.pfnet.checkpoint`. The coarse part of a
PointRend network is a DeepLabV3; its point head is left out.
"""

from keras_rsseg.encoders.checkpoint import DEEP_RESNET_RULES
from keras_rsseg.encoders.checkpoint import released_resnet
from keras_rsseg.encoders.checkpoint_variant import State
from keras_rsseg.encoders.checkpoint_variant import Variant
from keras_rsseg.encoders.checkpoint_variant import conv_bn_rules
from keras_rsseg.encoders.checkpoint_variant import with_zero_bias
from keras_rsseg.models.deeplab_v3.deeplab_v3 import DeepLabV3

_RULES = [
    *DEEP_RESNET_RULES,
    *conv_bn_rules(
        "atrous_pooling/image", "aspp.img_conv.0", "aspp.img_conv.1"
    ),
    *conv_bn_rules("atrous_pooling/projection", "bot_aspp.0", "bot_aspp.1"),
    ("classifier", "final"),
]
for _index, _branch in enumerate(("pointwise", "rate12", "rate24", "rate36")):
    _features = f"aspp.features.{_index}"
    _RULES += conv_bn_rules(
        f"atrous_pooling/{_branch}", f"{_features}.0", f"{_features}.1"
    )


def prepare(state: State) -> State:
    """Return the tensors of the coarse part.

    Args:
        state: dict from name to array.

    Returns:
        The same without the point head, and with a bias of zeros for the
        classifier, which has none there.
    """
    coarse = {k: v for k, v in state.items() if not k.startswith("point_head.")}
    return with_zero_bias(coarse, "final")


VARIANTS = {
    "deeplab_v3_r50": Variant(
        released_resnet(50, 8), _RULES, DeepLabV3, prepare=prepare
    ),
}
