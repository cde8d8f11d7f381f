"""What losses of the overlap of regions have in common."""

from keras import ops

from keras_rsseg.losses.segmentation_loss import SegmentationLoss
from keras_rsseg.void import VOID


class RegionLoss(SegmentationLoss):
    """Base of the losses that score each class's region as a whole.

    The loss is the mean over the classes that occur in the masks, over the
    whole batch, or over each tile by itself (`per_tile=True`) with a mean
    over the tiles that are not all void. An absent class has no region to
    overlap with: pixels wrongly given to it are missing from another class.
    `class_weights` weigh the mean over the classes, not the pixels.

    `call` returns one value for the batch, `(1, 1, 1)`, or for each tile,
    `(B, 1, 1)`. A `sample_weight` of shape `(B,)` multiplies tiles (of
    pixels it would only act by its mean: mark pixels void instead).

    A subclass defines `class_losses(truth, probabilities)`.

    Args:
        per_tile: bool.
        ignore_class, class_weights, from_logits, reduction, name: as in
            `SegmentationLoss`.

    Raises:
        ValueError: as `SegmentationLoss`.
    """

    def __init__(
        self,
        per_tile=False,
        ignore_class=VOID,
        class_weights=None,
        from_logits=True,
        reduction="sum_over_batch_size",
        name=None,
    ):
        super().__init__(
            ignore_class, class_weights, from_logits, reduction, name
        )
        self.per_tile = bool(per_tile)

    def pixel_losses(self, labels, valid, y_pred):
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
        # in one of the channels. A logit of -inf is a class ruled out.
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

    def class_losses(self, truth, probabilities):
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

    def get_config(self):
        config = super().get_config()
        config["per_tile"] = self.per_tile
        return config
