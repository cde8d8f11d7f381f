"""Losses and scores of each epoch, kept and shown."""

import json
import math
import os
import pathlib
import time
from collections.abc import Callable
from typing import Any

import keras
from tqdm import tqdm

from keras_rsseg.errors import ArgumentError
from keras_rsseg.files import write_durably
from keras_rsseg.tables import counted

HISTORY = "history.json"
# The scores of an epoch that a line has room for.
_SHOWN = ("loss", "mean_iou", "val_loss", "val_mean_iou")


class TrainingHistory(keras.callbacks.Callback):
    """Keeps the logs of every epoch, and reports the progress of a training.

    Args:
        folder: path of an existing folder.
        epochs: number of all epochs.
        say: called with a line of text after every epoch, or `None`.
        steps: number of steps in an epoch, for a progress bar.

    Attributes:
        epochs: list of dicts, the logs of the finished epochs, with their
            number `"epoch"` (from 1) and `"seconds"`.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        epochs: int,
        say: Callable[[str], None] | None = None,
        steps: int | None = None,
    ) -> None:
        super().__init__()
        self._path = pathlib.Path(folder) / HISTORY
        self._number, self._say, self._steps = epochs, say, steps
        self._bar: Any = None
        self._waits = True
        self.epochs: list[dict[str, Any]] = []
        if self._path.exists():
            self.epochs = json.loads(self._path.read_text())

    @property
    def seconds(self) -> float:
        """Time that the epochs took, over all runs."""
        return sum(epoch["seconds"] for epoch in self.epochs)

    def on_epoch_begin(
        self, epoch: int, logs: dict[str, float] | None = None
    ) -> None:
        self._start = time.perf_counter()
        if self._say is not None:
            self._bar = tqdm(
                total=self._steps,
                unit="step",
                desc=f"epoch {epoch + 1}/{self._number}",
                leave=False,
            )
            if self._waits:
                # The first step of a large network takes a minute.
                self._bar.set_postfix_str("preparing the first step")

    def on_train_batch_end(
        self, batch: int, logs: dict[str, float] | None = None
    ) -> None:
        loss = float((logs or {}).get("loss", 0.0))
        if not math.isfinite(loss):
            raise ArgumentError(
                f"The loss is {loss} after {counted(batch + 1, 'step')}. Give "
                "a lower `learning_rate`, or another `precision` (float32)"
            )
        self._waits = False
        if self._bar is not None:
            self._bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
            self._bar.update()

    def on_epoch_end(
        self, epoch: int, logs: dict[str, float] | None = None
    ) -> None:
        seconds = time.perf_counter() - self._start
        scores = {name: float(value) for name, value in (logs or {}).items()}
        # An epoch repeated after a kill replaces its first run.
        self.epochs = self.epochs[:epoch]
        self.epochs.append({"epoch": epoch + 1, "seconds": seconds, **scores})
        write_durably(self._path, json.dumps(self.epochs, indent=1).encode())
        if self._bar is not None:
            self._bar.close()
        if self._say is not None:
            self._say(self._line(epoch, scores, seconds))

    def _line(
        self, epoch: int, scores: dict[str, float], seconds: float
    ) -> str:
        parts = [
            f"{name} {scores[name]:.4f}" for name in _SHOWN if name in scores
        ]
        left = (self._number - epoch - 1) * self.seconds / len(self.epochs)
        parts += [f"{seconds:.0f} s", f"about {left / 60:.0f} min left"]
        return f"epoch {epoch + 1}/{self._number}: {', '.join(parts)}"
