"""The confusion matrix behind the metrics, exact and streaming."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from keras_rsseg.metrics.confusion_scores import RATIOS
from keras_rsseg.metrics.confusion_scores import ConfusionScores
from keras_rsseg.metrics.segmentation_metric import SegmentationMetric
from keras_rsseg.ops.counting import count_ids
from keras_rsseg.typing import DType
from keras_rsseg.typing import Tensor
from keras_rsseg.void import VOID

# A count is `high * _WORD + low`. With 24 bits a low word is exact as a
# float32 and the sum of 127 replicas' low words still fits in int32.
_WORD = 2**24


class ConfusionMetric(SegmentationMetric):
    """Base of the metrics that one confusion matrix determines.

    It counts all pixels of all batches since the last reset; a subclass
    computes its score from the counts in `result()`. `scores()` of any of
    them returns every score, also for each class.

    The confusion matrix is kept in two int32 words per cell: counts are exact
    beyond 2**31 pixels, where float32 cells stop counting at 2**24. One
    update may hold up to 2**30 pixels.

    Args:
        num_classes, ignore_class, left_out, name, dtype: as in
            `SegmentationMetric`, which says which pixels count.

    Raises:
        ArgumentError: as `SegmentationMetric`.

    Example:

    ```python
    masks = np.array([[[0, 0, 0, 1], [1, 1, 255, 255]]])
    found = np.array([[[0, 0, 1, 1], [1, 0, 0, 0]]])
    metric = keras_rsseg.metrics.MeanIoU(num_classes=2)
    metric.update_state(masks, keras.ops.one_hot(found, 2))
    metric.confusion_matrix()  # [[2, 1], [1, 2]]
    metric.scores().pixel_accuracy  # 0.6667
    ```
    """

    # What a subclass is called in logs, unless its user gives a name.
    default_name: str | None = None

    def __init__(
        self,
        num_classes: int,
        ignore_class: int | None = VOID,
        left_out: Sequence[int] = (),
        name: str | None = None,
        dtype: DType = None,
    ):
        name = self.default_name if name is None else name
        super().__init__(num_classes, ignore_class, left_out, name, dtype)
        self.low_words = self._add_words("low_words")
        self.high_words = self._add_words("high_words")

    def _add_words(self, name):
        shape = (self.num_classes, self.num_classes)
        return self.add_variable(shape, "zeros", dtype="int32", name=name)

    def update_state(
        self,
        y_true: Tensor,
        y_pred: Tensor,
        sample_weight: Tensor | None = None,
    ) -> None:
        """Count a batch.

        Args:
            y_true: masks `(B, H, W)` or `(B, H, W, 1)`, class ids of any
                integer dtype (or floats of integral value).
            y_pred: logits or probabilities `(B, H, W, num_classes)`.
            sample_weight: `None`, or a tensor that broadcasts to `(B, H,
                W)`, or `(B,)`, or `(B, H, W, 1)`. A pixel of weight 0 is
                left out; any other weight counts it once.
        """
        masks, predicted, counted, invalid = self._standardize(
            y_true, y_pred, sample_weight
        )
        cells = self.num_classes**2
        cell = masks * self.num_classes + predicted
        rest = ops.where(invalid, cells, cells + 1)
        counts = count_ids(ops.where(counted, cell, rest), cells + 2)
        confusion = ops.reshape(
            counts[:cells], (self.num_classes, self.num_classes)
        )
        self._add(confusion, ops.zeros_like(confusion))
        self._add_invalid(counts[cells])

    def _add(self, low, high):
        """Add words to the state and carry from the low to the high ones."""
        low = low + self.low_words
        carry = low // _WORD
        self.low_words.assign(low - carry * _WORD)
        self.high_words.assign(self.high_words + high + carry)

    def merge_state(self, metrics: Sequence["ConfusionMetric"]) -> None:
        """Add the counts of other metrics of the same classes.

        Args:
            metrics: list of `ConfusionMetric`, of any kind.

        Raises:
            ArgumentError: when one of them has another number of classes or
                another `ignore_class`.
        """
        self._check_mergeable(metrics, ("num_classes", "ignore_class"))
        for other in metrics:
            self._add(
                ops.convert_to_tensor(other.low_words),
                ops.convert_to_tensor(other.high_words),
            )
            self._add_invalid(ops.convert_to_tensor(other.invalid))

    def _counts(self):
        """Right, true and predicted pixels of each class, float32 tensors."""
        counts = ops.cast(self.high_words, "float32") * float(_WORD)
        counts = counts + ops.cast(self.low_words, "float32")
        truth, predicted = ops.sum(counts, axis=1), ops.sum(counts, axis=0)
        return ops.diagonal(counts), truth, predicted

    def _mean_ratio(self, name):
        """The mean of one of `RATIOS` over the classes where it is defined."""
        return self._mean_of(*RATIOS[name](*self._counts()))

    def _pixel_accuracy(self):
        hits, truth, _ = self._counts()
        return self._ratio(ops.sum(hits), ops.sum(truth))

    def confusion_matrix(self) -> np.ndarray:
        """Return the counts: NumPy int64, rows truth, columns prediction.

        Raises:
            ArgumentError: when masks with invalid class ids were counted.
        """
        self._check_valid()
        high = ops.convert_to_numpy(self.high_words).astype(np.int64)
        return high * _WORD + ops.convert_to_numpy(self.low_words)

    def scores(self) -> ConfusionScores:
        """Return every score of the pixels counted: `ConfusionScores`.

        Raises:
            ArgumentError: when masks with invalid class ids were counted.
        """
        return ConfusionScores(self.confusion_matrix(), self.left_out)


class MeanRatio(ConfusionMetric):
    """Base of the metrics that are the mean of one ratio of each class."""

    # The key of the ratio in `RATIOS`.
    ratio: str

    def result(self) -> Tensor:
        """Return the mean over the classes, a float32 scalar."""
        return self._mean_ratio(self.ratio)


@keras.saving.register_keras_serializable(package="keras_rsseg")
class MeanIoU(MeanRatio):
    """Mean intersection over union over the classes, void ignored.

    The intersection over union of a class is `true positives / (true
    positives + false positives + false negatives)`, counted over all pixels
    of all batches since the last reset. The mean is over the classes that
    occur in the masks or in the predictions. Without any, it is NaN.

    Args:
        num_classes, ignore_class, left_out, name, dtype: as in
            `SegmentationMetric`, which says which pixels count.

    Raises:
        ArgumentError: as `SegmentationMetric`.

    Example:

    ```python
    masks = np.array([[[0, 0, 0, 1], [1, 1, 255, 255]]])
    found = np.array([[[0, 0, 1, 1], [1, 0, 0, 0]]])
    metric = keras_rsseg.metrics.MeanIoU(num_classes=2)
    metric.update_state(masks, keras.ops.one_hot(found, 2))
    metric.result()  # 0.5
    metric.per_class_iou()  # [0.5, 0.5]
    ```
    """

    default_name = "mean_iou"
    ratio = "iou"

    def per_class_iou(self) -> np.ndarray:
        """Return the intersection over union of each class.

        Returns:
            NumPy float64 `(num_classes,)`, NaN for a class that occurs
            neither in the masks nor in the predictions.

        Raises:
            ArgumentError: when masks with invalid class ids were counted.
        """
        return self.scores().iou


@keras.saving.register_keras_serializable(package="keras_rsseg")
class MeanF1(MeanRatio):
    """Mean F1 score over the classes, void ignored.

    The F1 score of a class is `2 tp / (2 tp + fp + fn)`, in true positives,
    false positives and false negatives among all pixels of all batches since
    the last reset. The mean is over the classes that occur in the masks or
    in the predictions. Without any, it is NaN.

    Args:
        num_classes, ignore_class, left_out, name, dtype: as in
            `SegmentationMetric`, which says which pixels count.

    Raises:
        ArgumentError: as `SegmentationMetric`.

    Example:

    ```python
    masks = np.array([[[0, 0, 0, 1], [1, 1, 255, 255]]])
    found = np.array([[[0, 0, 1, 1], [1, 0, 0, 0]]])
    metric = keras_rsseg.metrics.MeanF1(num_classes=2)
    metric.update_state(masks, keras.ops.one_hot(found, 2))
    metric.result()  # 0.6667
    metric.scores().f1  # [0.6667, 0.6667]
    ```
    """

    default_name = "mean_f1"
    ratio = "f1"


@keras.saving.register_keras_serializable(package="keras_rsseg")
class MeanPrecision(MeanRatio):
    """Mean precision over the classes, void ignored.

    The precision of a class is the share of right pixels among those
    predicted as the class, counted over all pixels of all batches since the
    last reset. The mean is over the classes that are predicted somewhere;
    one that is never predicted does not lower it (it lowers `MeanRecall`,
    `MeanIoU` and `MeanF1`). Without any, it is NaN.

    Args:
        num_classes, ignore_class, left_out, name, dtype: as in
            `SegmentationMetric`, which says which pixels count.

    Raises:
        ArgumentError: as `SegmentationMetric`.

    Example:

    ```python
    masks = np.array([[[0, 0, 0, 1], [1, 1, 255, 255]]])
    found = np.array([[[0, 0, 1, 1], [1, 0, 0, 0]]])
    metric = keras_rsseg.metrics.MeanPrecision(num_classes=2)
    metric.update_state(masks, keras.ops.one_hot(found, 2))
    metric.result()  # 0.6667
    metric.scores().precision  # [0.6667, 0.6667]
    ```
    """

    default_name = "mean_precision"
    ratio = "precision"


@keras.saving.register_keras_serializable(package="keras_rsseg")
class MeanRecall(MeanRatio):
    """Mean recall over the classes, void ignored.

    The recall of a class (its accuracy, in the words of some papers) is the
    share of right pixels among those of the class in the masks, counted over
    all pixels of all batches since the last reset. The mean is over the
    classes that occur in the masks. Without any, it is NaN.

    Args:
        num_classes, ignore_class, left_out, name, dtype: as in
            `SegmentationMetric`, which says which pixels count.

    Raises:
        ArgumentError: as `SegmentationMetric`.

    Example:

    ```python
    masks = np.array([[[0, 0, 0, 1], [1, 1, 255, 255]]])
    found = np.array([[[0, 0, 1, 1], [1, 0, 0, 0]]])
    metric = keras_rsseg.metrics.MeanRecall(num_classes=2)
    metric.update_state(masks, keras.ops.one_hot(found, 2))
    metric.result()  # 0.6667
    metric.scores().recall  # [0.6667, 0.6667]
    ```
    """

    default_name = "mean_recall"
    ratio = "recall"


@keras.saving.register_keras_serializable(package="keras_rsseg")
class PixelAccuracy(ConfusionMetric):
    """Share of right pixels among all that are not void.

    This is the papers' overall accuracy. It is not a mean over the classes,
    so pixels of the classes in `left_out` count as well. Without any pixel
    it is NaN.

    Args:
        num_classes, ignore_class, left_out, name, dtype: as in
            `SegmentationMetric`, which says which pixels count.

    Raises:
        ArgumentError: as `SegmentationMetric`.

    Example:

    ```python
    masks = np.array([[[0, 0, 0, 1], [1, 1, 255, 255]]])
    found = np.array([[[0, 0, 1, 1], [1, 0, 0, 0]]])
    metric = keras_rsseg.metrics.PixelAccuracy(num_classes=2)
    metric.update_state(masks, keras.ops.one_hot(found, 2))
    metric.result()  # 0.6667
    ```
    """

    default_name = "pixel_accuracy"

    def result(self) -> Tensor:
        """Return the share of right pixels, a float32 scalar."""
        return self._pixel_accuracy()


@keras.saving.register_keras_serializable(package="keras_rsseg")
class SegmentationScores(ConfusionMetric):
    """Mean IoU, F1, precision and recall and pixel accuracy in one metric.

    One confusion matrix serves all of them. The result is a
    dict, which `fit` and `evaluate` log as `mean_iou`, `mean_f1`,
    `mean_precision`, `mean_recall` and `pixel_accuracy` (with `val_` before
    it in validation). Each is described at the metric of that name.

    Args:
        num_classes, ignore_class, left_out, name, dtype: as in
            `SegmentationMetric`, which says which pixels count.

    Raises:
        ArgumentError: as `SegmentationMetric`.

    Example:

    ```python
    masks = np.array([[[0, 0, 0, 1], [1, 1, 255, 255]]])
    found = np.array([[[0, 0, 1, 1], [1, 0, 0, 0]]])
    metric = keras_rsseg.metrics.SegmentationScores(num_classes=2)
    metric.update_state(masks, keras.ops.one_hot(found, 2))
    scores = metric.result()
    scores["mean_iou"]  # 0.5
    scores["mean_f1"]  # 0.6667
    metric.scores().f1  # [0.6667, 0.6667]
    ```
    """

    default_name = "segmentation_scores"

    def result(self) -> dict[str, Tensor]:
        """Return the scores, a dict of float32 scalars."""
        results = {f"mean_{key}": self._mean_ratio(key) for key in RATIOS}
        results["pixel_accuracy"] = self._pixel_accuracy()
        return results
