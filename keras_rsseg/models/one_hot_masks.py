"""Masks with a channel for each class, which some losses need.

A void pixel has no class: all of its channels are 0.
"""

from typing import Any

import keras
import numpy as np

from keras_rsseg.losses.segmentation_loss import SegmentationLoss
from keras_rsseg.void import VOID

_SPARSE = "sparse_"


def takes_one_hot(loss: Any) -> bool:
    """Return whether a loss may need masks with a channel for each class.

    Users' own losses are trusted: only losses that are known to take ids,
    ours and Keras' sparse ones, do not.

    Args:
        loss: the loss a model is compiled with.
    """
    if loss is None or isinstance(loss, SegmentationLoss):
        return False
    name = loss
    if not isinstance(loss, str):
        name = getattr(loss, "name", None) or getattr(loss, "__name__", "")
    if isinstance(loss, keras.losses.SparseCategoricalCrossentropy):
        return False
    return not str(name).startswith(_SPARSE)


def is_one_hot(masks: Any, num_classes: int) -> bool:
    """Return whether masks have a channel for each of two or more classes.

    Args:
        masks: array or tensor.
        num_classes: int.
    """
    shape = getattr(masks, "shape", None)
    if shape is None or getattr(shape, "rank", 4) is None:
        return False
    return len(shape) == 4 and shape[-1] == num_classes and num_classes > 1


def ids_of_one_hot(masks: np.ndarray) -> np.ndarray:
    """Return the class id of each pixel, 255 where it has none.

    Args:
        masks: array `(batch, height, width, num_classes)`.

    Returns:
        uint8 array `(batch, height, width)`.
    """
    ids = masks.argmax(axis=-1).astype("uint8")
    return np.where(masks.any(axis=-1), ids, np.uint8(VOID))
