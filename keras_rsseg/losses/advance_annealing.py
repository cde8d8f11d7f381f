"""Annealing of a loss by the optimizer's steps."""

import keras
from keras import ops


class AdvanceAnnealing(keras.callbacks.Callback):
    """Tells a loss with an annealed weight how far training is.

    Before each batch it gives the loss the number of steps that the
    optimizer has made (with `steps_per_execution`, before each execution).

    Args:
        loss: a loss with an attribute `annealing`, such as
            `ForegroundAwareLoss(annealing_steps=10000)`: the object that the
            model was compiled with.

    Raises:
        ValueError: when the loss has no annealing; when training begins on
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
            raise ValueError(
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
            raise ValueError(
                "On JAX a compiled step reads variables of the model and its "
                "metrics only. Compile the model with the annealing among "
                "its metrics: metrics=[..., loss.annealing]"
            )

    def on_train_batch_begin(self, batch, logs=None):
        iterations = self.model.optimizer.iterations
        self.annealing.step.assign(ops.cast(iterations, "float32"))
