"""Convert a checkpoint of the released PFNet code to a preset folder.

Source: the PyTorch code of the PointFlow paper's authors (PFSegNets), which
states no licence; its checkpoints are read here, none is redistributed. Train
your own or ask the authors before you publish a converted one.

    python weights/convert_pfsegnets.py --preset pfnet_r50_isaid \
        --checkpoint pfnet_r50_isaid.pth --output pfnet_r50_isaid

writes a preset of `keras_rsseg.list_presets()`, with its classes, palette,
bands and card. Any other checkpoint of that code, such as your own:

    python weights/convert_pfsegnets.py --variant pfnet_r50 --num-classes 5 \
        --checkpoint mine.pth --output mine

The sizes of the point grids have no parameters. They are those of the
released training scripts; the evaluation script for Potsdam uses a 9 x 9 grid
of salient points instead of 14 x 14, and so does that preset
(`--max-pool-size 9`).

The same code has other heads on an encoder of output stride 8: PSPNet (also of
output stride 16, `_os16`), CCNet, DANet and DeepLabV3 (of a PointRend
checkpoint, without its point head), and CCNet and DANet with an FPN (`_fpn`)
or PFNet's decoder (`_pfnet`) behind them.
"""

import enum
import functools
import pathlib
import sys
from typing import Annotated

import numpy as np
import typer

if __name__ == "__main__":
    # Run as a file, a script sees its own folder only.
    sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from keras_rsseg.models.pspnet import checkpoint as pspnet
from weights.checkpoint import read_checkpoint
from weights.convert import explain_errors
from weights.convert import fill_and_save
from weights.named_presets import arguments_of
from weights.named_presets import write_card
from weights.transfer import conv_bn_rules
from weights.transfer import make_name_of

_BLOCK = r"stage(?P<stage>\d)_block(?P<block>\d+)"

_ENCODER_RULES = [
    *conv_bn_rules("stem_conv1", "layer0.0.0", "layer0.0.1"),
    *conv_bn_rules("stem_conv2", "layer0.0.3", "layer0.0.4"),
    *conv_bn_rules("stem_conv3", "layer0.0.6", "layer0.1"),
    *conv_bn_rules(
        _BLOCK + r"_conv(?P<conv>\d)",
        "layer{stage}.{block0}.conv{conv}",
        "layer{stage}.{block0}.bn{conv}",
    ),
    *conv_bn_rules(
        _BLOCK + "_shortcut",
        "layer{stage}.{block0}.downsample.0",
        "layer{stage}.{block0}.downsample.1",
    ),
]


def _pooling_rules():
    rules = conv_bn_rules(
        "pyramid_pooling/bottleneck",
        "head.ppm.bottleneck.0",
        "head.ppm.bottleneck.1",
    )
    for index, bins in enumerate((1, 2, 3, 6)):
        stage = f"head.ppm.stages.{index}"
        rules += conv_bn_rules(
            f"pyramid_pooling/bin{bins}", f"{stage}.1", f"{stage}.2"
        )
    return rules


_CRISS_CROSS_RULES = [
    *conv_bn_rules(
        "criss_cross_reduce", "head.rcca.conva.0", "head.rcca.conva.1"
    ),
    (
        "criss_cross_attention/(?P<part>query|key|value)",
        "head.rcca.cca.{part}_conv",
    ),
    *conv_bn_rules(
        "criss_cross_refine", "head.rcca.convb.0", "head.rcca.convb.1"
    ),
    *conv_bn_rules(
        "criss_cross_join", "head.rcca.bottleneck.0", "head.rcca.bottleneck.1"
    ),
]

_DUAL_ATTENTION_RULES = [
    (
        "position_attention/(?P<part>query|key|value)",
        "da_head.sa.{part}_conv",
    ),
    *conv_bn_rules("position_reduce", "da_head.conv5a.0", "da_head.conv5a.1"),
    *conv_bn_rules("position_refine", "da_head.conv51.0", "da_head.conv51.1"),
    ("position_project", "da_head.conv6.1"),
    *conv_bn_rules("channel_reduce", "da_head.conv5c.0", "da_head.conv5c.1"),
    *conv_bn_rules("channel_refine", "da_head.conv52.0", "da_head.conv52.1"),
    ("channel_project", "da_head.conv7.1"),
]

# A rule is for a layer's weights by their usual names; these are others.
_GAMMAS = {
    "criss_cross_attention/gamma": "head.rcca.cca.gamma",
    "position_attention/gamma": "da_head.sa.gamma",
    "channel_attention/gamma": "da_head.sc.gamma",
}


def _atrous_rules():
    rules = conv_bn_rules(
        "atrous_pooling/image", "aspp.img_conv.0", "aspp.img_conv.1"
    )
    rules += conv_bn_rules(
        "atrous_pooling/projection", "bot_aspp.0", "bot_aspp.1"
    )
    for index, branch in enumerate(("pointwise", "rate12", "rate24", "rate36")):
        features = f"aspp.features.{index}"
        rules += conv_bn_rules(
            f"atrous_pooling/{branch}", f"{features}.0", f"{features}.1"
        )
    return rules


def _decoder_rules(decoder):
    """Rules of the decoder, which the checkpoints name differently."""
    context, fusion = f"{decoder}.fpn_in.3", f"{decoder}.conv_last.0"
    return [
        *conv_bn_rules("lateral_P5", f"{context}.0", f"{context}.1"),
        *_level_rules(decoder, 0),
        *_level_rules(decoder, 1),
        *_level_rules(decoder, 2),
        *conv_bn_rules("fusion/conv", f"{fusion}.0", f"{fusion}.1"),
        ("classifier", f"{decoder}.conv_last.1"),
    ]


def _level_rules(decoder, index):
    """Rules of the decoder's level `P2`, `P3` or `P4`."""
    level, align = f"P{index + 2}", f"{decoder}.fpn_out_align.{index}"
    lateral = f"{decoder}.fpn_in.{index}"
    output = f"{decoder}.fpn_out.{index}.0"
    flow = f"point_flow_{level}"
    return [
        *conv_bn_rules(f"lateral_{level}", f"{lateral}.0", f"{lateral}.1"),
        *conv_bn_rules(f"output_{level}", f"{output}.0", f"{output}.1"),
        (f"{flow}/reduce_coarse", f"{align}.down_h"),
        (f"{flow}/reduce_fine", f"{align}.down_l"),
        (f"{flow}/match_conv", f"{align}.point_matcher.match_conv"),
        *conv_bn_rules(
            f"{flow}/boundary_conv",
            f"{align}.edge_final.0",
            f"{align}.edge_final.1",
        ),
        (f"{flow}/boundary_logits", f"{align}.edge_final.3"),
    ]


# Of PFNet and of its baseline.
name_of = make_name_of(
    [*_ENCODER_RULES, *_pooling_rules(), *_decoder_rules("head")]
)


class Variant(enum.StrEnum):
    """The networks of the released code."""

    PFNET_R50 = "pfnet_r50"
    PFNET_R101 = "pfnet_r101"
    SEMANTIC_FPN_R50 = "semantic_fpn_r50"
    CCNET_R50 = "ccnet_r50"
    CCNET_PFNET_R50 = "ccnet_pfnet_r50"
    DANET_R50 = "danet_r50"
    DANET_FPN_R50 = "danet_fpn_r50"
    DANET_PFNET_R50 = "danet_pfnet_r50"
    DEEPLAB_V3_R50 = "deeplab_v3_r50"
    PSPNET_R50 = "pspnet_r50"
    PSPNET_OS16_R50 = "pspnet_os16_r50"


_OTHER_POINT_FLOW = {
    "match_dim": 32,
    "max_pool_size": 8,
    "avg_pool_size": 8,
    "num_boundary_points": 32,
}
# Of each variant without its depth: the system, arguments of its backbone,
# and its rules; the last are PFNet's where they are left out.
_SYSTEMS = {
    "pfnet": ("PFNet", {}),
    "semantic_fpn": ("SemanticFPN", {}),
    "ccnet": ("CCNet", {}, [*_CRISS_CROSS_RULES, ("classifier", "head.out")]),
    "ccnet_pfnet": (
        "PFNet",
        {"context": "criss_cross", "fpn_dim": 128, **_OTHER_POINT_FLOW},
        [*_CRISS_CROSS_RULES, *_decoder_rules("point_flow_decoder")],
    ),
    "danet": ("DANet", {}, [*_DUAL_ATTENTION_RULES, ("classifier", "final")]),
    "danet_fpn": (
        "SemanticFPN",
        {"context": "dual_attention", "fpn_dim": 128},
        [*_DUAL_ATTENTION_RULES, *_decoder_rules("point_flow_decoder")],
    ),
    "danet_pfnet": (
        "PFNet",
        {"context": "dual_attention", "fpn_dim": 128, **_OTHER_POINT_FLOW},
        [*_DUAL_ATTENTION_RULES, *_decoder_rules("point_flow_decoder")],
    ),
    "deeplab_v3": (
        "DeepLabV3",
        {},
        [*_atrous_rules(), ("classifier", "final")],
    ),
    "pspnet": ("PSPNet", {}, pspnet.RULES),
    "pspnet_os16": ("PSPNet", {}, pspnet.RULES),
}

_WITHOUT_BIAS = {
    "deeplab_v3": "final",
    "pspnet": "final.3",
    "pspnet_os16": "final.3",
}


def name_of_variant(variant):
    """Return the function from a variable's path to a checkpoint's name.

    Args:
        variant: a `Variant`, or its string.

    Returns:
        The function that `weights.transfer.transfer()` takes.
    """
    _, _, *rules = _SYSTEMS[_system(variant)]
    if not rules:
        return name_of
    named = make_name_of([*_ENCODER_RULES, *rules[0]])
    return lambda path: _GAMMAS.get(path) or named(path)


def prepare(state, variant):
    """Return a checkpoint's tensors as the Keras model of a variant has them.

    DeepLabV3 is the coarse part of a PointRend network: its point head is
    left out. The classifiers of DeepLabV3 and PSPNet, which have no bias
    there, get one of zeros.

    Args:
        state: Dict from name to array.
        variant: a `Variant`, or its string.

    Returns:
        Dict from name to array.
    """
    classifier = _WITHOUT_BIAS.get(_system(variant))
    if classifier is None:
        return state
    state = {k: v for k, v in state.items() if not k.startswith("point_head.")}
    weight, bias = f"{classifier}.weight", f"{classifier}.bias"
    if weight in state and bias not in state:
        state[bias] = np.zeros(len(state[weight]), "float32")
    return state


def build(variant, num_classes, max_pool_size=None, **legend):
    """Build the Keras model of a variant, with random weights.

    Args:
        variant: a `Variant`, or its string.
        num_classes: int. Number of classes.
        max_pool_size: int. Grid of PFNet's salient points, or `None` for the
            variant's own.
        **legend: arguments of the task, such as `class_names`.

    Returns:
        A task of `keras_rsseg`, such as `keras_rsseg.PFNet`.

    Raises:
        ValueError: `max_pool_size` is given for a variant without points.
    """
    import keras_rsseg

    name = _system(variant)
    system, arguments, *_ = _SYSTEMS[name]
    if max_pool_size is not None:
        if system != "PFNet":
            raise ValueError(
                f"`max_pool_size` is for variants of PFNet. Received: {variant}"
            )
        arguments = {**arguments, "max_pool_size": max_pool_size}
    released = name in ("pfnet", "semantic_fpn")
    options = {
        "stackwise_strides": (1, 2, 2, 2) if released else (1, 2, 1, 1),
        "stackwise_dilations": (1, 1, 2, 4),
    }
    encoder = keras_rsseg.encoders.ResNetEncoder(
        depth=int(variant.rpartition("_r")[2]),
        stem="deep",
        **{**options, **pspnet.ENCODERS.get(name, {})},
    )
    system = getattr(keras_rsseg, system)
    backbone = system.backbone_cls(encoder, **arguments)
    return system(backbone, num_classes=num_classes, **legend)


def _system(variant):
    return Variant(variant).rpartition("_r")[0]


def convert(
    checkpoint,
    output,
    preset=None,
    variant=None,
    num_classes=None,
    reference=None,
    **options,
):
    """Convert a checkpoint to a preset folder.

    Args:
        checkpoint: Path, see `weights.checkpoint.read_checkpoint()`.
        output: Path of the preset folder.
        preset: string, a preset that this converter makes, see
            `weights.named_presets`: it gets its classes, bands and card.
        variant: a `Variant`, or its string; without a preset.
        num_classes: int; without a preset.
        reference: Path of a reference output, or `None`.
        **options: other arguments of `build()`.

    Raises:
        ValueError: The checkpoint does not fit to the last tensor, or the
            outputs differ; nothing was written.
    """
    variant, arguments = arguments_of(
        "convert_pfsegnets", preset, variant, num_classes, **options
    )
    state = prepare(read_checkpoint(checkpoint), variant)
    model = build(variant, **arguments)
    name_of = name_of_variant(variant)
    finish = functools.partial(write_card, preset, checkpoint=checkpoint)
    fill_and_save(model, state, name_of, output, reference, finish)


def main(
    checkpoint: Annotated[
        pathlib.Path, typer.Option(help="A .pth, .safetensors or .npz file.")
    ],
    output: Annotated[pathlib.Path, typer.Option(help="Preset folder.")],
    preset: Annotated[
        str | None, typer.Option(help="A name of `keras-rsseg presets`.")
    ] = None,
    variant: Annotated[
        Variant | None, typer.Option(help="Without --preset.")
    ] = None,
    num_classes: Annotated[
        int | None, typer.Option(min=1, max=255, help="Without --preset.")
    ] = None,
    max_pool_size: Annotated[
        int | None, typer.Option(min=1, help="Grid of PFNet's salient points.")
    ] = None,
    reference: Annotated[
        pathlib.Path | None,
        typer.Option(help="An .npz with x and main_out or head_logits, NCHW."),
    ] = None,
):
    """Convert a checkpoint of PFSegNets to a preset folder."""
    with explain_errors():
        convert(
            checkpoint,
            output,
            preset,
            variant,
            num_classes,
            reference,
            max_pool_size=max_pool_size,
        )


if __name__ == "__main__":
    typer.run(main)
