"""Mean intersection over union."""

import keras

from keras_rsseg.metrics.confusion_metric import ConfusionMetric
from keras_rsseg.void import VOID


@keras.saving.register_keras_serializable(package="keras_rsseg")
class MeanIoU(ConfusionMetric):
    """Mean intersection over union over the classes, void ignored.

    The intersection over union of a class is `true positives / (true
    positives + false positives + false negatives)`, counted over all pixels
    of all batches since the last reset. The mean is over the classes that
    occur in the masks or in the predictions. Without any, it is NaN.

    Args:
        num_classes, ignore_class, left_out, name, dtype: as in
            `SegmentationMetric`, which says which pixels count.

    Raises:
        ValueError: as `SegmentationMetric`.

    Example:
        ```python
        metric = keras_rsseg.metrics.MeanIoU(num_classes=6)
        masks = np.random.randint(0, 6, (2, 64, 64))
        metric.update_state(masks, np.random.normal(size=(2, 64, 64, 6)))
        float(metric.result()), metric.per_class_iou()
        ```
    """

    def __init__(
        self,
        num_classes,
        ignore_class=VOID,
        left_out=(),
        name="mean_iou",
        dtype=None,
    ):
        super().__init__(num_classes, ignore_class, left_out, name, dtype)

    def result(self):
        """Return the mean intersection over union, a float32 scalar."""
        return self._mean_ratio("iou")

    def per_class_iou(self):
        """Return the intersection over union of each class.

        Returns:
            NumPy float64 `(num_classes,)`, NaN for a class that occurs
            neither in the masks nor in the predictions.

        Raises:
            ValueError: when masks with invalid class ids were counted.
        """
        return self.scores().iou
