"""Checkpoints of PFNet's baseline, and of mmsegmentation's semantic FPN.

Sources: PFNet's released code, see `keras_rsseg.models.pfnet.checkpoint`, for
an FPN with pyramid pooling (`fpnppm`) or with dense deformable convolutions
(`datten`); mmsegmentation (Apache-2.0), `fpn_r50`, for the semantic branch of
Panoptic FPN.
"""

from keras_rsseg.encoders.checkpoint import DEEP_RESNET_RULES
from keras_rsseg.encoders.checkpoint import MMSEG_HEAD_RULES
from keras_rsseg.encoders.checkpoint import MMSEG_RESNET_RULES
from keras_rsseg.encoders.checkpoint import PLAIN_RESNET_RULES
from keras_rsseg.encoders.checkpoint import mmseg_resnet
from keras_rsseg.encoders.checkpoint import released_resnet
from keras_rsseg.encoders.checkpoint_variant import Rule
from keras_rsseg.encoders.checkpoint_variant import State
from keras_rsseg.encoders.checkpoint_variant import Variant
from keras_rsseg.encoders.checkpoint_variant import conv_bn_rules
from keras_rsseg.models.pfnet.checkpoint import HEAD_RULES
from keras_rsseg.models.pfnet.checkpoint import decoder_rules
from keras_rsseg.models.semantic_fpn.semantic_fpn import SemanticFPN


def _on_deep_resnet(depth: int) -> Variant:
    return Variant(
        released_resnet(depth, 32),
        [*DEEP_RESNET_RULES, *HEAD_RULES],
        SemanticFPN,
    )


def _on_narrow_resnet() -> Variant:
    return Variant(
        released_resnet(18, 32, stem="plain"),
        [*PLAIN_RESNET_RULES, *HEAD_RULES],
        SemanticFPN,
        {"fpn_dim": 128},
    )


VARIANTS = {
    "semantic_fpn_r50": _on_deep_resnet(50),
    "semantic_fpn_r101": _on_deep_resnet(101),
    "semantic_fpn_r18": _on_narrow_resnet(),
}
# The released code's own name.
VARIANTS |= {
    name.replace("semantic_fpn", "fpnppm"): variant
    for name, variant in VARIANTS.items()
}

_RATE = r"dense_deformable_rate(?P<rate>\d+)"
_BLOCK = "head.ppm.0.DAP_{rate}"
_DEFORMABLE_RULES = [
    ("dense_reduce", "head.ppm.0.init_conv_dap"),
    (f"{_RATE}_norm1", f"{_BLOCK}.bn1"),
    *conv_bn_rules(f"{_RATE}_conv1", f"{_BLOCK}.conv_1", f"{_BLOCK}.bn2"),
    (f"{_RATE}_conv2/offset_conv", f"{_BLOCK}.deform_conv.offset"),
    (f"{_RATE}_conv2", f"{_BLOCK}.deform_conv.conv"),
    (f"{_RATE}_conv3", f"{_BLOCK}.conv_3"),
    ("lateral_P5", "head.ppm.1"),
]


def without_unused_norm(state: State) -> State:
    """Return a checkpoint's tensors without those that nothing reads.

    The first dense block has a normalization that its network never calls.

    Args:
        state: dict from name to array.
    """
    unused = "head.ppm.0.DAP_3.bn1."
    return {k: v for k, v in state.items() if not k.startswith(unused)}


VARIANTS["datten_r50"] = Variant(
    released_resnet(50, 8),
    [*DEEP_RESNET_RULES, *_DEFORMABLE_RULES, *decoder_rules("head")],
    SemanticFPN,
    {"context": "dense_deformable", "decoder": "sum"},
    prepare=without_unused_norm,
)


def ladder_rules(head: str) -> list[Rule]:
    """Return the rules of mmsegmentation's neck and of the ladders above it.

    Args:
        head: name of the ladders' module, such as `"decode_head"`.
    """
    rules = []
    for index in range(4):
        # Between two convolutions of a ladder is a resize, which is counted.
        step = f"{head}.scale_heads.{index}"
        rules += [
            (f"neck_P{index + 2}", f"neck.lateral_convs.{index}.conv"),
            (f"neck_output_P{index + 2}", f"neck.fpn_convs.{index}.conv"),
        ]
        for conv in range(max(index, 1)):
            rules += conv_bn_rules(
                f"ladders/level{index + 1}_conv{conv + 1}",
                f"{step}.{2 * conv}.conv",
                f"{step}.{2 * conv}.bn",
            )
    return rules


VARIANTS |= {
    f"fpn_r{depth}_mmseg": Variant(
        mmseg_resnet(depth, 32),
        [
            *MMSEG_RESNET_RULES,
            *MMSEG_HEAD_RULES,
            *ladder_rules("decode_head"),
        ],
        SemanticFPN,
        {
            "decoder": "ladders",
            "context": None,
            "align_corners": False,
            "dropout": 0.1,
        },
    )
    for depth in (50, 101)
}
