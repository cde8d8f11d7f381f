"""Per-epoch output of trainings that take hours."""

import json
import pathlib
import time

import keras


class TrainingLog(keras.callbacks.Callback):
    """Prints loss, seconds, time left and time of day after every epoch.

    Args:
        epochs: int, of all phases together.
        folder: folder with the state of a stopped run, or `None`. The seconds
            of all starts are added up there.

    Attributes:
        seconds: float, spent on the epochs so far.
    """

    def __init__(
        self, epochs: int, folder: str | pathlib.Path | None = None
    ) -> None:
        super().__init__()
        self._epochs = epochs
        self._path = folder and pathlib.Path(folder) / "seconds.json"
        self.seconds = 0.0

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        if self._path and self._path.exists():
            self.seconds = float(json.loads(self._path.read_text()))
            print(f"resuming after {self.seconds:.0f} s", flush=True)

    def on_epoch_begin(
        self, epoch: int, logs: dict[str, float] | None = None
    ) -> None:
        self._start = time.perf_counter()

    def on_epoch_end(
        self, epoch: int, logs: dict[str, float] | None = None
    ) -> None:
        seconds = time.perf_counter() - self._start
        self.seconds += seconds
        left = (self._epochs - epoch - 1) * seconds
        parts = [f"{name} {value:.4f}" for name, value in (logs or {}).items()]
        parts += [f"{seconds:.0f} s", f"about {left / 60:.0f} min left"]
        print(
            f"{time.strftime('%H:%M:%S')} epoch {epoch + 1}/{self._epochs}:",
            ", ".join(parts),
            flush=True,
        )
        if self._path:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text(json.dumps(self.seconds))
