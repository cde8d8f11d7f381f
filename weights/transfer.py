"""Assign a state with PyTorch's names and layouts to a Keras model."""

import collections
import re

import numpy as np

# Last part of a variable's path -> last part of the tensor's name.
_LEAVES = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}


class TransferError(ValueError):
    """A state that does not fit a model to the last tensor."""


def make_name_of(rules):
    """Make a mapping from variable paths to tensor names.

    Args:
        rules: List of `(pattern, module)`. The first pattern that matches
            the whole path of a layer (a variable's path without its last
            part) decides. `module` is a format string for the module's name
            with the pattern's named groups as fields. Keras names count from
            1 and PyTorch's from 0: `{block0}` is the number of the group
            `block`, less one.

    Returns:
        Function from a variable's path to the tensor's name, or to `None`
        where no rule applies.

    Example:

    ```python
    rules = [(r"block(?P<block>\\d+)/batch_norm", "layers.{block0}.bn")]
    make_name_of(rules)("block2/batch_norm/gamma")  # "layers.1.bn.weight"
    ```
    """
    compiled = [(re.compile(pattern), module) for pattern, module in rules]

    def name_of(path):
        layer, _, leaf = path.rpartition("/")
        for pattern, module in compiled:
            match = pattern.fullmatch(layer)
            if match and leaf in _LEAVES:
                return f"{module.format(**_fields(match))}.{_LEAVES[leaf]}"
        return None

    return name_of


def conv_bn_rules(layer, conv, batch_norm):
    """Return the rules of a `ConvBNReLU` whose path matches `layer`."""
    return [(f"{layer}/conv", conv), (f"{layer}/batch_norm", batch_norm)]


def _fields(match):
    fields = match.groupdict()
    less_one = {
        f"{name}0": int(value) - 1
        for name, value in fields.items()
        if value and value.isdecimal()
    }
    return {**fields, **less_one}


def transfer(model, state, name_of, is_new=None):
    """Assign every tensor of a state to its variable, or nothing at all.

    Kernels `(out, in, height, width)` become `(height, width, in, out)`,
    linear weights `(out, in)` become `(in, out)`.

    Args:
        model: Built Keras model or layer.
        state: Dict from name to array, PyTorch's layouts.
        name_of: Function from a variable's path to the name in `state`, see
            `make_name_of()`.
        is_new: Function from a variable's path to whether the checkpoint's
            network did not have it; it keeps its value. `None` if it had all.

    Returns:
        Number of tensors assigned.

    Raises:
        TransferError: Some variable has no tensor, some tensor no variable,
            or a shape or a value is wrong. The message lists all of them, and
            the model is as it was.
    """
    pairs = [
        (v, name_of(v.path))
        for v in model.weights
        if is_new is None or not is_new(v.path)
    ]
    problems = _find_problems(pairs, state)
    if problems:
        raise TransferError(
            f"the checkpoint does not fit {model.name}; nothing was assigned.\n"
            + "\n".join(problems)
        )
    for variable, name in pairs:
        variable.assign(_to_keras(state[name]))
    return len(pairs)


def _find_problems(pairs, state):
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


def _to_keras(tensor):
    if tensor.ndim == 4:
        return tensor.transpose(2, 3, 1, 0)
    if tensor.ndim == 2:
        return tensor.transpose(1, 0)
    return tensor
