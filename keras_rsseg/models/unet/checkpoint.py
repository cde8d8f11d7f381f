"""Checkpoints of U-Net, as users train them.

Source: segmentation_models_pytorch (MIT), `Unet("resnet50")`. No weights were
released: these are users' own, saved by its `save_pretrained()`, by Lightning
or by torchgeo.
"""

import functools

from keras_rsseg.encoders.checkpoint import TORCHVISION_STEM
from keras_rsseg.encoders.checkpoint import contracted_resnet
from keras_rsseg.encoders.checkpoint import resnet_rules
from keras_rsseg.encoders.checkpoint_variant import Variant
from keras_rsseg.encoders.checkpoint_variant import conv_bn_rules
from keras_rsseg.encoders.checkpoint_variant import strip_training_wrapper
from keras_rsseg.models.unet.unet import UNet

_RULES = [
    *resnet_rules(TORCHVISION_STEM, "encoder."),
    ("classifier", "segmentation_head.0"),
]
# Blocks count from the coarsest.
for _block, _level in enumerate(("P4", "P3", "P2", "P1", "P0")):
    _name = f"decoder.blocks.{_block}.conv{{conv}}"
    _RULES += conv_bn_rules(
        rf"decoder_{_level}_conv(?P<conv>\d)", f"{_name}.0", f"{_name}.1"
    )

VARIANTS = {
    f"unet_r{depth}_smp": Variant(
        functools.partial(contracted_resnet(depth, 32), finest_level="P1"),
        _RULES,
        UNet,
        prepare=strip_training_wrapper,
    )
    for depth in (18, 34, 50, 101)
}
