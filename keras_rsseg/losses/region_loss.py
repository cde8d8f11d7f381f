"""Losses of whole regions: Tversky, Dice and Lovasz."""

from collections.abc import Sequence

import keras
from keras import ops

from keras_rsseg.checks import check_not_negative
from keras_rsseg.errors import ArgumentError
from keras_rsseg.losses.segmentation_loss import SegmentationLoss
from keras_rsseg.ops.lean_graphs import row_starts
from keras_rsseg.typing import Config
from keras_rsseg.typing import Tensor
from keras_rsseg.void import VOID


class RegionLoss(SegmentationLoss):
    """Base of the losses that score each class's region as a whole.

    The loss is the mean over the classes that occur in the masks, over the
    whole batch, or over each tile by itself (`per_tile=True`) with a mean
    over the tiles that are not all void. An absent class has no region to
    overlap with: pixels wrongly given to it are missing from another class.
    `class_weights` weight the mean over the classes, not the pixels.

    `call` returns one value for the batch, `(1, 1, 1)`, or for each tile,
    `(B, 1, 1)`. A `sample_weight` of shape `(B,)` multiplies tiles (for
    pixels only its mean would count: mark pixels void instead).

    A subclass defines `class_losses(truth, probabilities)`.

    Args:
        per_tile: bool.
        ignore_class, class_weights, from_logits, reduction, name: as in
            `SegmentationLoss`.

    Raises:
        ArgumentError: as `SegmentationLoss`.

    Example:

    ```python
    class SizeLoss(keras_rsseg.losses.RegionLoss):
        def class_losses(self, truth, probabilities):
            size = keras.ops.sum(truth, axis=1)
            found = keras.ops.sum(probabilities, axis=1)
            return keras.ops.abs(1 - found / keras.ops.maximum(size, 1))

    masks = np.array([[[0, 0, 1, 255]]])
    logits = np.array([[[[2, 0], [0, 2], [0, 1], [5, 0]]]], "float32")
    SizeLoss()(masks, logits)  # 0.548
    ```
    """

    # What a subclass is called in logs, unless its user gives a name.
    default_name: str | None = None

    def __init__(
        self,
        per_tile: bool = False,
        ignore_class: int | None = VOID,
        class_weights: Sequence[float] | None = None,
        from_logits: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
    ):
        name = self.default_name if name is None else name
        super().__init__(
            ignore_class, class_weights, from_logits, reduction, name
        )
        self.per_tile = bool(per_tile)

    def pixel_losses(
        self, labels: Tensor, valid: Tensor, y_pred: Tensor
    ) -> Tensor:
        classes = y_pred.shape[-1]
        probabilities = ops.softmax(y_pred) if self.from_logits else y_pred
        known = ops.expand_dims(ops.cast(valid, "float32"), axis=-1)
        truth = ops.one_hot(labels, classes, dtype="float32") * known
        rows = ops.shape(labels)[0] if self.per_tile else 1
        truth = ops.reshape(truth, (rows, -1, classes))
        probabilities = ops.reshape(
            ops.where(known > 0, probabilities, 0.0), (rows, -1, classes)
        )
        losses = self.class_losses(truth, probabilities)
        # A class that does not count, or TensorFlow's softmax, would hide NaN
        # in one of the channels. A logit of -inf rules a class out.
        sound = ops.all(ops.sum(y_pred, axis=-1) < float("inf"))
        losses = ops.where(sound, losses, float("nan"))
        weights = ops.cast(ops.any(truth > 0, axis=1), "float32")
        if self.class_weights is not None:
            weights = weights * ops.convert_to_tensor(
                self.class_weights, "float32"
            )
        return self._mean(losses, weights)

    def _mean(self, losses, weights):
        """Mean over the classes, scaled for a mean over labelled rows."""
        total = ops.sum(weights, axis=-1)
        labelled = ops.cast(total > 0, "float32")
        means = ops.sum(
            ops.where(weights > 0, losses, 0.0) * weights, axis=-1
        ) / ops.where(total > 0, total, 1.0)
        share = ops.mean(labelled)
        means = means / ops.where(share > 0, share, 1.0)
        return ops.reshape(means, (-1, 1, 1))

    def class_losses(self, truth: Tensor, probabilities: Tensor) -> Tensor:
        """Compute the loss of each class.

        Args:
            truth: float32 `(rows, pixels, num_classes)`, one-hot, 0 where
                void. A row is a tile, or the whole batch.
            probabilities: float32 of the same shape, 0 where void.

        Returns:
            float32 `(rows, num_classes)`. Values of classes that do not
            occur in a row are not used.
        """
        raise NotImplementedError

    def get_config(self) -> Config:
        config = super().get_config()
        config["per_tile"] = self.per_tile
        return config


@keras.saving.register_keras_serializable(package="keras_rsseg")
class TverskyLoss(RegionLoss):
    """Tversky loss: one minus the soft Tversky index of the classes.

    With `tp`, `fp`, `fn` the sums of probabilities correctly, wrongly
    and not given to a class, its index is

    `(tp + smooth) / (tp + alpha * fp + beta * fn + smooth)`

    A `beta` above `alpha` makes misses costlier than false alarms, which
    helps small classes. `alpha = beta = 0.5` is `DiceLoss`, `alpha = beta =
    1` the soft Jaccard index. The mean is over the classes that occur in the
    masks, as in `RegionLoss`.

    Args:
        alpha: float >= 0. Weight of false positives.
        beta: float >= 0. Weight of false negatives.
        smooth: float >= 0, in pixels. Damps the loss of classes that have
            about as few pixels as this.
        per_tile: bool. Whether each tile is scored by itself; otherwise the
            whole batch.
        ignore_class, class_weights, from_logits, reduction, name: as in
            `SegmentationLoss`, which says how it treats void and wrong ids.
            `class_weights` weight the mean over the classes.

    Raises:
        ArgumentError: when `alpha`, `beta` or `smooth` is negative or the first
            two are both 0, or as `SegmentationLoss`.

    Example:

    ```python
    masks = np.array([[[0, 0, 1, 255]]])
    logits = np.array([[[[2, 0], [0, 2], [0, 1], [5, 0]]]], "float32")
    keras_rsseg.losses.TverskyLoss()(masks, logits)  # 0.25
    ```

    Reference:
        - [Salehi et al., 2017](https://arxiv.org/abs/1706.05721), equation 3
    """

    def __init__(
        self,
        alpha: float = 0.3,
        beta: float = 0.7,
        smooth: float = 1.0,
        per_tile: bool = False,
        ignore_class: int | None = VOID,
        class_weights: Sequence[float] | None = None,
        from_logits: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "tversky_loss",
    ):
        super().__init__(
            per_tile, ignore_class, class_weights, from_logits, reduction, name
        )
        self.alpha = check_not_negative("alpha", alpha)
        self.beta = check_not_negative("beta", beta)
        self.smooth = check_not_negative("smooth", smooth)
        if not alpha + beta:
            raise ArgumentError(
                "`alpha` and `beta` must not both be 0. "
                f"Received: alpha={alpha}, beta={beta}"
            )

    def class_losses(self, truth: Tensor, probabilities: Tensor) -> Tensor:
        hits = ops.sum(truth * probabilities, axis=1)
        misses = ops.sum(truth * (1.0 - probabilities), axis=1)
        alarms = ops.sum((1.0 - truth) * probabilities, axis=1)
        errors = self.alpha * alarms + self.beta * misses
        whole = hits + errors + self.smooth
        # 1 - (hits + smooth) / whole, without the cancellation.
        return errors / ops.where(whole > 0, whole, 1.0)

    def get_config(self) -> Config:
        config = super().get_config()
        config.update(
            {"alpha": self.alpha, "beta": self.beta, "smooth": self.smooth}
        )
        return config


@keras.saving.register_keras_serializable(package="keras_rsseg")
class DiceLoss(TverskyLoss):
    """Dice loss: one minus the soft Dice coefficient (F1) of the classes.

    With `tp`, `fp`, `fn` the sums of probabilities correctly, wrongly
    and not given to a class, its coefficient is

    `(2 * tp + s) / (2 * tp + fp + fn + s)`, where `s = 2 * smooth`

    (the sums are of probabilities, not of their squares). It is
    `TverskyLoss` with `alpha = beta = 0.5`. The mean is over the classes that
    occur in the masks, as in `RegionLoss`.

    Args:
        smooth: float >= 0, in pixels. Damps the loss of classes that have
            about as few pixels as this.
        per_tile: bool. Whether each tile is scored by itself; otherwise the
            whole batch.
        ignore_class, class_weights, from_logits, reduction, name: as in
            `SegmentationLoss`, which says how it treats void and wrong ids.
            `class_weights` weight the mean over the classes.

    Raises:
        ArgumentError: when `smooth` is negative, or as `SegmentationLoss`.

    Example:

    ```python
    masks = np.array([[[0, 0, 1, 255]]])
    logits = np.array([[[[2, 0], [0, 2], [0, 1], [5, 0]]]], "float32")
    keras_rsseg.losses.DiceLoss()(masks, logits)  # 0.2545
    ```

    Reference:
        - [Milletari et al., 2016](https://arxiv.org/abs/1606.04797), whose
          sums are of squares
        - [Sudre et al., 2017](https://arxiv.org/abs/1707.03237)
    """

    def __init__(
        self,
        smooth: float = 1.0,
        per_tile: bool = False,
        ignore_class: int | None = VOID,
        class_weights: Sequence[float] | None = None,
        from_logits: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "dice_loss",
    ):
        super().__init__(
            0.5,
            0.5,
            smooth,
            per_tile,
            ignore_class,
            class_weights,
            from_logits,
            reduction,
            name,
        )

    def get_config(self) -> Config:
        config = super().get_config()
        del config["alpha"], config["beta"]
        return config


@keras.saving.register_keras_serializable(package="keras_rsseg")
class LovaszLoss(RegionLoss):
    """Lovasz-softmax loss: the mean intersection over union, made convex.

    A pixel's error for a class is how far its probability is from the truth
    (1 or 0). Sorted by error, the largest first, each pixel costs what it
    adds to the Jaccard loss of the pixels before it; the loss of the class
    is the sum of error times cost. For probabilities of 0 and 1 it is one
    minus the intersection over union. The mean is over the classes that
    occur in the masks, as in `RegionLoss`.

    It sorts all pixels once for each class: with 16 classes at 512x512, loss
    and gradient take 0.6 to 2 s on a CPU core where cross-entropy takes
    0.04. Papers add it to cross-entropy, or fine-tune with it at the end.

    Args:
        per_tile: bool. Whether each tile is scored by itself; otherwise the
            whole batch.
        ignore_class, class_weights, from_logits, reduction, name: as in
            `SegmentationLoss`, which says how it treats void and wrong ids.
            `class_weights` weight the mean over the classes.

    Raises:
        ArgumentError: as `SegmentationLoss`.

    Example:

    ```python
    masks = np.array([[[0, 0, 1, 255]]])
    logits = np.array([[[[2, 0], [0, 2], [0, 1], [5, 0]]]], "float32")
    keras_rsseg.losses.LovaszLoss()(masks, logits)  # 0.55
    ```

    Reference:
        - [Berman et al., 2018](https://arxiv.org/abs/1705.08790), equations
          8, 9 and 12
    """

    default_name = "lovasz_loss"

    def class_losses(self, truth: Tensor, probabilities: Tensor) -> Tensor:
        truth = ops.transpose(truth, (0, 2, 1))
        probabilities = ops.transpose(probabilities, (0, 2, 1))
        # Void is 0 in both: no error, so it comes last and costs nothing.
        errors = ops.where(truth > 0, 1.0 - probabilities, probabilities)
        order = ops.argsort(ops.stop_gradient(-errors), axis=-1)
        rows, classes, pixels = ops.shape(errors)
        order = ops.cast(ops.reshape(order, (-1, pixels)), "int32")
        order = order + row_starts(rows * classes, pixels, 1)
        errors = ops.take(ops.reshape(errors, (-1,)), order)
        costs = _costs(ops.take(ops.reshape(truth, (-1,)), order))
        losses = ops.sum(errors * ops.stop_gradient(costs), axis=-1)
        return ops.reshape(losses, (rows, classes))


def _costs(truth):
    """What each pixel, in order of error, adds to the Jaccard loss.

    A pixel of the class takes 1 from the intersection, any other adds 1 to
    the union. In closed form, as differences of ratios near 1 would be
    noise in float32.
    """
    foreground = ops.cast(truth > 0, "int32")
    number = ops.sum(foreground, axis=-1, keepdims=True)
    outside = ops.cumsum(1 - foreground, axis=-1)
    left = ops.cast(number - ops.cumsum(foreground, axis=-1), "float32")
    union = ops.cast(ops.maximum(number + outside, 1), "float32")
    before = ops.cast(ops.maximum(number + outside - 1, 1), "float32")
    return ops.where(foreground > 0, 1.0 / union, left / union / before)
