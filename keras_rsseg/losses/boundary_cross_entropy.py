"""Binary cross-entropy for boundary logits."""

import keras
from keras import ops

from keras_rsseg.errors import ArgumentError
from keras_rsseg.ops.masks import squeeze_mask
from keras_rsseg.typing import Config
from keras_rsseg.typing import Tensor


@keras.saving.register_keras_serializable(package="keras_rsseg")
class BoundaryCrossEntropy(keras.losses.Loss):
    """Binary cross-entropy of boundary logits, balanced by the batch.

    Boundary pixels are rare. With `class_balanced=True`, a boundary pixel is
    weighted by the share of the other pixels in the batch, any other pixel by
    the share of the boundary pixels:

    `w(1) = neg / (pos + neg)`, `w(0) = pos / (pos + neg)`,
    `loss = sum(w * bce) / (B * H * W)`

    This is the released PFNet recipe, where its weight in the sum of losses
    is 25. A batch without a boundary pixel has a loss of 0. With
    `class_balanced=False`, the loss is the mean over the labelled pixels (the
    paper's).

    Targets above 1 are ignored pixels. They weigh 0, though the balanced
    mean still divides by all pixels, as released. Any other target that is
    neither 0 nor 1 (a mask resized bilinearly, a negative id) makes the loss
    NaN, with zero gradients. All arithmetic is float32, whatever the dtype
    of the logits.

    `call` returns one value per pixel, `(B, H, W)`, whose mean is the loss, so
    a `sample_weight` of shape `(B, H, W)` or `(B, 1, 1)` multiplies pixels.
    It does not affect the counts.

    Args:
        class_balanced: bool. Whether to weight by the counts of the batch.
        reduction: as in `keras.losses.Loss`.
        name: string.

    Raises:
        ArgumentError: when targets and logits differ in size, or the logits do
            not have one channel.

    Example:

    ```python
    bands = np.array([[[0, 0, 0, 1]]])
    logits = np.array([[[-1, -2, -2, 1]]], "float32")
    keras_rsseg.losses.BoundaryCrossEntropy()(bands, logits)  # 0.094
    ```

    Reference:
        - [Li et al., PointFlow, 2021](https://arxiv.org/abs/2103.06564)
    """

    def __init__(
        self,
        class_balanced: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "boundary_cross_entropy",
    ):
        super().__init__(name=name, reduction=reduction, dtype="float32")
        self.class_balanced = class_balanced

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        logits = ops.cast(y_pred, "float32")
        if len(logits.shape) == 3:
            logits = ops.expand_dims(logits, axis=-1)
        if logits.shape[-1] != 1:
            raise ArgumentError(
                "Boundary logits must have the shape (batch, height, width) "
                "or (batch, height, width, 1). "
                f"Received: {tuple(y_pred.shape)}"
            )
        target = ops.cast(squeeze_mask(y_true, logits), "float32")
        boundary = ops.equal(target, 1.0)
        other = ops.equal(target, 0.0)
        losses = ops.binary_crossentropy(
            ops.cast(boundary, "float32"), logits[..., 0], from_logits=True
        )
        losses = losses * self._weights(boundary, other)
        sound = ops.all(
            ops.logical_or(ops.logical_or(boundary, other), target > 1.0)
        )
        return ops.where(sound, losses, float("nan"))

    def _weights(self, boundary, other):
        """The weight of each pixel, `(B, H, W)` float32."""
        positives = ops.sum(ops.cast(boundary, "int32"))
        negatives = ops.sum(ops.cast(other, "int32"))
        labelled = ops.cast(ops.maximum(positives + negatives, 1), "float32")
        if self.class_balanced:
            of_boundary = ops.cast(negatives, "float32") / labelled
            of_other = ops.cast(positives, "float32") / labelled
        else:
            of_boundary = ops.cast(ops.size(other), "float32") / labelled
            of_other = of_boundary
        return ops.where(boundary, of_boundary, ops.where(other, of_other, 0.0))

    def get_config(self) -> Config:
        config = super().get_config()
        config["class_balanced"] = self.class_balanced
        return config
