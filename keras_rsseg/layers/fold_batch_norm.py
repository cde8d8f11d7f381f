"""Batch normalization folded into the convolution before it."""

import contextlib
import contextvars
from collections.abc import Iterable
from collections.abc import Iterator
from typing import TypeAlias

import keras
import numpy as np
from keras import ops

from keras_rsseg.ops.padded_conv import store_for_conv

# Values of variables.
FoldedWeights: TypeAlias = list[tuple[keras.Variable, np.ndarray]]

# The ids of layers.
_FOLDED = contextvars.ContextVar[frozenset[int]](
    "keras_rsseg_folded", default=frozenset()
)


def folded_weights(
    norm: keras.layers.BatchNormalization,
    kernel: keras.Variable,
    bias: keras.Variable | None = None,
) -> FoldedWeights:
    """Returns what folds a normalization into the convolution before it.

    With these values the normalization is the identity, except for `beta`.

    Args:
        norm: the normalization.
        kernel: kernel variable of the convolution, output channels last.
        bias: its bias, which becomes part of `beta`, or `None`.

    Returns:
        Pairs of a variable and its value, float32.
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
    beta = beta - mean * scale
    values = []
    if bias is not None:
        beta += ops.convert_to_numpy(bias) * scale
        values.append((bias, np.zeros_like(beta)))
    folded = np.asarray(ops.convert_to_numpy(kernel), "float64") * scale
    values += [
        (kernel, folded),
        (norm.gamma, np.ones_like(beta)),
        (norm.beta, beta),
        (norm.moving_mean, np.zeros_like(beta)),
        (norm.moving_variance, np.full_like(beta, 1 - norm.epsilon)),
    ]
    return [(variable, value.astype("float32")) for variable, value in values]


def assign_folded(values: FoldedWeights) -> None:
    """Gives variables their folded values, for good."""
    for variable, value in values:
        variable.assign(value)
        if len(variable.shape) == 4:
            store_for_conv(variable)


@contextlib.contextmanager
def folded_norms(layers: Iterable[keras.layers.Layer]) -> Iterator[None]:
    """Have layers skip their normalization.

    For a scope in which their variables have the values of their
    `folded_weights()`.
    """
    token = _FOLDED.set(frozenset(id(layer) for layer in layers))
    try:
        yield
    finally:
        _FOLDED.reset(token)


def is_folded_here(layer: keras.layers.Layer) -> bool:
    """Whether a layer is in such a scope."""
    return id(layer) in _FOLDED.get()
