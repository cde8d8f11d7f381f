"""Assign a state with PyTorch's names and layouts to a Keras model."""

import collections
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_rsseg.encoders.checkpoint_variant import NameOf
from keras_rsseg.encoders.checkpoint_variant import State
from keras_rsseg.errors import CheckpointError


def transfer(
    model: keras.Model | keras.layers.Layer,
    state: State,
    name_of: NameOf,
    is_new: Callable[[str], bool] | None = None,
) -> int:
    """Assign every tensor of a state to its variable, or nothing at all.

    Kernels `(out, in, height, width)` become `(height, width, in, out)`,
    linear weights `(out, in)` become `(in, out)`.

    Args:
        model: Built Keras model or layer.
        state: Dict from name to array, PyTorch's layouts.
        name_of: Function from a variable's path to the name in `state`, see
            `keras_rsseg.encoders.checkpoint_variant.make_name_of()`.
        is_new: Function from a variable's path to whether the checkpoint's
            network lacks it; it then keeps its value. `None` if it has all.

    Returns:
        Number of tensors assigned.

    Raises:
        CheckpointError: Some variable has no tensor, some tensor no variable,
            or a shape or a value is wrong. The message lists all of them, and
            the model is as it was.
    """
    pairs: list[tuple[keras.Variable, Any]] = [
        (v, name_of(v.path))
        for v in model.weights
        if is_new is None or not is_new(v.path)
    ]
    problems = _find_problems(pairs, state)
    if problems:
        raise CheckpointError(
            f"the checkpoint does not fit {model.name}; nothing was assigned.\n"
            + "\n".join(problems)
        )
    for variable, name in pairs:
        variable.assign(_to_keras(state[name]))
    return len(pairs)


def _find_problems(
    pairs: list[tuple[keras.Variable, Any]], state: State
) -> list[str]:
    counts = collections.Counter(name for _, name in pairs)
    lines = {
        "model variables without a known counterpart": [
            v.path for v, name in pairs if name is None
        ],
        "tensors with several variables": [
            name for name, count in counts.items() if name and count > 1
        ],
        "missing from the checkpoint": [
            f"{name} (for {v.path})"
            for v, name in pairs
            if name is not None and name not in state
        ],
        "unused keys of the checkpoint": [
            f"{name} {value.shape}"
            for name, value in state.items()
            if name not in counts
        ],
        "wrong shapes": [
            f"{name}: {state[name].shape}, which is "
            f"{_to_keras(state[name]).shape} here, but {v.path} has "
            f"{tuple(v.shape)}"
            for v, name in pairs
            if name in state and _to_keras(state[name]).shape != tuple(v.shape)
        ],
        "values that are not finite": [
            name
            for name, value in state.items()
            if not np.isfinite(value).all()
        ],
    }
    return [
        f"{title}: {len(found)}\n  " + "\n  ".join(found)
        for title, found in lines.items()
        if found
    ]


def _to_keras(tensor: np.ndarray) -> np.ndarray:
    if tensor.ndim == 4:
        return tensor.transpose(2, 3, 1, 0)
    if tensor.ndim == 2:
        return tensor.transpose(1, 0)
    return tensor
