"""Functions as the backends' compilers see them."""

import keras


def compiled(function):
    """The function, compiled by XLA; on torch as it is."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return tf.function(function, jit_compile=True)
    return jitted(function)


def jitted(function):
    """The function, compiled on JAX only.

    JAX compiles each operation that runs outside of a compiled function
    by itself, which makes a test of a large layer take minutes.
    """
    if keras.backend.backend() != "jax":
        return function
    import jax

    def without_side_effects(*tensors):
        with keras.StatelessScope():
            return function(*tensors)

    return jax.jit(without_side_effects)


def call(layer, *inputs, training=False):
    """Call a built layer, compiled on JAX, and keep its new statistics."""
    if keras.backend.backend() != "jax":
        return layer(*inputs, training=training)
    import jax

    def function(trainable, non_trainable, *inputs):
        return layer.stateless_call(
            trainable, non_trainable, *inputs, training=training
        )

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
