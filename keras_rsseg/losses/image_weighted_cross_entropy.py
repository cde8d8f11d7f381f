"""Cross-entropy whose weights come from the classes of each image."""

import keras
from keras import ops

from keras_rsseg.losses.segmentation_loss import SegmentationLoss
from keras_rsseg.typing import Tensor


@keras.saving.register_keras_serializable(package="keras_rsseg")
class ImageWeightedCrossEntropy(SegmentationLoss):
    """Cross-entropy with a weight of 2 - frequency for each class.

    Frequencies are shares of the pixels of an image that are not void, so a
    class that fills an image weighs 1 there and one with few pixels almost 2.
    The loss is the mean over images of the weighted means of their pixels.

    See `keras_rsseg.losses.SegmentationLoss` for arguments;
    `class_weights` multiply these weights.

    Example:

    ```python
    loss = keras_rsseg.losses.ImageWeightedCrossEntropy()
    masks = np.array([[[0, 0, 0, 1]]])
    logits = np.array([[[[2, 0], [2, 0], [2, 0], [2, 0]]]], "float32")
    loss(masks, logits)  # 0.763
    ```

    Reference:
        - [Takikawa et al., Gated-SCNN: Gated Shape CNNs for Semantic
          Segmentation, 2019](https://arxiv.org/abs/1907.05740) (its code)
    """

    def pixel_losses(
        self, labels: Tensor, valid: Tensor, y_pred: Tensor
    ) -> Tensor:
        known = ops.cast(valid, "float32")
        classes = ops.one_hot(labels, y_pred.shape[-1])
        classes = classes * ops.expand_dims(known, axis=-1)
        counts = ops.sum(classes, axis=(1, 2))
        total = ops.maximum(ops.sum(counts, axis=-1, keepdims=True), 1.0)
        weights = 2.0 - counts / total
        if self.class_weights is not None:
            weights = weights * ops.convert_to_tensor(
                self.class_weights, "float32"
            )
        # Each pixel has the weight of its class, void pixels 0.
        weights = ops.sum(classes * weights[:, None, None, :], axis=-1)
        losses = self.cross_entropy(labels, valid, y_pred)
        loss = ops.sum(weights * losses, axis=(1, 2), keepdims=True)
        divisor = ops.sum(weights, axis=(1, 2), keepdims=True)
        return loss / ops.where(divisor > 0, divisor, 1.0)
