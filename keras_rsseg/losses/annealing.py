"""A weight of a loss that falls from 1 to 0 during training."""

import math

import keras
from keras import ops

from keras_rsseg.errors import ArgumentError

_POWERS = {"linear": 1.0, "poly": 0.9}


@keras.saving.register_keras_serializable(package="keras_rsseg")
class Annealing(keras.metrics.Metric):
    """A weight that falls from 1 to 0 in a number of training steps.

    With `t` the share of the steps done, it is `(1 + cos(pi t)) / 2`
    (`"cosine"`), `1 - t` (`"linear"`) or `(1 - t)**0.9` (`"poly"`).

    It is a metric for two reasons: logs show the weight, and on JAX the
    metrics are the one part of a compiled model's state that a loss can add
    to without changing what is saved. Batches do not update it and it is
    never reset: `AdvanceAnnealing` sets its step.

    Args:
        steps: int >= 1.
        schedule: `"cosine"`, `"linear"` or `"poly"`.
        name: string.
        dtype: as in `keras.metrics.Metric`.

    Raises:
        ArgumentError: when `steps` is no positive integer or `schedule` is
            unknown.

    Example:
        ```python
        annealing = keras_rsseg.losses.Annealing(10000)
        annealing.step.assign(5000)
        float(annealing.result())  # 0.5
        ```

    Reference:
        - [Zheng et al., FarSeg, 2020](https://arxiv.org/abs/2011.09766),
          section 3.4
    """

    def __init__(self, steps, schedule="cosine", name="annealing", dtype=None):
        super().__init__(name=name, dtype=dtype)
        if steps < 1 or int(steps) != steps:
            raise ArgumentError(
                "The number of annealing steps must be a positive integer. "
                f"Received: {steps}"
            )
        if schedule != "cosine" and schedule not in _POWERS:
            raise ArgumentError(
                "The annealing schedule must be 'cosine', 'poly' or 'linear'. "
                f"Received: {schedule!r}"
            )
        self.steps = int(steps)
        self.schedule = schedule
        # A sum over replicas would split what the callback assigns.
        self.step = self.add_variable(
            (),
            "zeros",
            dtype="float32",
            aggregation="only_first_replica",
            name="step",
        )

    def update_state(self, *args, **kwargs):
        """Do nothing: evaluation updates metrics too."""

    def reset_state(self):
        """Do nothing: each epoch resets the metrics."""

    def result(self):
        """Return the weight, a float32 scalar in [0, 1]."""
        done = ops.clip(self.step / self.steps, 0.0, 1.0)
        if self.schedule == "cosine":
            return 0.5 * (1.0 + ops.cos(math.pi * done))
        return ops.power(1.0 - done, _POWERS[self.schedule])

    def get_config(self):
        config = super().get_config()
        config.update({"steps": self.steps, "schedule": self.schedule})
        return config


class AdvanceAnnealing(keras.callbacks.Callback):
    """Tells a loss with an annealed weight how far training is.

    Before each batch it gives the loss the number of steps that the
    optimizer has made (with `steps_per_execution`, before each execution).

    Args:
        loss: a loss with an attribute `annealing`, such as
            `ForegroundAwareLoss(annealing_steps=10000)`: the object that the
            model was compiled with.

    Raises:
        ArgumentError: when the loss has no annealing; when training begins on
            JAX and `loss.annealing` is not among the metrics of the model.

    Example:
        ```python
        loss = keras_rsseg.losses.ForegroundAwareLoss(annealing_steps=100)
        inputs = keras.Input((None, None, 3))
        model = keras.Model(inputs, keras.layers.Conv2D(6, 1)(inputs))
        model.compile("sgd", loss=loss, metrics=[loss.annealing])
        images = np.random.normal(size=(2, 64, 64, 3))
        masks = np.random.randint(0, 6, (2, 64, 64))
        callback = keras_rsseg.losses.AdvanceAnnealing(loss)
        model.fit(images, masks, callbacks=[callback])
        ```
    """

    def __init__(self, loss):
        super().__init__()
        if getattr(loss, "annealing", None) is None:
            raise ArgumentError(
                "Argument `loss` must be a loss with annealing, such as "
                "ForegroundAwareLoss(annealing_steps=10000). Received: "
                f"loss={loss}"
            )
        self.annealing = loss.annealing

    def on_train_begin(self, logs=None):
        if keras.backend.backend() != "jax":
            return
        step = self.annealing.step
        if not any(step is v for v in self.model.metrics_variables):
            raise ArgumentError(
                "On JAX a compiled step reads variables of the model and its "
                "metrics only. Compile the model with the annealing among "
                "its metrics: metrics=[..., loss.annealing]"
            )

    def on_train_batch_begin(self, batch, logs=None):
        iterations = self.model.optimizer.iterations
        self.annealing.step.assign(ops.cast(iterations, "float32"))
