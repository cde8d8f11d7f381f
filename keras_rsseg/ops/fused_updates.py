"""An optimiser's variable update as one operation."""

import contextlib
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

import keras

from keras_rsseg.typing import Tensor


@contextlib.contextmanager
def fused_updates(optimizer: Any) -> Iterator[None]:
    """Update variables with TensorFlow's own Adam and SGD kernels.

    Keras writes the update of a variable as some forty operations, and HRNet
    has a thousand variables. These were two fifths of the graph of a step,
    which TensorFlow takes a minute to build and optimise before the first
    step. The kernels compute the same; what is trained and saved does not
    change.

    Nothing changes on other backends, on several devices, for other
    optimisers, or for variables that are not float32.

    Args:
        optimizer: a `keras.optimizers.Optimizer`, or `None`. Within the
            context, its `apply()` uses the kernels.

    Example:

    ```python
    from keras_rsseg.ops.fused_updates import fused_updates

    optimizer = keras.optimizers.Adam(0.1)
    variable = keras.Variable([1.0])
    optimizer.build([variable])
    with fused_updates(optimizer):
        optimizer.apply([keras.ops.ones(1)])
    variable.numpy()  # [0.9]
    ```
    """
    # Keras wraps the optimiser for float16.
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    update = _kernel_of(optimizer)
    if update is None:
        yield
        return
    scalars = _Scalars(optimizer)
    plain_update = optimizer.update_step
    plain_decay = optimizer._apply_weight_decay

    def update_step(
        gradient: Tensor, variable: Any, learning_rate: Any
    ) -> None:
        if _is_dense(gradient) and variable.dtype == "float32":
            update(optimizer, scalars, gradient, variable)
        else:
            plain_update(gradient, variable, learning_rate)

    def apply_weight_decay(variables: Any) -> None:
        if optimizer.weight_decay is None:
            return
        for variable in variables:
            if variable.dtype != "float32":
                plain_decay([variable])
            elif optimizer._use_weight_decay(variable):
                _decay(scalars, variable)

    # Not `setattr`, since Keras tracks the attributes of an optimiser.
    own = {
        "update_step": update_step,
        "_apply_weight_decay": apply_weight_decay,
    }
    vars(optimizer).update(own)
    try:
        yield
    finally:
        for name in own:
            del vars(optimizer)[name]


def _kernel_of(optimizer: Any) -> Callable[..., None] | None:
    """The kernel equivalent to an optimiser, if there is one."""
    if keras.backend.backend() != "tensorflow" or optimizer is None:
        return None
    import tensorflow as tf

    if tf.distribute.has_strategy():
        return None
    # A subclass can have another update rule.
    rule = getattr(type(optimizer), "update_step", None)
    if rule is keras.optimizers.Adam.update_step and not optimizer.amsgrad:
        return _adam
    if rule is keras.optimizers.SGD.update_step:
        return _sgd
    return None


class _Scalars:
    """Values shared by all variables of a step, made once per graph."""

    def __init__(self, optimizer: Any) -> None:
        self._optimizer = optimizer
        self._made: dict[Any, Any] = {}

    def get(self, name: str) -> Tensor:
        """Return an attribute, `"beta_1_power"`, or `"decay"`, as a tensor."""
        import tensorflow as tf

        key = name, tf.compat.v1.get_default_graph()
        if tf.executing_eagerly() or key not in self._made:
            self._made[key] = self._make(name)
        return self._made[key]

    def _make(self, name: str) -> Tensor:
        import tensorflow as tf

        optimizer = self._optimizer
        if name.endswith("_power"):
            step = tf.cast(optimizer.iterations + 1, "float32")
            return tf.pow(self.get(name.removesuffix("_power")), step)
        if name == "decay":
            return self.get("weight_decay") * self.get("learning_rate")
        return tf.cast(
            tf.convert_to_tensor(getattr(optimizer, name)), "float32"
        )


def _adam(
    optimizer: Any, scalars: _Scalars, gradient: Tensor, variable: Any
) -> None:
    import tensorflow as tf

    index = optimizer._get_variable_index(variable)
    tf.raw_ops.ResourceApplyAdam(
        var=variable.handle,
        m=optimizer._momentums[index].value.handle,
        v=optimizer._velocities[index].value.handle,
        beta1_power=scalars.get("beta_1_power"),
        beta2_power=scalars.get("beta_2_power"),
        lr=scalars.get("learning_rate"),
        beta1=scalars.get("beta_1"),
        beta2=scalars.get("beta_2"),
        epsilon=scalars.get("epsilon"),
        grad=tf.cast(gradient, "float32"),
    )


def _sgd(
    optimizer: Any, scalars: _Scalars, gradient: Tensor, variable: Any
) -> None:
    import tensorflow as tf

    gradient = tf.cast(gradient, "float32")
    rate = scalars.get("learning_rate")
    if not optimizer.momentum:
        tf.raw_ops.ResourceApplyGradientDescent(
            var=variable.handle, alpha=rate, delta=gradient
        )
        return
    index = optimizer._get_variable_index(variable)
    tf.raw_ops.ResourceApplyKerasMomentum(
        var=variable.handle,
        accum=optimizer.momentums[index].value.handle,
        lr=rate,
        grad=gradient,
        momentum=scalars.get("momentum"),
        use_nesterov=optimizer.nesterov,
    )


def _decay(scalars: _Scalars, variable: Any) -> None:
    import tensorflow as tf

    if isinstance(variable, keras.Variable):
        variable = variable.value
    tf.raw_ops.ResourceApplyGradientDescent(
        var=variable.handle, alpha=scalars.get("decay"), delta=variable
    )


def _is_dense(gradient: Tensor) -> bool:
    import tensorflow as tf

    return not isinstance(gradient, tf.IndexedSlices)
