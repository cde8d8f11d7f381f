"""Checkpoints of DeepLabV3+: mmsegmentation's, PFNet's authors' and smp's.

Sources: mmsegmentation (`deeplabv3plus_r50-d8`, Apache-2.0), the code of
PFNet's authors (SFSegNets, `DeepV3Plus`; it states no licence), and
segmentation_models.pytorch (MIT).
"""

import functools

from keras_rsseg.encoders.checkpoint import DEEP_RESNET_RULES
from keras_rsseg.encoders.checkpoint import MMSEG_HEAD_RULES
from keras_rsseg.encoders.checkpoint import MMSEG_RESNET_RULES
from keras_rsseg.encoders.checkpoint import TORCHVISION_STEM
from keras_rsseg.encoders.checkpoint import mmseg_resnet
from keras_rsseg.encoders.checkpoint import released_resnet
from keras_rsseg.encoders.checkpoint import resnet_rules
from keras_rsseg.encoders.checkpoint_variant import Rule
from keras_rsseg.encoders.checkpoint_variant import Variant
from keras_rsseg.encoders.checkpoint_variant import conv_bn_rules
from keras_rsseg.encoders.checkpoint_variant import separable_rules
from keras_rsseg.encoders.checkpoint_variant import with_zero_bias
from keras_rsseg.models.deeplab_v3.checkpoint import RELEASED_POOLING_RULES
from keras_rsseg.models.deeplab_v3_plus.deeplab_v3_plus import DeepLabV3Plus
from keras_rsseg.models.fcn.checkpoint import RELEASED_SKIP_RULES

_DILATED = ("rate12", "rate24", "rate36")


def _mmseg_rules() -> list[Rule]:
    rules = [*MMSEG_RESNET_RULES, *MMSEG_HEAD_RULES]
    for layer, module in (
        ("atrous_pooling/image", "image_pool.1"),
        ("atrous_pooling/pointwise", "aspp_modules.0"),
        ("atrous_pooling/projection", "bottleneck"),
        ("skip", "c1_bottleneck"),
    ):
        module = f"decode_head.{module}"
        rules += conv_bn_rules(layer, f"{module}.conv", f"{module}.bn")
    for layer, module in (
        *(
            (f"atrous_pooling/{branch}", f"aspp_modules.{index}")
            for index, branch in enumerate(_DILATED, 1)
        ),
        ("output_conv1", "sep_bottleneck.0"),
        ("output_conv2", "sep_bottleneck.1"),
    ):
        module = f"decode_head.{module}"
        rules += separable_rules(
            layer, f"{module}.depthwise_conv", f"{module}.pointwise_conv"
        )
    return rules


def _smp_rules() -> list[Rule]:
    rules = resnet_rules(TORCHVISION_STEM, "encoder.")
    rules.append(("classifier", "segmentation_head.0"))
    aspp = "decoder.aspp.0"
    for layer, conv, batch_norm in (
        ("atrous_pooling/pointwise", f"{aspp}.convs.0.0", f"{aspp}.convs.0.1"),
        ("atrous_pooling/image", f"{aspp}.convs.4.1", f"{aspp}.convs.4.2"),
        ("atrous_pooling/projection", f"{aspp}.project.0", f"{aspp}.project.1"),
        ("skip", "decoder.block1.0", "decoder.block1.1"),
    ):
        rules += conv_bn_rules(layer, conv, batch_norm)
    for layer, convs, batch_norm in (
        *(
            (
                f"atrous_pooling/{branch}",
                f"{aspp}.convs.{index}.0",
                f"{aspp}.convs.{index}.1",
            )
            for index, branch in enumerate(_DILATED, 1)
        ),
        ("context_conv", "decoder.aspp.1", "decoder.aspp.2"),
        ("output_conv1", "decoder.block2.0", "decoder.block2.1"),
    ):
        rules.append((f"{layer}/depthwise", f"{convs}.0"))
        rules += conv_bn_rules(f"{layer}/pointwise", f"{convs}.1", batch_norm)
    return rules


VARIANTS = {
    **{
        f"deeplabv3plus_r{depth}_mmseg": Variant(
            mmseg_resnet(depth, 8),
            _mmseg_rules(),
            DeepLabV3Plus,
            # A quarter for the narrow ResNet.
            {"filters": 128, "skip_filters": 12, "auxiliary_filters": 64}
            if depth == 18
            else {},
        )
        for depth in (18, 50, 101)
    },
    "deeplabv3plus_r50": Variant(
        released_resnet(50, 8),
        [
            *DEEP_RESNET_RULES,
            *RELEASED_POOLING_RULES,
            ("context_projection", "bot_aspp"),
            *RELEASED_SKIP_RULES,
        ],
        DeepLabV3Plus,
        {
            "form": "released",
            "filters": 256,
            "dropout": 0.0,
            "auxiliary_filters": None,
        },
        prepare=functools.partial(with_zero_bias, layer="final.6"),
    ),
    "deeplabv3plus_r50_smp": Variant(
        released_resnet(50, 16, "plain"),
        _smp_rules(),
        DeepLabV3Plus,
        {
            "form": "smp",
            "filters": 256,
            "dropout": 0.0,
            "auxiliary_filters": None,
        },
    ),
}
