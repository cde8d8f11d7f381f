"""A weight of a loss that falls from 1 to 0 during training."""

import math
from typing import Any
from typing import Literal
from typing import TypeAlias
from typing import get_args

import keras
from keras import ops

from keras_rsseg.checks import check_choice
from keras_rsseg.checks import check_positive
from keras_rsseg.errors import ArgumentError
from keras_rsseg.typing import Config
from keras_rsseg.typing import DType
from keras_rsseg.typing import Tensor

Schedule: TypeAlias = Literal["cosine", "poly", "linear"]

_POWERS = {"linear": 1.0, "poly": 0.9}


@keras.saving.register_keras_serializable(package="keras_rsseg")
class Annealing(keras.metrics.Metric):
    """A weight that falls from 1 to 0 over a number of training steps.

    With `t` the share of the steps done, it is `(1 + cos(pi t)) / 2`
    (`"cosine"`), `1 - t` (`"linear"`) or `(1 - t)**0.9` (`"poly"`).

    It is a metric for two reasons: logs show the weight, and on JAX the
    metrics are the only part of a compiled model's state that a loss can add
    to without changing what is saved. Batches do not update it and it is
    never reset: `AdvanceAnnealing` sets its step.

    Args:
        steps: int >= 1.
        schedule: `"cosine"`, `"linear"` or `"poly"`.
        name: string.
        dtype: as in `keras.metrics.Metric`.

    Raises:
        ArgumentError: when `steps` is not a positive integer or `schedule` is
            unknown.

    Example:

    ```python
    annealing = keras_rsseg.losses.Annealing(steps=10000)
    annealing.step.assign(5000)
    annealing.result()  # 0.5
    ```

    Reference:
        - [Zheng et al., FarSeg, 2020](https://arxiv.org/abs/2011.09766),
          section 3.4
    """

    def __init__(
        self,
        steps: int,
        schedule: Schedule = "cosine",
        name: str | None = "annealing",
        dtype: DType = None,
    ):
        super().__init__(name=name, dtype=dtype)
        check_choice("schedule", schedule, get_args(Schedule))
        self.steps = check_positive("steps", steps)
        self.schedule = schedule
        # A sum over replicas would split what the callback assigns.
        self.step = self.add_variable(
            (),
            "zeros",
            dtype="float32",
            aggregation="only_first_replica",
            name="step",
        )

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing: evaluation also updates metrics."""

    def reset_state(self) -> None:
        """Do nothing: each epoch resets the metrics."""

    def result(self) -> Tensor:
        """Return the weight, a float32 scalar in [0, 1]."""
        done = ops.clip(self.step / self.steps, 0.0, 1.0)
        if self.schedule == "cosine":
            return 0.5 * (1.0 + ops.cos(math.pi * done))
        return ops.power(1.0 - done, _POWERS[self.schedule])

    def get_config(self) -> Config:
        config = super().get_config()
        config.update({"steps": self.steps, "schedule": self.schedule})
        return config


class AdvanceAnnealing(keras.callbacks.Callback):
    """Tells a loss with an annealed weight how far training has got.

    Before each batch it gives the loss the number of steps that the
    optimizer has taken (with `steps_per_execution`, before each execution).

    Args:
        loss: a loss with an attribute `annealing`, such as
            `ForegroundAwareLoss(annealing_steps=10000)`: the object that the
            model was compiled with.

    Raises:
        ArgumentError: when the loss has no annealing; when training begins on
            JAX and `loss.annealing` is not among the metrics of the model.

    Example:

    ```python
    loss = keras_rsseg.losses.ForegroundAwareLoss(annealing_steps=4)
    inputs = keras.Input((None, None, 3))
    model = keras.Model(inputs, keras.layers.Conv2D(6, 1)(inputs))
    model.compile("sgd", loss=loss, metrics=[loss.annealing])
    images = np.zeros((2, 8, 8, 3), "float32")
    masks = np.zeros((2, 8, 8), "int32")
    callback = keras_rsseg.losses.AdvanceAnnealing(loss)
    history = model.fit(images, masks, 1, 4, callbacks=[callback])
    history.history["annealing"]  # [0.85, 0.15, 0.0, 0.0]
    ```
    """

    def __init__(self, loss: keras.losses.Loss):
        super().__init__()
        if getattr(loss, "annealing", None) is None:
            raise ArgumentError(
                "Argument `loss` must be a loss with annealing, such as "
                "ForegroundAwareLoss(annealing_steps=10000). Received: "
                f"loss={loss}"
            )
        self.annealing = loss.annealing

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        if keras.backend.backend() != "jax":
            return
        step = self.annealing.step
        if not any(step is v for v in self.model.metrics_variables):
            raise ArgumentError(
                "On JAX a compiled step reads only variables of the model and "
                "its metrics. Compile the model with the annealing among "
                "its metrics: metrics=[..., loss.annealing]"
            )

    def on_train_batch_begin(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        iterations = self.model.optimizer.iterations
        self.annealing.step.assign(ops.cast(iterations, "float32"))
