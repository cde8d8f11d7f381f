"""How a segmenter is compiled: losses, metrics, and how they are saved."""

from collections.abc import Mapping
from typing import Any

import keras

from keras_rsseg.losses.annealing import Annealing
from keras_rsseg.metrics.confusion_metric import MeanIoU
from keras_rsseg.metrics.confusion_metric import PixelAccuracy
from keras_rsseg.models.first_batch import metrics_of_void
from keras_rsseg.models.preset_task import PresetTask
from keras_rsseg.ops.fused_updates import fused_updates
from keras_rsseg.ops.lean_graphs import shared_graphs
from keras_rsseg.ops.padded_conv import store_for_training
from keras_rsseg.void import VOID

# What Keras makes of such a string counts void as an error.
_ACCURACIES = ("accuracy", "acc", "sparse_categorical_accuracy")
_CROSS_ENTROPY = "sparse_categorical_crossentropy"
_BUILT = "optimizer_built"
_OWN = "task_arguments"


class CompiledTask(PresetTask):
    """Base of `TrainableTask`: void is left out of losses and metrics.

    A subclass has `num_classes`, and may add an `extra_loss()`.
    """

    num_classes: int
    class_names: list[str] | None
    # Names of metrics that count void as an error; set by `compile()`.
    metrics_that_count_void: tuple[str, ...] = ()
    # Arguments of `compile()` for classes without a background, such as land
    # cover: `keras_rsseg.train` compiles with them.
    land_cover_arguments: Mapping[str, Any] = {}

    def extra_loss(self, masks: Any, outputs: dict[str, Any]) -> Any:
        """A further loss of a system, added to the segmentation loss.

        It is computed only in training, so a validation loss is the
        segmentation loss.

        Args:
            masks: integer tensor `(batch, height, width)`.
            outputs: dict of tensors, see `training_outputs()`.

        Returns:
            A scalar tensor.
        """
        return 0.0

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Any:
        if not isinstance(y_pred, dict):
            return super().compute_loss(x, y, y_pred, sample_weight, training)
        loss = super().compute_loss(
            x, y, y_pred["logits"], sample_weight, training
        )
        return loss + self.extra_loss(y, y_pred)

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Any]:
        if isinstance(y_pred, dict):
            y_pred = y_pred["logits"]
        return super().compute_metrics(x, y, y_pred, sample_weight)

    def compile(
        self,
        optimizer: Any = "auto",
        loss: Any = "auto",
        *,
        metrics: Any = "auto",
        **kw: Any,
    ) -> None:
        """Configures training, by default with the published recipe.

        Args:
            optimizer: `"auto"` is SGD with momentum 0.9, learning rate 0.01
                and the weight decay of the released scripts.
            loss: `"auto"` is the system's own segmentation loss.
                `"sparse_categorical_crossentropy"` takes logits and ignores
                void.
            metrics: `"auto"` is the mean IoU without void. `"accuracy"` also
                ignores void.
            **kw: other keyword arguments of `keras.Model.compile`.
        """
        if optimizer == "auto":
            optimizer = default_optimizer()
        if isinstance(loss, str) and loss == "auto":
            loss = self.default_loss()
        elif isinstance(loss, str) and loss == _CROSS_ENTROPY:
            loss = CompiledTask.default_loss(self)
        if isinstance(metrics, str) and metrics == "auto":
            metrics = [MeanIoU(self.num_classes, ignore_class=VOID)]
        elif isinstance(metrics, list | tuple):
            metrics = [self._own_metric(metric) for metric in metrics]
        metrics = _with_annealing(metrics, loss)
        self.metrics_that_count_void = metrics_of_void(metrics)
        if (
            keras.backend.backend() == "tensorflow"
            and kw.get("jit_compile", "auto") == "auto"
        ):
            # Keras would compile with XLA, again for every tile size; on
            # CPUs its backward convolutions are also slower.
            kw["jit_compile"] = False
        super().compile(optimizer=optimizer, loss=loss, metrics=metrics, **kw)

    def _own_metric(self, metric: Any) -> Any:
        if isinstance(metric, str) and metric in _ACCURACIES:
            return PixelAccuracy(self.num_classes, VOID, name=metric)
        return metric

    def make_train_function(self, force: bool = False) -> None:
        if keras.backend.backend() == "tensorflow":
            self._build_optimizer()
        super().make_train_function(force)

    def _build_optimizer(self) -> None:
        """Gives the optimiser its variables before a step is traced.

        Within a graph each of them would get a condition, and the graph would
        be traced again: a third of the time to the first step.
        """
        optimizer = self.optimizer
        if self.built and optimizer is not None and not optimizer.built:
            with self.distribute_strategy.scope():
                optimizer.build(self.trainable_variables)

    def train_step(self, *args: Any, **kwargs: Any) -> Any:
        # The optimiser has its variables after the first step.
        store_for_training(self.trainable_variables)
        store_for_training(self.optimizer.variables)
        with shared_graphs("training"), fused_updates(self.optimizer):
            return super().train_step(*args, **kwargs)

    def test_step(self, *args: Any, **kwargs: Any) -> Any:
        with shared_graphs("inference"):
            return super().test_step(*args, **kwargs)

    def predict_step(self, *args: Any, **kwargs: Any) -> Any:
        with shared_graphs("inference"):
            return super().predict_step(*args, **kwargs)

    def get_compile_config(self) -> dict[str, Any]:
        config = super().get_compile_config()
        if not config:
            return config
        if not config["jit_compile"]:
            # The choice for TensorFlow must not be passed to other backends.
            config["jit_compile"] = "auto"
        built = self.optimizer is not None and self.optimizer.built
        # Stored in the optimizer's own entry, where Keras ignores other keys:
        # a clone is a plain model, which is compiled with all keys.
        if config.get("optimizer"):
            own = {_BUILT: built, _OWN: self.compile_arguments()}
            config["optimizer"] = {**config["optimizer"], **own}
        return config

    def compile_arguments(self) -> dict[str, Any]:
        """Further arguments of a system's `compile()`, as it was called."""
        return {}

    def compile_from_config(self, config: dict[str, Any]) -> None:
        # Keras skips this if `compile()` is overridden.
        optimizer = config.get("optimizer") or {}
        built = config.get(_BUILT, optimizer.get(_BUILT, False))
        own = {**config, **optimizer.get(_OWN, {})}
        own.pop(_BUILT, None)
        self.compile(**keras.saving.deserialize_keras_object(own))
        if built:  # otherwise the file holds no moments
            self.optimizer.build(self.trainable_variables)

    def default_loss(self) -> keras.losses.Loss:
        """Cross-entropy, averaged over the pixels that are not void.

        (mmsegmentation divides by all pixels, so tiles with void count less
        there.)
        """
        return keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, ignore_class=VOID
        )


def _with_annealing(metrics: Any, loss: Any) -> Any:
    """Add a loss' annealing metric to the metrics, where JAX looks for it.

    Loaded metrics hold another one, which the loss does not know.
    """
    annealing = getattr(loss, "annealing", None)
    if annealing is None or not isinstance(metrics, list | tuple | None):
        return metrics
    others = [
        metric for metric in metrics or () if not isinstance(metric, Annealing)
    ]
    return [*others, annealing]


def default_optimizer(
    learning_rate: float = 0.01, **kwargs: Any
) -> keras.optimizers.Optimizer:
    """SGD as in the released training scripts.

    PyTorch adds the weight decay of 1e-4 to the gradient, where momentum 0.9
    multiplies it by 1 / (1 - 0.9) in the long run. Keras subtracts it from
    the weights directly, which is the same with ten times the number.

    Args:
        learning_rate: float.
        **kwargs: other keyword arguments of `keras.optimizers.SGD`.
    """
    return keras.optimizers.SGD(
        learning_rate, momentum=0.9, weight_decay=1e-3, **kwargs
    )
