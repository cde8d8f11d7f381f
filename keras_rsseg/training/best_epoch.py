"""The weights of the epoch with the best score, kept on disk."""

import io
import math
import os
import pathlib

import keras
import numpy as np

from keras_rsseg.files import write_durably

BEST = "best.npz"


class BestEpoch(keras.callbacks.Callback):
    """Keeps the weights of the epoch with the highest score.

    Unlike `keras.callbacks.ModelCheckpoint` it remembers scores from before a
    stop: score, epoch and weights are one file, written atomically.

    Args:
        folder: path of an existing folder.
        monitor: name of the score in the logs of an epoch.

    Attributes:
        score: float of the best epoch, NaN if there is none.
        epoch: number of the best epoch, from 1; 0 if there is none.

    Example:

    ```python
    import os

    os.mkdir("kept")
    best = keras_rsseg.training.BestEpoch("kept", monitor="val_loss")
    best.epoch  # 0
    # model.fit(..., callbacks=[best]), then best.restore(model)
    ```
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        monitor: str = "val_mean_iou",
    ) -> None:
        super().__init__()
        self._path = pathlib.Path(folder) / BEST
        self._monitor = monitor
        self.score, self.epoch = math.nan, 0
        if self._path.exists():
            with np.load(self._path, allow_pickle=False) as kept:
                self.score = float(kept["score"])
                self.epoch = int(kept["epoch"])

    def on_epoch_end(
        self, epoch: int, logs: dict[str, float] | None = None
    ) -> None:
        score = float((logs or {}).get(self._monitor, math.nan))
        # The last one stands in while no epoch has a score.
        if score <= self.score or (
            math.isnan(score) and not math.isnan(self.score)
        ):
            return
        self.score, self.epoch = score, epoch + 1
        content = io.BytesIO()
        np.savez(
            content,
            *self.model.get_weights(),
            score=np.float64(score),
            epoch=np.int64(epoch + 1),
        )
        write_durably(self._path, content.getvalue())

    def restore(self, model: keras.Model) -> None:
        """Give a model the weights of the best epoch.

        Args:
            model: the model that was trained.
        """
        with np.load(self._path, allow_pickle=False) as kept:
            number = len(model.weights)
            model.set_weights([kept[f"arr_{i}"] for i in range(number)])
