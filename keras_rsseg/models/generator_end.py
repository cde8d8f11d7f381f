"""Generators, which can be read only once, and training on them."""

import warnings
from collections.abc import Iterator
from typing import Any

import keras

from keras_rsseg.errors import ArgumentError
from keras_rsseg.sample_checks import SampleWarning
from keras_rsseg.tables import counted

_INSTEAD = "Let it run for ever, with `{steps}`, or use a keras.utils.PyDataset"


class GeneratorEnd(keras.callbacks.Callback):
    """Ends a training whose generator is exhausted, and says so.

    Keras would go on with empty epochs, or with the first two batches again,
    whose losses look like those of all data.

    Args:
        trains: bool, whether training uses a generator.
        steps_per_epoch: int, the argument of `fit()`, or `None`.
        validation_steps: likewise, if validation uses a generator.
    """

    def __init__(
        self,
        trains: bool,
        steps_per_epoch: int | None,
        validation_steps: int | None,
    ) -> None:
        super().__init__()
        self._trains = trains
        self._steps, self._validation_steps = steps_per_epoch, validation_steps
        self._seen = self._validated = 0
        self._is_told = False

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._seen = 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._seen = batch + 1

    def on_test_begin(self, logs: Any = None) -> None:
        self._validated = 0

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        self._validated = batch + 1

    def on_test_end(self, logs: Any = None) -> None:
        wanted = self._validation_steps
        if wanted and self._validated < wanted and not self._is_told:
            self._is_told = True
            warnings.warn(
                f"The validation generator ended after "
                f"{self._validated} of {wanted} batches: scores from here on "
                f"are of fewer batches, or of none. "
                + _INSTEAD.format(steps="validation_steps"),
                SampleWarning,
                stacklevel=2,
            )

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        left = self.params["epochs"] - epoch - 1
        if self._steps is None:
            is_short, of = left > 0, ""
        else:
            is_short, of = self._seen < self._steps, f" of {self._steps}"
        if not self._trains or not is_short:
            return
        self.model.stop_training = True
        warnings.warn(
            f"The generator ended after {self._seen}{of} batches of epoch "
            f"{epoch + 1}, and the training with it, {counted(left, 'epoch')} "
            "before the end. " + _INSTEAD.format(steps="steps_per_epoch"),
            SampleWarning,
            stacklevel=2,
        )


def watch_generators(
    data: Any,
    validation: Any,
    steps_per_epoch: int | None,
    validation_steps: int | None,
    epochs: int,
) -> list[GeneratorEnd]:
    """Return callbacks for training on generators, or none for other data.

    Args:
        data: training data.
        validation: validation data, or `None`.
        steps_per_epoch: int, the argument of `fit()`, or `None`.
        validation_steps: likewise.
        epochs: number of epochs to come.

    Raises:
        ArgumentError: a validation generator would be exhausted in the first
            of several epochs.
    """
    validates = isinstance(validation, Iterator)
    if validates and validation_steps is None and epochs > 1:
        raise ArgumentError(
            "`validation_data` is a generator, which is read to its end in "
            f"the first of {epochs} epochs. "
            + _INSTEAD.format(steps="validation_steps")
        )
    trains = isinstance(data, Iterator)
    if not trains and not validates:
        return []
    return [
        GeneratorEnd(
            trains, steps_per_epoch, validation_steps if validates else None
        )
    ]
