"""Checkpoints of PFNet's baseline, an FPN with pyramid pooling.

Source: PFNet's released code, see `keras_rsseg.models.pfnet.checkpoint`.
"""

from keras_rsseg.encoders.checkpoint import DEEP_RESNET_RULES
from keras_rsseg.encoders.checkpoint import released_resnet
from keras_rsseg.encoders.checkpoint_variant import Variant
from keras_rsseg.models.pfnet.checkpoint import HEAD_RULES
from keras_rsseg.models.semantic_fpn.semantic_fpn import SemanticFPN


def _on_deep_resnet(depth: int) -> Variant:
    return Variant(
        released_resnet(depth, 32),
        [*DEEP_RESNET_RULES, *HEAD_RULES],
        SemanticFPN,
    )


VARIANTS = {
    "semantic_fpn_r50": _on_deep_resnet(50),
    "semantic_fpn_r101": _on_deep_resnet(101),
}
# The released code's own name.
VARIANTS |= {
    name.replace("semantic_fpn", "fpnppm"): variant
    for name, variant in VARIANTS.items()
}
