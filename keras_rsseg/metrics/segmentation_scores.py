"""All scores from one confusion matrix."""

import keras
from keras import ops

from keras_rsseg.metrics.confusion_metric import ConfusionMetric
from keras_rsseg.metrics.confusion_scores import RATIOS
from keras_rsseg.void import VOID


@keras.saving.register_keras_serializable(package="keras_rsseg")
class SegmentationScores(ConfusionMetric):
    """Mean IoU, F1, precision and recall and pixel accuracy in one metric.

    One confusion matrix is counted once for all of them. The result is a
    dict, which `fit` and `evaluate` log as `mean_iou`, `mean_f1`,
    `mean_precision`, `mean_recall` and `pixel_accuracy` (with `val_` before
    it in validation). What they mean is said at the metrics of these names.

    Args:
        num_classes, ignore_class, left_out, name, dtype: as in
            `SegmentationMetric`, which says which pixels count.

    Raises:
        ValueError: as `SegmentationMetric`.

    Example:
        ```python
        metric = keras_rsseg.metrics.SegmentationScores(num_classes=6)
        masks = np.random.randint(0, 6, (2, 64, 64))
        metric.update_state(masks, np.random.normal(size=(2, 64, 64, 6)))
        metric.result()["mean_f1"], metric.scores().f1
        ```
    """

    def __init__(
        self,
        num_classes,
        ignore_class=VOID,
        left_out=(),
        name="segmentation_scores",
        dtype=None,
    ):
        super().__init__(num_classes, ignore_class, left_out, name, dtype)

    def result(self):
        """Return the scores, a dict of float32 scalars."""
        hits, truth, _ = self._counts()
        results = {f"mean_{key}": self._mean_ratio(key) for key in RATIOS}
        results["pixel_accuracy"] = self._ratio(ops.sum(hits), ops.sum(truth))
        return results
