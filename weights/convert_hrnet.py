"""Convert an HRNetV2 segmentation checkpoint to a preset folder.

Source: the PyTorch code of the HRNet authors (HRNet-Semantic-Segmentation,
its branches share names), MIT licence. Their networks were trained with
corners aligned or not, which no checkpoint says: look up
`MODEL.ALIGN_CORNERS` in the training configuration, `True` if it is absent on
the HRNet-OCR branch, `False` on the older ones.

    python weights/convert_hrnet.py --checkpoint hrnet_w18.pth \
        --variant hrnet_w18 --num-classes 19 --align-corners \
        --output hrnet_w18_preset

`--preset hrnet_w18_vaihingen` stands for `--variant`, `--num-classes` and
`--align-corners`, and writes that preset's classes, palette, bands and card.

With `--fusion ifwm` the same checkpoint becomes an HRNet with the flow of IFWM,
which starts at zero: its outputs are those of the checkpoint's network until
it is trained.
"""

import enum
import functools
import pathlib
import re
import sys
from typing import Annotated

import typer

if __name__ == "__main__":
    # Run as a file, a script sees its own folder only.
    sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from weights.checkpoint import read_checkpoint
from weights.convert import explain_errors
from weights.convert import fill_and_save
from weights.named_presets import arguments_of
from weights.named_presets import write_card
from weights.transfer import conv_bn_rules
from weights.transfer import make_name_of

_BLOCK = r"stage1_block(?P<block>\d)"
_MODULE = r"stage(?P<stage>\d)_module(?P<module>\d)"
_BRANCH = r"_branch(?P<branch>\d)_block(?P<block>\d)_conv(?P<conv>\d)"
_FUSE = r"_fuse(?P<source>\d)to(?P<target>\d)"
_FUSE_LAYER = "stage{stage}.{module0}.fuse_layers.{target0}.{source0}"
_BRANCH_BLOCK = "stage{stage}.{module0}.branches.{branch0}.{block0}"

ENCODER_RULES = [
    *conv_bn_rules(r"stem_conv(?P<conv>\d)", "conv{conv}", "bn{conv}"),
    *conv_bn_rules(
        _BLOCK + r"_conv(?P<conv>\d)",
        "layer1.{block0}.conv{conv}",
        "layer1.{block0}.bn{conv}",
    ),
    *conv_bn_rules(
        _BLOCK + "_shortcut",
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

_HEAD_RULES = [
    *conv_bn_rules("fusion/conv", "last_layer.0", "last_layer.1"),
    (r"classifier", "last_layer.3"),
]

encoder_name_of = make_name_of(ENCODER_RULES)
name_of = make_name_of(ENCODER_RULES + _HEAD_RULES)

_FLOW = re.compile(_MODULE + _FUSE + "_warp/flow_conv/.+")


def is_flow(path):
    """Whether a variable, by its path, is of a flow: no checkpoint has it."""
    return _FLOW.fullmatch(path) is not None


class Variant(enum.StrEnum):
    """The published widths."""

    HRNET_W18 = "hrnet_w18"
    HRNET_W32 = "hrnet_w32"
    HRNET_W48 = "hrnet_w48"


class Fusion(enum.StrEnum):
    """How the network's fusion goes up."""

    BILINEAR = "bilinear"
    IFWM = "ifwm"
    SF = "sf"
    LSF = "lsf"
    RIFW = "rifw"


def build(variant, num_classes, align_corners, fusion="bilinear", **legend):
    """Build the Keras model of a variant, with random weights.

    Args:
        variant: `"hrnet_w18"`, `"hrnet_w32"` or `"hrnet_w48"`.
        num_classes: int. Number of classes.
        align_corners: bool. How the network resizes.
        fusion: see `keras_rsseg.encoders.HRNetEncoder`.
        **legend: arguments of the task, such as `class_names`.

    Returns:
        `keras_rsseg.models.HRNet`.
    """
    from keras_rsseg.encoders.hrnet_encoder import HRNetEncoder
    from keras_rsseg.models.hrnet.hrnet import HRNet
    from keras_rsseg.models.hrnet.hrnet import HRNetBackbone

    width = int(Variant(variant).removeprefix("hrnet_w"))
    encoder = HRNetEncoder(
        width=width, align_corners=align_corners, fusion=str(fusion)
    )
    return HRNet(HRNetBackbone(encoder), num_classes=num_classes, **legend)


def strip_training_wrapper(state):
    """Undo the wrapper that the training script puts around network and loss.

    It saves `model.conv1.weight` for `conv1.weight`, and the class weights of
    the loss, which are not part of the network.

    Args:
        state: Dict from name to array.

    Returns:
        A dict with the network's own names.
    """
    names = [name for name in state if not name.startswith("loss.")]
    if not all(name.startswith("model.") for name in names):
        return state
    return {name.removeprefix("model."): state[name] for name in names}


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
        "convert_hrnet", preset, variant, num_classes, **options
    )
    if "align_corners" not in arguments:
        raise ValueError(
            "`align_corners` must be said, as no checkpoint does: "
            "--align-corners or --no-align-corners."
        )
    state = strip_training_wrapper(read_checkpoint(checkpoint))
    model = build(variant, **arguments)
    finish = functools.partial(write_card, preset, checkpoint=checkpoint)
    fill_and_save(model, state, name_of, output, reference, finish, is_flow)


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
    align_corners: Annotated[
        bool | None, typer.Option(help="As the network was trained.")
    ] = None,
    fusion: Annotated[
        Fusion, typer.Option(help="Flows other than bilinear start at zero.")
    ] = Fusion.BILINEAR,
    reference: Annotated[
        pathlib.Path | None,
        typer.Option(help="An .npz with x and main_out or head_logits, NCHW."),
    ] = None,
):
    """Convert an HRNetV2 segmentation checkpoint to a preset folder."""
    with explain_errors():
        convert(
            checkpoint,
            output,
            preset,
            variant,
            num_classes,
            reference,
            align_corners=align_corners,
            fusion=fusion,
        )


if __name__ == "__main__":
    typer.run(main)
