"""A note on why the first training step takes long."""

import sys
from typing import Any

import keras

_NAMES = {"tensorflow": "TensorFlow", "jax": "JAX"}


class CompileNote(keras.callbacks.Callback):
    """Says that the first step is being compiled, if that takes a while.

    Keras shows nothing until it is done: half a minute for HRNet on two
    cores. torch does not compile the network.
    """

    def on_train_begin(self, logs: Any = None) -> None:
        name = _NAMES.get(keras.backend.backend())
        if name and not self.model.run_eagerly:
            sys.stdout.write(f"{name} compiles the first training step ...\n")
            sys.stdout.flush()
