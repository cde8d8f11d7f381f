"""Convert a checkpoint of the released PFNet code to a preset folder.

Source: the PyTorch code of the PointFlow paper's authors (PFSegNets), which
states no licence; its checkpoints are read here, none is redistributed. Train
your own or ask the authors before you publish a converted one.

    python weights/convert_pfsegnets.py --checkpoint pfnet_r50_isaid.pth \
        --variant pfnet_r50 --num-classes 16 --output pfnet_r50_isaid

The sizes of the point grids have no parameters. They are those of the
released training scripts; the evaluation script for Potsdam uses a 9 x 9 grid
of salient points instead of 14 x 14: `--max-pool-size 9`.
"""

import enum
import pathlib
import sys
from typing import Annotated

import typer

if __name__ == "__main__":
    # Run as a file, a script sees its own folder only.
    sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from weights.checkpoint import read_checkpoint
from weights.convert import explain_errors
from weights.convert import save
from weights.transfer import conv_bn_rules
from weights.transfer import make_name_of
from weights.transfer import transfer

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


def _level_rules(index):
    """Rules of the decoder's level of stride `4 * 2**index`."""
    level, align = f"P{index + 2}", f"head.fpn_out_align.{index}"
    lateral, output = f"head.fpn_in.{index}", f"head.fpn_out.{index}.0"
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


name_of = make_name_of(
    [
        *_ENCODER_RULES,
        *_pooling_rules(),
        *_level_rules(0),
        *_level_rules(1),
        *_level_rules(2),
        *conv_bn_rules(
            "fusion/conv", "head.conv_last.0.0", "head.conv_last.0.1"
        ),
        ("classifier", "head.conv_last.1"),
    ]
)


class Variant(enum.StrEnum):
    """The networks of the released code."""

    PFNET_R50 = "pfnet_r50"
    PFNET_R101 = "pfnet_r101"
    SEMANTIC_FPN_R50 = "semantic_fpn_r50"


def build(variant, num_classes, max_pool_size=14):
    """Build the Keras model of a variant, with random weights.

    Args:
        variant: `"pfnet_r50"`, `"pfnet_r101"` or `"semantic_fpn_r50"`.
        num_classes: int. Number of classes.
        max_pool_size: int. Grid of PFNet's salient points.

    Returns:
        `keras_rsseg.models.PFNet` or `keras_rsseg.models.SemanticFPN`.
    """
    from keras_rsseg.encoders.resnet_encoder import ResNetEncoder
    from keras_rsseg.models.pfnet.pfnet import PFNet
    from keras_rsseg.models.semantic_fpn.semantic_fpn import SemanticFPN

    system, _, depth = Variant(variant).rpartition("_r")
    encoder = ResNetEncoder(
        depth=int(depth), stem="deep", stackwise_dilations=(1, 1, 2, 4)
    )
    if system == "semantic_fpn":
        backbone = SemanticFPN.backbone_cls(encoder)
        return SemanticFPN(backbone, num_classes=num_classes)
    backbone = PFNet.backbone_cls(encoder, max_pool_size=max_pool_size)
    return PFNet(backbone, num_classes=num_classes)


def main(
    checkpoint: Annotated[
        pathlib.Path, typer.Option(help="A .pth, .safetensors or .npz file.")
    ],
    variant: Annotated[Variant, typer.Option()],
    num_classes: Annotated[int, typer.Option(min=1, max=255)],
    output: Annotated[pathlib.Path, typer.Option(help="Preset folder.")],
    max_pool_size: Annotated[
        int, typer.Option(min=1, help="Grid of PFNet's salient points.")
    ] = 14,
    reference: Annotated[
        pathlib.Path | None,
        typer.Option(help="An .npz with x and main_out or head_logits, NCHW."),
    ] = None,
):
    """Convert a PFNet or FPN checkpoint of PFSegNets to a preset folder."""
    with explain_errors():
        state = read_checkpoint(checkpoint)
        model = build(variant, num_classes, max_pool_size)
        count = transfer(model, state, name_of)
        typer.echo(f"{count} tensors assigned, none missing, none unused")
        save(model, output, reference)


if __name__ == "__main__":
    typer.run(main)
