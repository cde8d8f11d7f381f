"""Mean recall of the classes."""

import keras

from keras_rsseg.metrics.confusion_metric import ConfusionMetric
from keras_rsseg.void import VOID


@keras.saving.register_keras_serializable(package="keras_rsseg")
class MeanRecall(ConfusionMetric):
    """Mean recall over the classes, void ignored.

    The recall of a class (its accuracy, in the words of some papers) is the
    share of right pixels among those of the class in the masks, counted over
    all pixels of all batches since the last reset. The mean is over the
    classes that occur in the masks. Without any, it is NaN.

    Args:
        num_classes, ignore_class, left_out, name, dtype: as in
            `SegmentationMetric`, which says which pixels count.

    Raises:
        ValueError: as `SegmentationMetric`.

    Example:
        ```python
        metric = keras_rsseg.metrics.MeanRecall(num_classes=6)
        masks = np.random.randint(0, 6, (2, 64, 64))
        metric.update_state(masks, np.random.normal(size=(2, 64, 64, 6)))
        float(metric.result()), metric.scores().recall
        ```
    """

    def __init__(
        self,
        num_classes,
        ignore_class=VOID,
        left_out=(),
        name="mean_recall",
        dtype=None,
    ):
        super().__init__(num_classes, ignore_class, left_out, name, dtype)

    def result(self):
        """Return the mean recall, a float32 scalar."""
        return self._mean_ratio("recall")
