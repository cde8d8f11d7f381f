"""Overlap of regions with a price for each kind of error."""

import keras
from keras import ops

from keras_rsseg.losses.region_loss import RegionLoss
from keras_rsseg.void import VOID


@keras.saving.register_keras_serializable(package="keras_rsseg")
class TverskyLoss(RegionLoss):
    """Tversky loss: one minus the soft Tversky index of the classes.

    With `tp`, `fp`, `fn` the sums of probabilities that are rightly, wrongly
    and not given to a class, its index is

    `(tp + smooth) / (tp + alpha * fp + beta * fn + smooth)`

    A `beta` above `alpha` makes misses dearer than false alarms, which helps
    small classes. `alpha = beta = 0.5` is `DiceLoss`, `alpha = beta = 1` the
    soft Jaccard index. The mean over the classes is as in `RegionLoss`: those
    that occur in the masks.

    Args:
        alpha: float >= 0. Weight of false positives.
        beta: float >= 0. Weight of false negatives.
        smooth: float >= 0, in pixels. It damps the loss of classes with so
            few pixels.
        per_tile: bool. Whether each tile is scored by itself; otherwise the
            whole batch.
        ignore_class, class_weights, from_logits, reduction, name: as in
            `SegmentationLoss`, which says what becomes of void and of wrong
            ids. `class_weights` weigh the mean over the classes.

    Raises:
        ValueError: when `alpha`, `beta` or `smooth` is negative or the first
            two are both 0, or as `SegmentationLoss`.

    Example:
        ```python
        masks = np.random.randint(0, 6, (2, 64, 64))
        logits = np.random.normal(size=(2, 64, 64, 6))
        keras_rsseg.losses.TverskyLoss()(masks, logits)
        ```

    Reference:
        - [Salehi et al., 2017](https://arxiv.org/abs/1706.05721), equation 3
    """

    def __init__(
        self,
        alpha=0.3,
        beta=0.7,
        smooth=1.0,
        per_tile=False,
        ignore_class=VOID,
        class_weights=None,
        from_logits=True,
        reduction="sum_over_batch_size",
        name="tversky_loss",
    ):
        super().__init__(
            per_tile, ignore_class, class_weights, from_logits, reduction, name
        )
        for key, value in {"alpha": alpha, "beta": beta}.items():
            if not 0 <= value < float("inf") or not alpha + beta:
                raise ValueError(
                    f"Argument `{key}` must be a finite number >= 0, and not "
                    f"both 0. Received: alpha={alpha}, beta={beta}"
                )
        if not 0 <= smooth < float("inf"):
            raise ValueError(
                "Argument `smooth` must be a finite number >= 0. "
                f"Received: smooth={smooth}"
            )
        self.alpha = float(alpha)
        self.beta = float(beta)
        self.smooth = float(smooth)

    def class_losses(self, truth, probabilities):
        hits = ops.sum(truth * probabilities, axis=1)
        misses = ops.sum(truth * (1.0 - probabilities), axis=1)
        alarms = ops.sum((1.0 - truth) * probabilities, axis=1)
        errors = self.alpha * alarms + self.beta * misses
        whole = hits + errors + self.smooth
        # 1 - (hits + smooth) / whole, without the cancellation.
        return errors / ops.where(whole > 0, whole, 1.0)

    def get_config(self):
        config = super().get_config()
        config.update(
            {"alpha": self.alpha, "beta": self.beta, "smooth": self.smooth}
        )
        return config
