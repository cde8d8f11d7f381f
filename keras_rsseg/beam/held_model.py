"""A model that the threads of a process share, and their warnings."""

import threading
from typing import Any

from keras_rsseg.scenes.many.scene_warnings import SceneWarnings


class HeldModel:
    """A model, the lock of the thread that uses it, and past warnings.

    Each process shows warnings of a kind once.

    Args:
        model: the model.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.lock = threading.Lock()
        self.warnings = SceneWarnings()
        self._users = 0

    def enter(self) -> None:
        """Count one more step that uses it."""
        with self.lock:
            self._users += 1
            if self._users == 1:
                self.warnings.install()

    def leave(self) -> None:
        """Count one step fewer that uses it."""
        with self.lock:
            self._users -= 1
            if self._users == 0:
                self.warnings.uninstall()
