"""A word on what the first step of a training waits for."""

import sys
from typing import Any

import keras

_NAMES = {"tensorflow": "TensorFlow", "jax": "JAX"}


class CompileNote(keras.callbacks.Callback):
    """Says that the first step is compiled, where that takes a while.

    Keras shows nothing until it is done: half a minute for HRNet on two
    cores. torch runs the network as it is.
    """

    def on_train_begin(self, logs: Any = None) -> None:
        name = _NAMES.get(keras.backend.backend())
        if name and not self.model.run_eagerly:
            sys.stdout.write(f"{name} compiles the first training step ...\n")
            sys.stdout.flush()
