"""Batch normalization folded into the convolution before it."""

import keras
import numpy as np
from keras import ops

from keras_rsseg.ops.padded_conv import store_for_conv


def fold_batch_norm(
    norm: keras.layers.BatchNormalization,
    kernel: keras.Variable,
    bias: keras.Variable | None = None,
) -> None:
    """Folds a normalization into the convolution before it.

    The normalization becomes the identity, except for `beta`.

    Args:
        norm: the normalization.
        kernel: kernel variable of the convolution, output channels last.
        bias: its bias, which becomes part of `beta`, or `None`.
    """
    gamma, beta, mean, variance = (
        np.asarray(ops.convert_to_numpy(x), "float64")
        for x in (
            norm.gamma,
            norm.beta,
            norm.moving_mean,
            norm.moving_variance,
        )
    )
    scale = gamma / np.sqrt(variance + norm.epsilon)
    folded = np.asarray(ops.convert_to_numpy(kernel), "float64") * scale
    beta = beta - mean * scale
    if bias is not None:
        beta += ops.convert_to_numpy(bias) * scale
        bias.assign(np.zeros_like(beta))
    kernel.assign(folded)
    store_for_conv(kernel)
    norm.gamma.assign(np.ones_like(beta))
    norm.beta.assign(beta)
    norm.moving_mean.assign(np.zeros_like(beta))
    norm.moving_variance.assign(np.full_like(beta, 1 - norm.epsilon))
