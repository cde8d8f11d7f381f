"""Functional models that apply a function to maps of unknown size."""

import keras


class _Apply(keras.layers.Layer):
    def __init__(self, function):
        super().__init__(dtype="float32", autocast=False)
        self.function = function

    def call(self, *inputs):
        return self.function(*inputs)


def model_of(function, *inputs):
    """A model that calls the function.

    Args:
        function: Takes one tensor per input.
        *inputs: For each input its shape without the batch dimension,
            `None` if unknown, or a pair of such a shape and a dtype.

    Returns:
        A `keras.Model`; `predict_on_batch` compiles it as users' are.
    """
    symbolic = []
    for entry in inputs:
        shape, dtype = entry if isinstance(entry[-1], str) else (entry, None)
        symbolic.append(keras.Input(shape=shape, dtype=dtype))
    outputs = _Apply(function)(*symbolic)
    # Torch warns of a list if a model has one input.
    return keras.Model(symbolic if inputs[1:] else symbolic[0], outputs)
