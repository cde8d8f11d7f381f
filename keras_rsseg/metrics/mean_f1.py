"""Mean F1 score of the classes."""

import keras

from keras_rsseg.metrics.confusion_metric import ConfusionMetric
from keras_rsseg.void import VOID


@keras.saving.register_keras_serializable(package="keras_rsseg")
class MeanF1(ConfusionMetric):
    """Mean F1 score over the classes, void ignored.

    The F1 score of a class is `2 tp / (2 tp + fp + fn)`, in true positives,
    false positives and false negatives among all pixels of all batches since
    the last reset. The mean is over the classes that occur in the masks or
    in the predictions. Without any, it is NaN.

    Args:
        num_classes, ignore_class, left_out, name, dtype: as in
            `SegmentationMetric`, which says which pixels count.

    Raises:
        ValueError: as `SegmentationMetric`.

    Example:
        ```python
        metric = keras_rsseg.metrics.MeanF1(num_classes=6)
        masks = np.random.randint(0, 6, (2, 64, 64))
        metric.update_state(masks, np.random.normal(size=(2, 64, 64, 6)))
        float(metric.result()), metric.scores().f1
        ```
    """

    def __init__(
        self,
        num_classes,
        ignore_class=VOID,
        left_out=(),
        name="mean_f1",
        dtype=None,
    ):
        super().__init__(num_classes, ignore_class, left_out, name, dtype)

    def result(self):
        """Return the mean F1 score, a float32 scalar."""
        return self._mean_ratio("f1")
