"""What all metrics of masks and logits have in common."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from keras_rsseg.checks import check_positive
from keras_rsseg.errors import ArgumentError
from keras_rsseg.metrics.confusion_scores import standardize_left_out
from keras_rsseg.ops.masks import squeeze_mask
from keras_rsseg.ops.replicas import refuse_update_across_replicas
from keras_rsseg.typing import Config
from keras_rsseg.typing import DType
from keras_rsseg.void import VOID

_MOST_INVALID = 2**24


class SegmentationMetric(keras.metrics.Metric):
    """Base of the metrics: what they are given and which pixels count.

    Void pixels (`ignore_class` in the mask) take no part. Masks may have a
    channel for each class, as Keras's losses expect: pixels whose channels
    are all 0 are void.

    Pixels whose class id is neither `ignore_class` nor in `0 ...
    num_classes - 1` are counted separately. From the first one until the next
    reset, `result()` is NaN, and methods that return figures of each class
    raise: compiled code cannot raise, and a score without such pixels would
    look sound.

    Under `tf.distribute` the replicas' counts are summed when read, so the
    result is that of all tiles, not a mean of the replicas' results. Update
    inside `strategy.run`, as `fit` and `evaluate` do.

    A subclass adds its variables with `add_variable` and defines
    `update_state` and `result`.

    Args:
        num_classes: int >= 1. Number of classes: channels of the logits.
        ignore_class: int or `None`. The class id of void pixels in the
            masks. `None`: every pixel counts.
        left_out: sequence of class ids, such as clutter, to exclude from
            means over the classes. Nothing else changes: their pixels remain
            errors of the classes that they are confused with. To exclude
            pixels altogether, make them void in the masks.
        name: string.
        dtype: as in `keras.metrics.Metric`; counts are int32 always.

    Raises:
        ArgumentError: when `num_classes` is not a positive integer, when
            `left_out` names an id that is not a class, or all classes, when
            masks and logits do not fit, or when updated outside of the
            replicas of the strategy that it was made under.

    Example:

    ```python
    metric = keras_rsseg.metrics.PixelAccuracy(num_classes=2)
    found = keras.ops.one_hot(np.array([[[0, 0, 1, 1]]]), 2)
    metric.update_state(np.array([[[0, 1, 1, 255]]]), found)
    metric.result()  # 0.6667
    metric.update_state(np.array([[[0, 1, 1, 7]]]), found)
    keras.ops.isnan(metric.result())  # True
    ```
    """

    # Keras' callbacks that watch a metric ask for this: more is better.
    _direction = "up"

    def __init__(
        self,
        num_classes: int,
        ignore_class: int | None = VOID,
        left_out: Sequence[int] = (),
        name: str | None = None,
        dtype: DType = None,
    ):
        super().__init__(name=name, dtype=dtype)
        self.num_classes = check_positive("num_classes", num_classes)
        self.ignore_class = ignore_class
        self.left_out = standardize_left_out(left_out, self.num_classes)
        self.invalid = self.add_variable(
            (), "zeros", dtype="int32", name="invalid"
        )

    def _standardize(self, y_true, y_pred, sample_weight):
        """Return masks, predicted ids, which pixels count, which are invalid.

        All are `(B, H, W)`. Invalid pixels do not count.
        """
        refuse_update_across_replicas(self.invalid, self)
        y_true = ops.convert_to_tensor(y_true)
        y_pred = ops.convert_to_tensor(y_pred)
        if len(y_true.shape) == 4 and y_true.shape[-1] == self.num_classes > 1:
            y_true = self._ids_of_channels(y_true)
        masks = ops.cast(squeeze_mask(y_true, y_pred), "int32")
        if y_pred.shape[-1] != self.num_classes:
            raise ArgumentError(
                f"{type(self).__name__}(num_classes={self.num_classes}) takes "
                "logits with as many channels. Received logits of the shape "
                f"{tuple(y_pred.shape)}"
            )
        predicted = ops.cast(ops.argmax(y_pred, axis=-1), "int32")
        taking_part = self._taking_part(masks, sample_weight)
        known = ops.logical_and(masks >= 0, masks < self.num_classes)
        counted = ops.logical_and(taking_part, known)
        invalid = ops.logical_and(taking_part, ops.logical_not(known))
        return masks, predicted, counted, invalid

    def _ids_of_channels(self, masks):
        """Class ids of masks with a channel per class; void where all are 0."""
        void = -1 if self.ignore_class is None else self.ignore_class
        labelled = ops.any(ops.not_equal(masks, 0), axis=-1)
        ids = ops.cast(ops.argmax(masks, axis=-1), "int32")
        return ops.where(labelled, ids, void)

    def _taking_part(self, masks, sample_weight):
        """Where a pixel is neither void nor of weight 0, `(B, H, W)` bool."""
        part = ops.ones_like(masks, dtype="bool")
        if self.ignore_class is not None:
            part = ops.not_equal(masks, self.ignore_class)
        if sample_weight is None:
            return part
        weight = ops.convert_to_tensor(sample_weight)
        if len(weight.shape) == 1:
            weight = ops.reshape(weight, (-1, 1, 1))
        if len(weight.shape) == 4:
            weight = ops.squeeze(weight, axis=-1)
        return ops.logical_and(part, ops.not_equal(weight, 0))

    def _add_invalid(self, number):
        number = ops.minimum(number, _MOST_INVALID)
        self.invalid.assign(ops.minimum(self.invalid + number, _MOST_INVALID))

    def _check_mergeable(self, metrics, attributes):
        """Raise unless other metrics agree in some attributes."""
        refuse_update_across_replicas(self.invalid, self)
        ours = {name: getattr(self, name) for name in attributes}
        for other in metrics:
            theirs = {name: getattr(other, name, None) for name in attributes}
            if ours != theirs:
                raise ArgumentError(
                    f"Only metrics of the same {', '.join(attributes)} can "
                    f"be merged. Received: {theirs}, to be merged into {ours}"
                )

    def _check_valid(self):
        """Raise when masks with invalid class ids were counted."""
        invalid = int(ops.convert_to_numpy(self.invalid))
        if invalid:
            raise ArgumentError(
                f"{invalid} or more pixels of the masks have a class id that "
                f"is neither in 0 ... {self.num_classes - 1} nor the void "
                f"class {self.ignore_class}. Map the ids of the masks, or "
                "give the right `num_classes`, and reset the metric"
            )

    def _mean_of(self, part, whole):
        """The mean of `part / whole` over the classes where `whole > 0`.

        Args:
            part, whole: float32 tensors `(num_classes,)`.

        Returns:
            float32 scalar. NaN without such a class, or after invalid ids.
        """
        kept = np.ones(self.num_classes, "bool")
        kept[list(self.left_out)] = False
        defined = ops.logical_and(whole > 0, kept)
        ratio = part / ops.where(defined, whole, 1.0)
        return self._ratio(
            ops.sum(ops.where(defined, ratio, 0.0)),
            ops.sum(ops.cast(defined, "float32")),
        )

    def _ratio(self, part, whole):
        """A scalar ratio, NaN where undefined or after invalid ids."""
        sound = ops.logical_and(self.invalid == 0, whole > 0)
        return ops.where(sound, part / ops.maximum(whole, 1.0), float("nan"))

    def get_config(self) -> Config:
        config = super().get_config()
        config.update(
            {
                "num_classes": self.num_classes,
                "ignore_class": self.ignore_class,
                "left_out": list(self.left_out),
            }
        )
        return config
