"""Which classes an image has: the loss of EncNet's second output."""

import keras
from keras import ops

from keras_rsseg.errors import ArgumentError
from keras_rsseg.ops.counting import count_ids
from keras_rsseg.ops.lean_graphs import row_starts
from keras_rsseg.typing import Tensor


@keras.saving.register_keras_serializable(package="keras_rsseg")
class PresenceLoss(keras.losses.Loss):
    """Binary cross-entropy of the classes that occur in an image.

    For each image and class, a logit says whether any pixel of the image has
    that class. Ids of no class, such as void, are ignored. The
    loss is the mean over images and classes, float32 whatever the dtype of
    the logits.

    Args:
        reduction: as in `keras.losses.Loss`.
        name: string.

    Raises:
        ArgumentError: when called, if the logits are not `(batch, classes)`.

    Example:

    ```python
    loss = keras_rsseg.losses.PresenceLoss()
    masks = np.array([[[0, 0], [2, 255]]])
    loss(masks, np.array([[2, -2, 2]], "float32"))  # 0.127
    ```

    Reference:
        - [Zhang et al., Context Encoding for Semantic Segmentation, 2018](
          https://arxiv.org/abs/1803.08904) (the semantic encoding loss)
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "presence_loss",
    ):
        super().__init__(name=name, reduction=reduction, dtype="float32")

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        logits = ops.cast(y_pred, "float32")
        if len(logits.shape) != 2:
            raise ArgumentError(
                "Logits of presence must have the shape (batch, classes). "
                f"Received: {tuple(logits.shape)}"
            )
        present = _present_classes(y_true, logits.shape[-1])
        return ops.binary_crossentropy(present, logits, from_logits=True)


def _present_classes(masks, num_classes):
    """float32 `(batch, classes)`, 1 where a class has a pixel."""
    masks = ops.cast(ops.convert_to_tensor(masks), "int32")
    batch = ops.shape(masks)[0]
    ids = ops.reshape(masks, (batch, -1))
    known = ops.logical_and(ids >= 0, ids < num_classes)
    # The last column is for ids of no class.
    ids = ops.where(known, ids, num_classes)
    first = row_starts(batch, num_classes + 1, 1)
    counts = count_ids(first + ids, batch * (num_classes + 1))
    counts = ops.reshape(counts, (-1, num_classes + 1))
    return ops.cast(counts[:, :num_classes] > 0, "float32")
