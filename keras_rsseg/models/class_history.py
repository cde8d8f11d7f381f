"""Callbacks of `fit()` for the scores of each class."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_rsseg.errors import ArgumentError
from keras_rsseg.metrics.confusion_metric import ConfusionMetric
from keras_rsseg.metrics.confusion_scores import RATIOS

_SCORES = {"pixel_accuracy", *(f"mean_{name}" for name in RATIOS)}
_PREFIX = "iou_"


class ClassHistory(keras.callbacks.Callback):
    """Adds the IoU of each class to the logs of each epoch.

    They are `iou_<name>` and `val_iou_<name>`, in `History` and for later
    callbacks. Counts come from the first metric with a confusion matrix; a
    class that occurs neither in masks nor in predictions is NaN.

    Args:
        class_names: list of names.

    Example:

    ```python
    callback = keras_rsseg.models.class_history.ClassHistory(["water", "land"])
    callback.class_names  # ["water", "land"]
    ```
    """

    def __init__(self, class_names: Sequence[str]):
        super().__init__()
        self.class_names = list(class_names)
        self._found: dict[str, float] = {}
        self._trained = False

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Forget the previous epoch."""
        self._found, self._trained = {}, False

    def on_test_begin(self, logs: Any = None) -> None:
        """Take the counts of training, which validation resets."""
        self._take_trained()

    def on_test_end(self, logs: Any = None) -> None:
        """Take the counts of validation."""
        self._take("val_")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Add the scores to the logs of the epoch."""
        self._take_trained()
        if logs is not None:
            logs.update(self._found)

    def _take_trained(self) -> None:
        if not self._trained:
            self._trained = True
            self._take("")

    def _take(self, prefix: str) -> None:
        metric = _confusion_metric(self.model)
        if metric is None or metric.num_classes != len(self.class_names):
            return
        try:
            scores = metric.scores().iou
        except ArgumentError:  # ids that are not classes: the mean is NaN
            scores = np.full(metric.num_classes, np.nan)
        for name, score in zip(self.class_names, scores, strict=True):
            self._found[f"{prefix}{_PREFIX}{name}"] = float(score)


def set_directions(callbacks: Any) -> None:
    """Tell callbacks that monitor one of our scores that more is better.

    Keras only knows this for the name of a metric, not for one of several
    scores.

    Args:
        callbacks: the callbacks given to `fit()`.
    """
    for callback in keras.tree.flatten(callbacks):
        monitor = getattr(callback, "monitor", None)
        if not isinstance(monitor, str):
            continue
        name = monitor.removeprefix("val_")
        if name in _SCORES or name.startswith(_PREFIX):
            if getattr(callback, "mode", None) == "auto":
                callback.mode = "max"


def _confusion_metric(model: Any) -> ConfusionMetric | None:
    for metric in model.metrics:
        for part in (metric, *getattr(metric, "metrics", ())):
            if isinstance(part, ConfusionMetric):
                return part
    return None
