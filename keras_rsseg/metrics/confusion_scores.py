"""Every score that a confusion matrix holds, in NumPy."""

from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from keras_rsseg.errors import ArgumentError

# Numerator and denominator, from the numbers of pixels (right, in the masks,
# predicted) of the classes. Plain arithmetic, so tensors work as well.
RATIOS: dict[str, Callable[[Any, Any, Any], tuple[Any, Any]]] = {
    "iou": lambda hits, truth, predicted: (hits, truth + predicted - hits),
    "f1": lambda hits, truth, predicted: (2 * hits, truth + predicted),
    "precision": lambda hits, truth, predicted: (hits, predicted),
    "recall": lambda hits, truth, predicted: (hits, truth),
}


def standardize_left_out(
    left_out: Sequence[int], num_classes: int
) -> tuple[int, ...]:
    """Check the ids of classes to exclude from the means.

    Args:
        left_out: sequence of class ids.
        num_classes: int. The number of classes.

    Returns:
        The ids as a sorted tuple of ints, each once.

    Raises:
        ArgumentError: when an id is not a class, or no class is left.
    """
    if isinstance(left_out, str) or not np.iterable(left_out):
        raise ArgumentError(
            "Argument `left_out` must be a sequence of class ids. "
            f"Received: left_out={left_out!r}"
        )
    ids = tuple(left_out)
    if any(c not in range(num_classes) for c in ids):
        raise ArgumentError(
            f"Argument `left_out` must hold class ids in 0 ... "
            f"{num_classes - 1}. Received: left_out={ids}"
        )
    ids = tuple(sorted({int(c) for c in ids}))
    if len(ids) == num_classes:
        raise ArgumentError(
            "Argument `left_out` must leave a class to take the mean over. "
            f"Received: left_out={ids} of {num_classes} classes"
        )
    return ids


class ConfusionScores:
    """The scores of a confusion matrix, for each class and on average.

    With the true positives, false positives and false negatives of a class:

    - `iou = tp / (tp + fp + fn)`
    - `f1 = 2 tp / (2 tp + fp + fn)` (the Dice coefficient)
    - `precision = tp / (tp + fp)`
    - `recall = tp / (tp + fn)`

    A ratio without pixels is NaN, and the means skip it: precision if the
    class is never predicted, recall if no mask has it, the others if both
    hold. (So a class that the model never finds lowers the mean of IoU,
    F1 and recall, not that of precision.)

    Classes in `left_out` are excluded from the means and nothing else changes:
    their pixels stay in the matrix, as errors of the classes that they are
    confused with, and in `pixel_accuracy`. To exclude pixels altogether,
    make them void in the masks.

    Args:
        matrix: `(num_classes, num_classes)` counts, rows truth, columns
            prediction.
        left_out: sequence of class ids, such as clutter.

    Attributes:
        matrix: NumPy int64 `(num_classes, num_classes)`.
        left_out: tuple of ints.
        iou, f1, precision, recall: NumPy float64 `(num_classes,)`.
        mean_iou, mean_f1, mean_precision, mean_recall: floats.
        pixel_accuracy: float, right pixels / pixels. NaN without pixels.

    Raises:
        ArgumentError: when `matrix` is not square or holds anything but counts,
            or when `left_out` names an id that is not a class, or all classes.

    Example:

    ```python
    scores = keras_rsseg.metrics.ConfusionScores([[8, 2], [1, 9]])
    scores.iou  # [0.7273, 0.75]
    scores.mean_iou  # 0.7386
    ```
    """

    def __init__(self, matrix: ArrayLike, left_out: Sequence[int] = ()):
        self.matrix = _standardize_matrix(matrix)
        self.left_out = standardize_left_out(left_out, len(self.matrix))

    @property
    def num_classes(self) -> int:
        return len(self.matrix)

    @property
    def iou(self) -> np.ndarray:
        return self._per_class("iou")

    @property
    def f1(self) -> np.ndarray:
        return self._per_class("f1")

    @property
    def precision(self) -> np.ndarray:
        return self._per_class("precision")

    @property
    def recall(self) -> np.ndarray:
        return self._per_class("recall")

    @property
    def mean_iou(self) -> float:
        return self._mean(self.iou)

    @property
    def mean_f1(self) -> float:
        return self._mean(self.f1)

    @property
    def mean_precision(self) -> float:
        return self._mean(self.precision)

    @property
    def mean_recall(self) -> float:
        return self._mean(self.recall)

    @property
    def pixel_accuracy(self) -> float:
        pixels = self.matrix.sum()
        return float(np.trace(self.matrix) / pixels) if pixels else np.nan

    def _per_class(self, name):
        part, whole = RATIOS[name](
            np.diagonal(self.matrix),
            self.matrix.sum(axis=1),
            self.matrix.sum(axis=0),
        )
        ratio = np.full(self.num_classes, np.nan)
        return np.divide(part, whole, out=ratio, where=whole > 0)

    def _mean(self, values):
        values = np.delete(values, self.left_out)
        values = values[~np.isnan(values)]
        return float(values.mean()) if values.size else np.nan


def _standardize_matrix(matrix):
    given = np.asarray(matrix)
    if given.ndim != 2 or given.shape[0] != given.shape[1] or not given.size:
        raise ArgumentError(
            "Argument `matrix` must have the shape (num_classes, "
            f"num_classes). Received: {given.shape}"
        )
    counts = given.astype(np.int64)
    if (counts < 0).any() or (counts != given).any():
        raise ArgumentError(
            "Argument `matrix` must hold counts: integers >= 0. "
            f"Received: {given.tolist()}"
        )
    return counts
