"""A network as a program that only reads its weights."""

from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import keras

from keras_rsseg.ops.lean_graphs import shared_graphs
from keras_rsseg.typing import Tensor

_Function = Callable[[Tensor], Tensor]
_Values = list[tuple[keras.Variable, Any]]


def inference_program(
    function: _Function,
    variables: Sequence[keras.Variable],
    values: _Values | None = None,
) -> _Function:
    """Return a function of one tensor, compiled by JAX or TensorFlow.

    On JAX, Keras' `predict_on_batch` also returns all weights and assigns
    them to their variables, although prediction does not change them. For
    HRNet-W18 this takes one of two cores for a third of the time of a tile of
    512 pixels, while the next operations run on the other. Here weights are
    only read, so several threads can call it. On torch it is not compiled.

    Args:
        function: maps a tensor to a tensor, and changes no variable.
        variables: all that it reads, with their values at each call.
        values: pairs of a variable and the value that it has for the
            function, not elsewhere.

    Example:

    ```python
    from keras_rsseg.ops.inference_program import inference_program

    dense = keras.layers.Dense(2)
    dense.build((None, 3))
    program = inference_program(dense, dense.variables)
    program(keras.ops.ones((4, 3))).shape  # (4, 2)
    ```
    """
    known = [
        (variable, keras.ops.convert_to_tensor(value))
        for variable, value in values or []
    ]
    if keras.backend.backend() == "jax":
        return _jax_program(function, variables, known)

    def run(x: Tensor) -> Tensor:
        with (
            shared_graphs("inference"),
            keras.StatelessScope(state_mapping=known),
        ):
            return function(x)

    if keras.backend.backend() != "tensorflow":
        return run
    import tensorflow as tf

    # A second shape is traced for all that follow.
    return tf.function(run, autograph=False, reduce_retracing=True)


def _jax_program(
    function: _Function, variables: Sequence[keras.Variable], known: _Values
) -> _Function:
    import jax

    replaced = [variable for variable, _ in known]
    given = [value for _, value in known]
    ids = {id(variable) for variable in replaced}
    read = [variable for variable in variables if id(variable) not in ids]

    @jax.jit
    def run(numbers: list[Any], x: Tensor) -> Tensor:
        mapping = list(zip(read + replaced, numbers, strict=True))
        with keras.StatelessScope(state_mapping=mapping):
            return function(x)

    return lambda x: run([variable.value for variable in read] + given, x)
