"""Gradients on whichever backend Keras runs on."""

import keras
import numpy as np


def gradient(function, *arrays):
    """Gradients of a scalar-valued function with respect to its arguments.

    Args:
        function: Takes one tensor per array, returns a scalar tensor.
        *arrays: Numpy arrays of a floating dtype.

    Returns:
        A list of numpy arrays, one per argument, zero if the function does
        not depend on it.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        return _tensorflow_gradient(function, arrays)
    if backend == "jax":
        return _jax_gradient(function, arrays)
    if backend == "torch":
        return _torch_gradient(function, arrays)
    raise ValueError(f"No gradients known for the backend {backend!r}")


def _tensorflow_gradient(function, arrays):
    import tensorflow as tf

    tensors = [tf.convert_to_tensor(array) for array in arrays]
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        value = function(*tensors)
    gradients = tape.gradient(
        value, tensors, unconnected_gradients=tf.UnconnectedGradients.ZERO
    )
    return [tf.convert_to_tensor(g).numpy() for g in gradients]


def _jax_gradient(function, arrays):
    import jax

    tensors = [jax.numpy.asarray(array) for array in arrays]
    argnums = tuple(range(len(tensors)))
    # Compiled: one program builds faster than each operation separately.
    gradients = jax.jit(jax.grad(function, argnums=argnums))(*tensors)
    return [np.asarray(g) for g in gradients]


def _torch_gradient(function, arrays):
    import torch

    tensors = [
        torch.tensor(array, requires_grad=True)
        for array in map(np.asarray, arrays)
    ]
    gradients = torch.autograd.grad(
        function(*tensors), tensors, allow_unused=True
    )
    return [
        np.zeros(tensor.shape) if g is None else g.numpy()
        for tensor, g in zip(tensors, gradients, strict=True)
    ]
