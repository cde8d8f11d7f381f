"""Functions compiled by the backends."""

import keras
import numpy as np
from keras.src.backend.common.stateless_scope import in_stateless_scope


def compiled(function):
    """The function, compiled by XLA; on torch, unchanged."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.function(function, jit_compile=True)
    return jitted(function)


def jitted(function):
    """The function, compiled on JAX only.

    JAX compiles each operation outside a compiled function separately, which
    makes a test of a large layer take minutes.
    """
    if keras.backend.backend() != "jax":
        return function
    import jax

    def without_side_effects(*tensors):
        with keras.StatelessScope():
            return function(*tensors)

    return jax.jit(without_side_effects)


def are_arrays(structure):
    """Whether all tensors hold numbers, and no function is being traced."""
    import jax

    if in_stateless_scope():
        return False
    return all(
        isinstance(x, np.ndarray | jax.Array)
        and not isinstance(x, jax.core.Tracer)
        for x in keras.tree.flatten(structure)
    )


def call(layer, *inputs, training=False):
    """Call a built layer, compiled on JAX, and keep its new statistics."""
    if keras.backend.backend() != "jax":
        return layer(*inputs, training=training)
    import jax

    def function(trainable, non_trainable, *inputs):
        outputs, non_trainable = layer.stateless_call(
            trainable, non_trainable, *inputs, training=training
        )
        # Keras wraps a dict that is a model's attribute; JAX does not know it.
        if isinstance(outputs, dict):
            outputs = dict(outputs)
        return outputs, non_trainable

    outputs, non_trainable = jax.jit(function)(
        [v.value for v in layer.trainable_variables],
        [v.value for v in layer.non_trainable_variables],
        *inputs,
    )
    for variable, value in zip(
        layer.non_trainable_variables, non_trainable, strict=True
    ):
        variable.assign(value)
    return outputs
