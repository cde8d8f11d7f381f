"""Functions compiled as in `fit` and `predict`."""

import functools
from collections.abc import Callable
from typing import Any

import keras
from keras import ops


def forward_and_gradients(
    function: Callable[..., Any], *tensors: Any
) -> list[Callable[[], None]]:
    """Return two functions without arguments: forwards, and with gradients.

    Args:
        function: maps the tensors to a tensor.
        *tensors: float tensors of the Keras backend; gradients of the sum of
            squares are taken for all of them.
    """

    def loss(*tensors):
        return ops.sum(ops.square(function(*tensors)))

    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        forward = jax.jit(function)
        backward = jax.jit(jax.grad(loss, range(len(tensors))))
    elif backend == "tensorflow":
        import tensorflow as tf

        forward = tf.function(function)

        @tf.function
        def backward(*tensors):
            with tf.GradientTape() as tape:
                tape.watch(tensors)
                value = loss(*tensors)
            return tape.gradient(value, tensors)
    else:
        import torch

        forward = torch.no_grad()(function)

        def backward(*tensors):
            tensors = [x.detach().requires_grad_() for x in tensors]
            return torch.autograd.grad(loss(*tensors), tensors)

    return [
        functools.partial(_finish, forward, *tensors),
        functools.partial(_finish, backward, *tensors),
    ]


def _finish(function: Callable[..., Any], *tensors: Any) -> None:
    wait_for(function(*tensors))


def wait_for(outputs: Any) -> None:
    """Return once the accelerator has computed them."""
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        jax.block_until_ready(outputs)
    elif backend == "torch":
        import torch

        if torch.cuda.is_available():
            torch.cuda.synchronize()
    else:
        import tensorflow as tf

        tf.nest.map_structure(lambda x: x.device and x.numpy(), outputs)
