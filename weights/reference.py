"""Outputs of a checkpoint's original network, for comparison."""

import os
from typing import Any

import keras
import numpy as np

from keras_rsseg.errors import CheckpointError
from keras_rsseg.models.segmenter import Segmenter
from weights.checkpoint import read_checkpoint


def compare(
    model: Segmenter, reference: str | os.PathLike[str]
) -> dict[str, float]:
    """Compare a model with outputs of the network it was converted from.

    Args:
        model: `keras_rsseg.models.Segmenter`.
        reference: path of an `.npz` with `x`, a normalised input `(batch,
            bands, height, width)`, and `main_out`, the logits at the size of
            the input, or `head_logits`, those at the size of the head.

    Returns:
        Dict from the name of an output to the largest difference, relative to
        the largest magnitude.

    Raises:
        CheckpointError: the file cannot be read, lacks these arrays, or their
            shapes are wrong.
    """
    arrays = read_checkpoint(reference)
    expected = {k: arrays[k] for k in _OUTPUTS if k in arrays}
    if "x" not in arrays or not expected:
        raise CheckpointError(
            f"{reference} must hold x and one of {', '.join(_OUTPUTS)}. "
            f"Received: {', '.join(arrays)}"
        )
    tiles = arrays["x"].transpose(0, 2, 3, 1)
    differences = {}
    for name, value in expected.items():
        actual = keras.ops.convert_to_numpy(_OUTPUTS[name](model, tiles))
        value = value.transpose(0, 2, 3, 1)
        if actual.shape != value.shape:
            raise CheckpointError(
                f"{reference}: {name} must have the shape {actual.shape} "
                f"(channels last). Received: {value.shape}"
            )
        difference = np.abs(actual - value).max() / np.abs(value).max()
        differences[name] = float(difference)
    return differences


def _main_out(model: Segmenter, tiles: np.ndarray) -> Any:
    return model(tiles, training=False)


def _head_logits(model: Segmenter, tiles: np.ndarray) -> Any:
    features = model.backbone(tiles, training=False)["features"]
    return model.classifier(features)


_OUTPUTS = {"main_out": _main_out, "head_logits": _head_logits}
