"""Convert a checkpoint of the released SFNet code to a preset folder.

Source: the PyTorch code of the SFNet paper's authors (SFSegNets), which
states no licence; its checkpoints are read here, none is redistributed. Train
your own or ask the authors before you publish a converted one.

    python weights/convert_sfsegnets.py --checkpoint sfnet_r50.pth \
        --num-classes 19 --output sfnet_r50

SFNet has PFNet's encoder (ResNet-50 with a deep stem) and decoder, and flow
alignment modules where PFNet has its own: the preset is a `PFNet` with
`alignment="flow_alignment"`.
"""

import pathlib
import sys
from typing import Annotated

import typer

if __name__ == "__main__":
    # Run as a file, a script sees its own folder only.
    sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from weights import convert_pfsegnets
from weights.checkpoint import read_checkpoint
from weights.convert import explain_errors
from weights.convert import fill_and_save
from weights.transfer import make_name_of


def _alignment_rules(index):
    """Rules of the module at `P2`, `P3` or `P4`."""
    layer = f"flow_alignment_P{index + 2}"
    align = f"head.fpn_out_align.{index}"
    return [
        (f"{layer}/reduce_coarse", f"{align}.down_h"),
        (f"{layer}/reduce_fine", f"{align}.down_l"),
        (f"{layer}/flow_conv", f"{align}.flow_make"),
    ]


_alignment_name_of = make_name_of(
    [*_alignment_rules(0), *_alignment_rules(1), *_alignment_rules(2)]
)


def name_of(path):
    """Return a checkpoint's name of a variable, by its path, or `None`."""
    return _alignment_name_of(path) or convert_pfsegnets.name_of(path)


def build(num_classes):
    """Build the Keras model of SFNet with a ResNet-50, with random weights.

    Args:
        num_classes: int. Number of classes.

    Returns:
        `keras_rsseg.models.PFNet`.
    """
    from keras_rsseg.encoders.resnet_encoder import ResNetEncoder
    from keras_rsseg.models.pfnet.pfnet import PFNet

    encoder = ResNetEncoder(50, stem="deep", stackwise_dilations=(1, 1, 2, 4))
    backbone = PFNet.backbone_cls(encoder, alignment="flow_alignment")
    return PFNet(backbone, num_classes=num_classes)


def main(
    checkpoint: Annotated[
        pathlib.Path, typer.Option(help="A .pth, .safetensors or .npz file.")
    ],
    num_classes: Annotated[int, typer.Option(min=1, max=255)],
    output: Annotated[pathlib.Path, typer.Option(help="Preset folder.")],
    reference: Annotated[
        pathlib.Path | None,
        typer.Option(help="An .npz with x and main_out or head_logits, NCHW."),
    ] = None,
):
    """Convert an SFNet checkpoint of SFSegNets to a preset folder."""
    with explain_errors():
        state = read_checkpoint(checkpoint)
        model = build(num_classes)
        fill_and_save(model, state, name_of, output, reference)


if __name__ == "__main__":
    typer.run(main)
