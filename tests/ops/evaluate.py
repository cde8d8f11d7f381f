"""Calls of an operation with arrays in and arrays out."""

import keras
from keras import ops


def evaluate(function, *arrays):
    """Numpy results of a function of tensors.

    On JAX the function is compiled: each operation on its own, for each new
    shape, takes ten times as long to compile as all of them together.
    """
    tensors = [ops.convert_to_tensor(array) for array in arrays]
    if keras.backend.backend() == "jax":
        import jax

        function = jax.jit(function)
    return keras.tree.map_structure(ops.convert_to_numpy, function(*tensors))
