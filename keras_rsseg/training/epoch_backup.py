"""What a training killed at any moment resumes from."""

import os
import pathlib
import re

import keras

from keras_rsseg.files import replace_durably

_NAME = re.compile(r"epochs_(\d+)\.weights\.h5")
# Names of this callback's files in the folder.
NAMES = r"epochs_\d+(\.partial)?\.weights\.h5"


class EpochBackup(keras.callbacks.Callback):
    """Saves weights and optimizer after every epoch, and resumes from them.

    `keras.callbacks.BackupAndRestore` writes weights and the number of their
    epoch one after the other: after a kill in between it resumes with weights
    that are an epoch ahead. Here they are one file, with the number in its
    name, written atomically.

    Give `first_epoch` to `fit()` as `initial_epoch`, and this callback after
    all others, so that what they save is there before it marks an epoch as
    done.

    Args:
        folder: path of a folder, created if missing.

    Example:

    ```python
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    for epochs in (2, 3):  # the second time resumes after two
        backup = keras_rsseg.training.EpochBackup("backup")
        model.fit(
            np.ones((4, 1)),
            np.ones((4, 1)),
            initial_epoch=backup.first_epoch,
            epochs=epochs,
            callbacks=[backup],
            verbose=0,
        )
    backup.first_epoch  # 3
    ```
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        super().__init__()
        self._folder = pathlib.Path(folder)

    @property
    def first_epoch(self) -> int:
        """Number of epochs that are done."""
        return max(self._kept(), default=0)

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        kept = self._kept()
        if kept:
            optimizer = self.model.optimizer
            if not optimizer.built:
                optimizer.build(self.model.trainable_variables)
            self.model.load_weights(kept[max(kept)])

    def on_epoch_end(
        self, epoch: int, logs: dict[str, float] | None = None
    ) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        before = self._kept()
        partial = self._folder / f"epochs_{epoch + 1}.partial.weights.h5"
        self.model.save_weights(partial, overwrite=True)
        replace_durably(
            partial, self._folder / f"epochs_{epoch + 1}.weights.h5"
        )
        for number, path in before.items():
            if number != epoch + 1:
                path.unlink()

    def _kept(self) -> dict[int, pathlib.Path]:
        """The files, by the number of epochs that were done."""
        found: dict[int, pathlib.Path] = {}
        if not self._folder.is_dir():
            return found
        for path in self._folder.iterdir():
            name = _NAME.fullmatch(path.name)
            if name:
                found[int(name[1])] = path
        return found
