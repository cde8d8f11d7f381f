"""Calls of an operation on arrays, with arrays as results."""

import keras
from keras import ops


def evaluate(function, *arrays):
    """Numpy results of a function of tensors.

    On JAX the function is compiled: each operation separately, for each new
    shape, takes ten times as long to compile as all of them together.
    """
    tensors = [ops.convert_to_tensor(array) for array in arrays]
    if keras.backend.backend() == "jax":
        import jax

        function = jax.jit(function)
    return keras.tree.map_structure(ops.convert_to_numpy, function(*tensors))
