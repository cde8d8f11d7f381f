"""Cross-entropy that well-classified pixels hardly enter."""

import keras
from keras import ops

from keras_rsseg.losses.segmentation_loss import SegmentationLoss
from keras_rsseg.void import VOID


@keras.saving.register_keras_serializable(package="keras_rsseg")
class FocalLoss(SegmentationLoss):
    """Focal loss: cross-entropy that fades where the prediction is right.

    With `p` the predicted probability of a pixel's true class, its loss is
    `-(1 - p)**gamma * log(p)`. The loss is the mean over the valid pixels,
    weighted where `class_weights` are given (the paper's alpha). It is not
    divided by the sum of the factors, so it is smaller than cross-entropy;
    `ForegroundAwareLoss` keeps the sum.

    Args:
        gamma: float >= 0. How fast the loss fades; 0 is cross-entropy.
        ignore_class, class_weights, from_logits, reduction, name: as in
            `SegmentationLoss`, which says what becomes of void and of wrong
            ids.

    Raises:
        ValueError: when `gamma` is negative, or as `SegmentationLoss`.

    Example:
        ```python
        masks = np.random.randint(0, 6, (2, 64, 64))
        logits = np.random.normal(size=(2, 64, 64, 6))
        keras_rsseg.losses.FocalLoss(gamma=2.0)(masks, logits)
        ```

    Reference:
        - [Lin et al., 2017](https://arxiv.org/abs/1708.02002), equation 5
    """

    def __init__(
        self,
        gamma=2.0,
        ignore_class=VOID,
        class_weights=None,
        from_logits=True,
        reduction="sum_over_batch_size",
        name="focal_loss",
    ):
        super().__init__(
            ignore_class, class_weights, from_logits, reduction, name
        )
        self.gamma = standardize_gamma(gamma)

    def pixel_losses(self, labels, valid, y_pred):
        losses = self.cross_entropy(labels, valid, y_pred)
        losses = losses * focal_factor(losses, self.gamma)
        return self.weighted_mean(losses, labels, valid)

    def get_config(self):
        config = super().get_config()
        config["gamma"] = self.gamma
        return config


def focal_factor(cross_entropy, gamma):
    """Return `(1 - p)**gamma` of pixels whose cross-entropy is `-log(p)`."""
    if gamma == 0:
        return ops.ones_like(cross_entropy)
    # The floor keeps the slope finite at p = 1, where gamma < 1.
    miss = ops.maximum(-ops.expm1(-cross_entropy), 1e-7)
    return ops.power(miss, gamma)


def standardize_gamma(gamma):
    """Return `gamma` as a float, or raise a ValueError if it is negative."""
    if not 0 <= gamma < float("inf"):
        raise ValueError(
            "Argument `gamma` must be a finite number >= 0. "
            f"Received: gamma={gamma}"
        )
    return float(gamma)
