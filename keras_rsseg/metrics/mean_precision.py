"""Mean precision of the classes."""

import keras

from keras_rsseg.metrics.confusion_metric import ConfusionMetric
from keras_rsseg.void import VOID


@keras.saving.register_keras_serializable(package="keras_rsseg")
class MeanPrecision(ConfusionMetric):
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
        ValueError: as `SegmentationMetric`.

    Example:
        ```python
        metric = keras_rsseg.metrics.MeanPrecision(num_classes=6)
        masks = np.random.randint(0, 6, (2, 64, 64))
        metric.update_state(masks, np.random.normal(size=(2, 64, 64, 6)))
        float(metric.result()), metric.scores().precision
        ```
    """

    def __init__(
        self,
        num_classes,
        ignore_class=VOID,
        left_out=(),
        name="mean_precision",
        dtype=None,
    ):
        super().__init__(num_classes, ignore_class, left_out, name, dtype)

    def result(self):
        """Return the mean precision, a float32 scalar."""
        return self._mean_ratio("precision")
