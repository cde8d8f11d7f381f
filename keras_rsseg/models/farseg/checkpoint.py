"""Checkpoints of FarSeg.

Sources: the authors' code (Z-Zheng/FarSeg, Apache-2.0), whose release v1.0 has
`farseg50.pth` for iSAID; and torchgeo (MIT), which published no weights.
"""

from collections.abc import Sequence

from keras_rsseg.encoders.checkpoint import TORCHVISION_STEM
from keras_rsseg.encoders.checkpoint import contracted_resnet
from keras_rsseg.encoders.checkpoint import resnet_rules
from keras_rsseg.encoders.checkpoint_variant import Rule
from keras_rsseg.encoders.checkpoint_variant import State
from keras_rsseg.encoders.checkpoint_variant import Variant
from keras_rsseg.encoders.checkpoint_variant import conv_bn_rules
from keras_rsseg.encoders.checkpoint_variant import strip_training_wrapper
from keras_rsseg.models.farseg.farseg import FarSeg

# Not part of the network: the step of the loss, and ImageNet's classifier.
_OTHERS = ("buffer_step", "backbone.fc.weight", "backbone.fc.bias")


def _rules(
    encoder: str, neck: Sequence[str], relation: str, classifier: str
) -> list[Rule]:
    """Return the rules of one of the two sources, by the names of its parts."""
    # Levels count from 2 here, from 0 and from 1 there.
    levels = [(f"P{index + 2}", index) for index in range(4)]
    rules = resnet_rules(TORCHVISION_STEM, encoder)
    for level, index in levels:
        inner, outer = (name.format(index, index + 1) for name in neck)
        rules += [
            (f"neck_{level}", inner),
            (f"neck_output_{level}", outer),
            (
                f"relation_{level}/scene_conv1",
                f"{relation}.scene_encoder.{index}.0",
            ),
            (
                f"relation_{level}/scene_conv2",
                f"{relation}.scene_encoder.{index}.2",
            ),
        ]
        for part, name in (
            ("content", "content_encoders"),
            ("recode", "feature_reencoders"),
        ):
            rules += conv_bn_rules(
                f"relation_{level}/{part}",
                f"{relation}.{name}.{index}.0",
                f"{relation}.{name}.{index}.1",
            )
    step = "decoder.blocks.{level0}.{conv0}"
    return [
        *rules,
        *conv_bn_rules(
            r"ladders/level(?P<level>\d)_conv(?P<conv>\d)",
            f"{step}.0",
            f"{step}.1",
        ),
        ("classifier", classifier),
    ]


def prepare(state: State) -> State:
    """Remove tensors of the training that are not part of the network.

    Args:
        state: dict from name to array.

    Returns:
        A dict of the network's own tensors.
    """
    return {
        name: value
        for name, value in strip_training_wrapper(state).items()
        if name not in _OTHERS
    }


VARIANTS = {
    "farseg_r50": Variant(
        contracted_resnet(50, 32),
        _rules(
            "en.resnet.",
            ("fpn.fpn_inner{1}", "fpn.fpn_layer{1}"),
            "sr",
            "cls_pred_conv",
        ),
        FarSeg,
        prepare=prepare,
    ),
    "farseg_r50_torchgeo": Variant(
        contracted_resnet(50, 32),
        _rules(
            "backbone.",
            ("fpn.inner_blocks.{0}.0", "fpn.layer_blocks.{0}.0"),
            "fsr",
            "decoder.classifier.0",
        ),
        FarSeg,
        {"classifier_kernel_size": 3},
        prepare=prepare,
    ),
}
