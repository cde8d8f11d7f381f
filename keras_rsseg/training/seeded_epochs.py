"""Epochs that draw the same whether or not a training was stopped before."""

import keras


class SeededEpochs(keras.callbacks.Callback):
    """Makes what an epoch draws depend on its number, not on earlier epochs.

    Keras saves the state of its random generators, such as dropout's, in no
    checkpoint: a run resumed after a stop would drop other channels than one
    that was not stopped.

    Args:
        seed: int.

    Example:

    ```python
    callback = keras_rsseg.training.SeededEpochs(1)
    # model.fit(..., callbacks=[callback])
    ```
    """

    # So that no two epochs share draws.
    _DRAWS = 1_000_000

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._seed = seed

    def on_epoch_begin(
        self, epoch: int, logs: dict[str, float] | None = None
    ) -> None:
        if keras.backend.backend() == "torch":
            import torch

            # Keras' dropout draws from its global generator.
            torch.manual_seed((self._seed + epoch * self._DRAWS) % 2**63)
        for number, layer in enumerate(self.model._flatten_layers()):
            generator = getattr(layer, "seed_generator", None)
            if generator is not None:
                first = (epoch * self._DRAWS + number) % 2**31
                generator.state.assign([self._seed, first])
