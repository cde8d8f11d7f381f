"""Overlap of regions, both kinds of error alike."""

import keras

from keras_rsseg.losses.tversky_loss import TverskyLoss
from keras_rsseg.void import VOID


@keras.saving.register_keras_serializable(package="keras_rsseg")
class DiceLoss(TverskyLoss):
    """Dice loss: one minus the soft Dice coefficient (F1) of the classes.

    With `tp`, `fp`, `fn` the sums of probabilities that are rightly, wrongly
    and not given to a class, its coefficient is

    `(2 * tp + s) / (2 * tp + fp + fn + s)`, where `s = 2 * smooth`

    (the sums are of probabilities, not of their squares). It is
    `TverskyLoss` with `alpha = beta = 0.5`. The mean over the classes is as
    in `RegionLoss`: those that occur in the masks.

    Args:
        smooth: float >= 0, in pixels. It damps the loss of classes with so
            few pixels.
        per_tile: bool. Whether each tile is scored by itself; otherwise the
            whole batch.
        ignore_class, class_weights, from_logits, reduction, name: as in
            `SegmentationLoss`, which says what becomes of void and of wrong
            ids. `class_weights` weigh the mean over the classes.

    Raises:
        ValueError: when `smooth` is negative, or as `SegmentationLoss`.

    Example:
        ```python
        masks = np.random.randint(0, 6, (2, 64, 64))
        logits = np.random.normal(size=(2, 64, 64, 6))
        keras_rsseg.losses.DiceLoss()(masks, logits)
        ```

    Reference:
        - [Milletari et al., 2016](https://arxiv.org/abs/1606.04797), whose
          sums are of squares
        - [Sudre et al., 2017](https://arxiv.org/abs/1707.03237)
    """

    def __init__(
        self,
        smooth=1.0,
        per_tile=False,
        ignore_class=VOID,
        class_weights=None,
        from_logits=True,
        reduction="sum_over_batch_size",
        name="dice_loss",
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

    def get_config(self):
        config = super().get_config()
        del config["alpha"], config["beta"]
        return config
