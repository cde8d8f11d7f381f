"""Share of right pixels."""

import keras
from keras import ops

from keras_rsseg.metrics.confusion_metric import ConfusionMetric
from keras_rsseg.void import VOID


@keras.saving.register_keras_serializable(package="keras_rsseg")
class PixelAccuracy(ConfusionMetric):
    """Share of right pixels among all that are not void.

    This is the papers' overall accuracy. It is no mean over the classes, so
    it counts the pixels of the classes in `left_out` too. Without a pixel it
    is NaN.

    Args:
        num_classes, ignore_class, left_out, name, dtype: as in
            `SegmentationMetric`, which says which pixels count.

    Raises:
        ValueError: as `SegmentationMetric`.

    Example:
        ```python
        metric = keras_rsseg.metrics.PixelAccuracy(num_classes=6)
        masks = np.random.randint(0, 6, (2, 64, 64))
        metric.update_state(masks, np.random.normal(size=(2, 64, 64, 6)))
        float(metric.result())
        ```
    """

    def __init__(
        self,
        num_classes,
        ignore_class=VOID,
        left_out=(),
        name="pixel_accuracy",
        dtype=None,
    ):
        super().__init__(num_classes, ignore_class, left_out, name, dtype)

    def result(self):
        """Return the share of right pixels, a float32 scalar."""
        hits, truth, _ = self._counts()
        return self._ratio(ops.sum(hits), ops.sum(truth))
