"""GSCNN's loss between the outlines of predicted and true classes."""

from typing import Any

import keras
from keras import ops

from keras_rsseg.losses.segmentation_loss import SegmentationLoss
from keras_rsseg.typing import Config
from keras_rsseg.typing import Shape
from keras_rsseg.typing import Tensor
from keras_rsseg.void import VOID


@keras.saving.register_keras_serializable(package="keras_rsseg")
class GumbelSoftmax(keras.layers.Layer):
    """Softmax of logits with Gumbel noise: nearly a sampled class.

    Args:
        temperature: float. The lower, the nearer. Defaults to `0.5`.
        seed: int or `None`. Seed of the noise.
        **kwargs: other keyword arguments of `keras.layers.Layer`.

    Call arguments:
        logits: float tensor, classes last.

    Returns:
        Tensor like `logits`, whose last axis sums to 1.

    Example:

    ```python
    layer = keras_rsseg.models.gscnn.dual_task.GumbelSoftmax()
    layer(np.zeros((1, 8, 8, 3), "float32")).shape  # (1, 8, 8, 3)
    ```

    Reference:
        - [Jang et al., Categorical Reparameterization with Gumbel-Softmax,
          2016](https://arxiv.org/abs/1611.01144)
    """

    def __init__(
        self, temperature: float = 0.5, seed: int | None = None, **kwargs: Any
    ):
        super().__init__(**kwargs)
        self.temperature = temperature
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, logits_shape: Shape) -> None:
        pass

    def call(self, logits: Tensor) -> Tensor:
        # For 0 and 1 the noise would be infinite.
        noise = keras.random.uniform(
            ops.shape(logits), 1e-6, 1 - 1e-6, seed=self.seed_generator
        )
        noise = -ops.log(-ops.log(noise))
        noise = ops.cast(noise, logits.dtype)
        return ops.softmax((logits + noise) / self.temperature, axis=-1)

    def compute_output_shape(self, logits_shape: Shape) -> Shape:
        return tuple(logits_shape)

    def get_config(self) -> Config:
        config = super().get_config()
        config.update({"temperature": self.temperature, "seed": self.seed})
        return config


@keras.saving.register_keras_serializable(package="keras_rsseg")
class DualTaskLoss(SegmentationLoss):
    """Mean difference of two maps made from predicted and true classes.

    In the paper these are the magnitudes of the gradients of the class maps.
    The release switches its derivative filters off: with `p` the share of a
    class it compares `sqrt(2 p^2 + 1e-6)`, divided by its largest value in
    the batch, and so does this loss. Predictions are probabilities; the
    released ones are those of `GumbelSoftmax`.

    Args:
        ignore_class: int or `None`. The class id of void pixels.
        reduction: as in `keras.losses.Loss`.
        name: string.

    Example:

    ```python
    loss = keras_rsseg.models.gscnn.dual_task.DualTaskLoss()
    masks = np.array([[[0, 1]]])
    loss(masks, np.array([[[[1, 0], [0, 1]]]], "float32"))  # 0.0
    ```

    Reference:
        - [Takikawa et al., Gated-SCNN, 2019](
          https://arxiv.org/abs/1907.05740), equation 4
    """

    def __init__(
        self,
        ignore_class: int | None = VOID,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "dual_task",
    ):
        super().__init__(
            ignore_class, from_logits=False, reduction=reduction, name=name
        )

    def pixel_losses(
        self, labels: Tensor, valid: Tensor, y_pred: Tensor
    ) -> Tensor:
        truth = ops.one_hot(labels, y_pred.shape[-1])
        difference = ops.abs(_outlines(y_pred, valid) - _outlines(truth, valid))
        return self.weighted_mean(ops.mean(difference, -1), labels, valid)

    def get_config(self) -> Config:
        config = super().get_config()
        del config["class_weights"], config["from_logits"]
        return config


def _outlines(shares: Tensor, valid: Tensor) -> Tensor:
    magnitude = ops.sqrt(2 * ops.square(shares) + 1e-6)
    counted = ops.where(ops.expand_dims(valid, -1), magnitude, 1e-3)
    return magnitude / ops.max(counted)
