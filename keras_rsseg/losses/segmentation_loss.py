"""What all losses of class masks have in common."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from keras_rsseg.errors import ArgumentError
from keras_rsseg.ops.masks import squeeze_mask
from keras_rsseg.tables import counted
from keras_rsseg.typing import Config
from keras_rsseg.typing import Tensor
from keras_rsseg.void import VOID


class SegmentationLoss(keras.losses.Loss):
    """Base of the losses of class masks: void, class weights, precision.

    Void pixels (`ignore_class` in the mask) take no part, not even with NaN
    logits; a batch of only void has a loss of 0 and no gradient. NaN logits
    in any other pixel make the loss NaN. A class id that is neither
    `ignore_class` nor a channel of the logits makes the loss NaN, with zero
    gradients, on every backend: compiled code cannot raise, and the pixel
    must not count as something else. All arithmetic is float32, whatever the
    dtype of the logits.

    With `class_weights` a mean over pixels is the weighted mean `sum(w *
    loss) / sum(w)`, where `w` is the weight of a pixel's true class, as in
    PyTorch's cross-entropy. So a common factor of the weights changes
    nothing, and rare classes gain in weight what common ones lose.

    Means are over the batch that one call sees (in distributed training,
    that of a replica). `call` returns values whose plain mean is the loss:
    the default reduction gives it, and a `sample_weight` multiplies them
    without changing the divisor. Its shape is `(B,)`, for tiles, or `(B, H,
    W)`, for pixels; pixels of weight 0 are better marked void.

    A subclass defines `pixel_losses(labels, valid, y_pred)`.

    Args:
        ignore_class: int or `None`. The class id of void pixels. `None`:
            every pixel takes part.
        class_weights: `None`, or a sequence of one float >= 0 for each
            class.
        from_logits: bool. Whether predictions are logits; otherwise they are
            probabilities.
        reduction: as in `keras.losses.Loss`.
        name: string.

    Raises:
        ArgumentError: when a class weight is negative or not finite, or all are
            0; when called, if mask and logits differ in size or logits and
            weights in the number of classes.

    Example:

    ```python
    class SquaredError(keras_rsseg.losses.SegmentationLoss):
        def pixel_losses(self, labels, valid, y_pred):
            truth = keras.ops.one_hot(labels, y_pred.shape[-1])
            errors = keras.ops.softmax(y_pred) - truth
            errors = keras.ops.sum(errors**2, axis=-1)
            return self.weighted_mean(errors, labels, valid)

    loss = SquaredError(class_weights=[1, 3])
    masks = np.array([[[0, 0, 1, 255]]])
    logits = np.array([[[[2, 0], [0, 2], [0, 1], [5, 0]]]], "float32")
    loss(masks, logits)  # 0.403
    ```

    Reference:
        `torch.nn.CrossEntropyLoss`, for the weighted mean.
    """

    def __init__(
        self,
        ignore_class: int | None = VOID,
        class_weights: Sequence[float] | None = None,
        from_logits: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
    ):
        super().__init__(name=name, reduction=reduction, dtype="float32")
        self.ignore_class = ignore_class
        self.class_weights = _standardize_class_weights(class_weights)
        self.from_logits = from_logits

    def __call__(
        self,
        y_true: Tensor,
        y_pred: Tensor,
        sample_weight: Tensor | None = None,
    ) -> Tensor:
        if sample_weight is not None:
            sample_weight = ops.convert_to_tensor(sample_weight)
            if len(sample_weight.shape) == 1:
                # Weights of tiles. Keras would multiply columns by them.
                sample_weight = ops.reshape(sample_weight, (-1, 1, 1))
        return super().__call__(y_true, y_pred, sample_weight)

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        y_pred = ops.cast(y_pred, "float32")
        mask = ops.cast(squeeze_mask(y_true, y_pred), "int32")
        self._check_classes(y_pred.shape[-1])
        valid = ops.ones_like(mask, dtype="bool")
        if self.ignore_class is not None:
            valid = ops.not_equal(mask, self.ignore_class)
        known = ops.logical_and(mask >= 0, mask < y_pred.shape[-1])
        labels = ops.where(ops.logical_and(valid, known), mask, 0)
        # A gradient of zero times NaN would be NaN, so the losses of void
        # pixels come from other numbers. Equal for all classes, they are
        # valid as logits and as probabilities.
        y_pred = ops.where(ops.expand_dims(valid, axis=-1), y_pred, 1.0)
        losses = self.pixel_losses(labels, valid, y_pred)
        sound = ops.all(ops.logical_or(known, ops.logical_not(valid)))
        return ops.where(sound, losses, float("nan"))

    def pixel_losses(
        self, labels: Tensor, valid: Tensor, y_pred: Tensor
    ) -> Tensor:
        """Compute values whose mean is the loss.

        Args:
            labels: int32 `(B, H, W)`, class ids, 0 where void.
            valid: bool `(B, H, W)`, false where void.
            y_pred: float32 `(B, H, W, num_classes)`.

        Returns:
            float32 tensor that broadcasts to `(B, H, W)`.
        """
        raise NotImplementedError

    def cross_entropy(
        self, labels: Tensor, valid: Tensor, y_pred: Tensor
    ) -> Tensor:
        """Return the cross-entropy of each pixel, 0 where void."""
        # As a list of pixels: torch has no gradient for maps of
        # probabilities whose channels are last.
        losses = ops.sparse_categorical_crossentropy(
            ops.reshape(labels, (-1,)),
            ops.reshape(y_pred, (-1, y_pred.shape[-1])),
            from_logits=self.from_logits,
        )
        return ops.where(valid, ops.reshape(losses, ops.shape(valid)), 0.0)

    def weighted_mean(
        self, losses: Tensor, labels: Tensor, kept: Tensor
    ) -> Tensor:
        """Scale losses so that their mean is the weighted mean of the kept.

        Args:
            losses: float32 `(B, H, W)`.
            labels: int32 `(B, H, W)`, class ids.
            kept: bool `(B, H, W)`, the pixels that take part.

        Returns:
            float32 `(B, H, W)`, all 0 without a kept pixel.
        """
        weights = ops.cast(kept, "float32")
        if self.class_weights is not None:
            weights = weights * ops.take(np.float32(self.class_weights), labels)
        total = ops.sum(weights)
        pixels = ops.cast(ops.size(weights), "float32")
        weights = weights * (pixels / ops.where(total > 0, total, 1.0))
        return ops.where(kept, losses, 0.0) * weights

    def _check_classes(self, classes):
        weights = self.class_weights
        if weights is not None and len(weights) != classes:
            raise ArgumentError(
                "Argument `class_weights` must have one weight for each "
                f"class. Received: {counted(len(weights), 'weight')} for "
                f"logits of {counted(classes, 'class')}"
            )

    def get_config(self) -> Config:
        config = super().get_config()
        config.update(
            {
                "ignore_class": self.ignore_class,
                "class_weights": self.class_weights,
                "from_logits": self.from_logits,
            }
        )
        return config


def _standardize_class_weights(weights):
    if weights is None:
        return None
    weights = [float(weight) for weight in weights]
    if not all(0 <= w < float("inf") for w in weights) or not any(weights):
        raise ArgumentError(
            "Argument `class_weights` must hold finite floats >= 0, not all "
            f"0. Received: class_weights={weights}"
        )
    return weights
