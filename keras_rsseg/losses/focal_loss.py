"""Cross-entropy that down-weights pixels already classified well."""

from collections.abc import Sequence
from typing import get_args

import keras
from keras import ops

from keras_rsseg.checks import check_choice
from keras_rsseg.checks import check_not_negative
from keras_rsseg.checks import check_positive
from keras_rsseg.losses.annealing import Annealing
from keras_rsseg.losses.annealing import Schedule
from keras_rsseg.losses.segmentation_loss import SegmentationLoss
from keras_rsseg.typing import Config
from keras_rsseg.typing import Tensor
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
            `SegmentationLoss`, which says how it treats void and wrong ids.

    Raises:
        ArgumentError: when `gamma` is negative, or as `SegmentationLoss`.

    Example:

    ```python
    masks = np.array([[[0, 0, 1, 255]]])
    logits = np.array([[[[2, 0], [0, 2], [0, 1], [5, 0]]]], "float32")
    keras_rsseg.losses.FocalLoss(gamma=2.0)(masks, logits)  # 0.558
    ```

    Reference:
        - [Lin et al., 2017](https://arxiv.org/abs/1708.02002), equation 5
    """

    def __init__(
        self,
        gamma: float = 2.0,
        ignore_class: int | None = VOID,
        class_weights: Sequence[float] | None = None,
        from_logits: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "focal_loss",
    ):
        super().__init__(
            ignore_class, class_weights, from_logits, reduction, name
        )
        self.gamma = check_not_negative("gamma", gamma)

    def pixel_losses(
        self, labels: Tensor, valid: Tensor, y_pred: Tensor
    ) -> Tensor:
        losses = self.cross_entropy(labels, valid, y_pred)
        losses = losses * focal_factor(losses, self.gamma)
        return self.weighted_mean(losses, labels, valid)

    def get_config(self) -> Config:
        config = super().get_config()
        config["gamma"] = self.gamma
        return config


def focal_factor(cross_entropy: Tensor, gamma: float) -> Tensor:
    """Return `(1 - p)**gamma` of pixels whose cross-entropy is `-log(p)`."""
    if gamma == 0:
        return ops.ones_like(cross_entropy)
    # The floor keeps the slope finite at p = 1, if gamma < 1.
    miss = ops.maximum(-ops.expm1(-cross_entropy), 1e-7)
    return ops.power(miss, gamma)


@keras.saving.register_keras_serializable(package="keras_rsseg")
class ForegroundAwareLoss(SegmentationLoss):
    """FarSeg's foreground-aware optimisation.

    In aerial images most pixels are easy background, and they dominate the
    gradient. Here the cross-entropy of a pixel whose true class has the
    probability `p` is multiplied by `(1 - p)**gamma / Z`, with `Z` such that
    the sum over the batch stays the same: the easy pixels' share goes to the
    hard ones, and the learning rate need not change. No gradient flows
    through the factors. So the value of the loss is always that of (weighted)
    cross-entropy; only its gradient differs.

    Early in training the factors are mostly wrong. With `annealing_steps`
    they are blended with 1, `factor + weight * (1 - factor)`, where the
    weight falls from 1, plain cross-entropy, to 0 in that number of steps of
    the optimizer (10000 in the paper). `AdvanceAnnealing` must then be among
    the callbacks of `fit`, or the weight stays 1; and on JAX the metrics of
    `compile` must hold `loss.annealing`, which reports the weight on every
    backend. The steps are the optimizer's, so a training that is resumed
    with its optimizer's state continues where it was.

    Args:
        gamma: float >= 0. How much the hard pixels are favoured.
        annealing_steps: int >= 1, or `None` for none.
        annealing: `"cosine"`, `"poly"` (power 0.9) or `"linear"`, how the
            weight falls.
        ignore_class, class_weights, from_logits, reduction, name: as in
            `SegmentationLoss`, which says how it treats void and wrong ids.

    Attributes:
        annealing: an `Annealing` metric, or `None`.

    Raises:
        ArgumentError: when `gamma` is negative, `annealing_steps` is not a
            positive integer or `annealing` is unknown, or as
            `SegmentationLoss`.

    Example:

    ```python
    masks = np.array([[[0, 0, 1, 255]]])
    logits = np.array([[[[2, 0], [0, 2], [0, 1], [5, 0]]]], "float32")
    keras_rsseg.losses.ForegroundAwareLoss()(masks, logits)  # 0.856
    ```

    Reference:
        - [Zheng et al., FarSeg, 2020](https://arxiv.org/abs/2011.09766),
          section 3.4
    """

    def __init__(
        self,
        gamma: float = 2.0,
        annealing_steps: int | None = None,
        annealing: Schedule = "cosine",
        ignore_class: int | None = VOID,
        class_weights: Sequence[float] | None = None,
        from_logits: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "foreground_aware_loss",
    ):
        super().__init__(
            ignore_class, class_weights, from_logits, reduction, name
        )
        self.gamma = check_not_negative("gamma", gamma)
        self.annealing = None
        if annealing_steps is not None:
            check_positive("annealing_steps", annealing_steps)
            check_choice("annealing", annealing, get_args(Schedule))
            self.annealing = Annealing(annealing_steps, annealing)

    def pixel_losses(
        self, labels: Tensor, valid: Tensor, y_pred: Tensor
    ) -> Tensor:
        losses = self.cross_entropy(labels, valid, y_pred)
        weighted = self.weighted_mean(losses, labels, valid)
        factor = focal_factor(losses, self.gamma)
        faded = ops.mean(weighted * factor)
        scale = ops.mean(weighted) / ops.where(faded > 0, faded, 1.0)
        factor = ops.where(faded > 0, factor * scale, 1.0)
        if self.annealing is not None:
            factor = factor + self.annealing.result() * (1.0 - factor)
        return weighted * ops.stop_gradient(factor)

    def get_config(self) -> Config:
        config = super().get_config()
        config["gamma"] = self.gamma
        if self.annealing is not None:
            config["annealing_steps"] = self.annealing.steps
            config["annealing"] = self.annealing.schedule
        return config
