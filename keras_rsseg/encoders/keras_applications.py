"""Keras Applications' ResNet-50 as an encoder of this package.

Keras' network takes blue, green and red minus a mean (as in Caffe), its
convolutions have biases, and the first convolution of a block has the stride.
The converted encoder takes RGB tiles normalised by ImageNet's mean and
standard deviation.
"""

import re

import keras
import numpy as np

from keras_rsseg.encoders.checkpoint_variant import State
from keras_rsseg.encoders.checkpoint_variant import conv_bn_rules
from keras_rsseg.errors import CheckpointError

# From 0 to 255.
_CAFFE_MEAN_BGR = np.array([103.939, 116.779, 123.68])
_IMAGENET_MEAN = np.array([0.485, 0.456, 0.406])
_IMAGENET_STD = np.array([0.229, 0.224, 0.225])

_CONV_BIAS = re.compile(r"(.+)_conv/bias")
_BLOCK = r"stage(?P<stage>\d)_block(?P<block>\d+)"
_LEAVES = {
    "kernel": "weight",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}

# Names as `prepare()` leaves them.
RULES = [
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


def fold_biases(state: State) -> State:
    """Fold every convolution's bias into the batch norm that follows it.

    `(conv + bias) - mean` is `conv - (mean - bias)`.

    Args:
        state: dict from Keras Applications' names to arrays.

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


def fold_caffe_preprocessing(
    kernel: np.ndarray, moving_mean: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Make the first convolution take RGB normalised as for ImageNet.

    With `z = (rgb / 255 - mean) / std` the Caffe input is `255 * std * z +
    (255 * mean - caffe_mean)`. The factor goes into the kernel, and the
    kernel's response to the constant into the batch norm's mean. Zero padding
    stands for slightly different greys, by less than half a level of 255, so
    the first pixels along the border differ a little, all others by rounding.

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


def prepare(state: State) -> State:
    """Bring Keras Applications' ResNet-50 into the form of a checkpoint.

    Args:
        state: dict from Keras Applications' names to arrays.

    Returns:
        Dict with PyTorch's leaves and layouts: no convolution biases, stages
        counted from 1, the input as in `fold_caffe_preprocessing()`.

    Raises:
        CheckpointError: the first convolution or its batch norm is missing.
    """
    state = fold_biases(state)
    kernel, mean = "conv1_conv/kernel", "conv1_bn/moving_mean"
    if kernel not in state or mean not in state:
        raise CheckpointError(
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


def compare(encoder: keras.Model, state: State) -> str:
    """Compare a converted ResNet-50 with Keras Applications' own.

    Args:
        encoder: `keras_rsseg.encoders.ResNetEncoder` with the weights.
        state: dict from Keras Applications' names to arrays.

    Returns:
        A line with the largest difference of the outputs of the first two
        stages on a random image, away from the border (see
        `fold_caffe_preprocessing()`).
    """
    original = keras.applications.ResNet50(
        weights=None, include_top=False, input_shape=(None, None, 3)
    )
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
    return (
        f"largest difference from Keras Applications {max(differences):.3g} "
        "of the largest magnitude, away from the border"
    )
