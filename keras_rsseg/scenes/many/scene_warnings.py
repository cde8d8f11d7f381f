"""Warnings about many scenes: each kind is told once."""

import contextlib
import logging
from collections.abc import Iterator

_LOGGER = logging.getLogger("keras_rsseg")
_SHOWN = 3


class SceneWarnings(logging.Handler):
    """Tells the first warning of a kind, and at the end who else had it.

    Two are of a kind if the same line of the package makes them. Errors, and
    what is below a warning, pass.

    Attributes:
        scene: what the warnings are about now.
    """

    def __init__(self) -> None:
        super().__init__()
        self.scene: str | None = None
        self._first: dict[tuple[str, int], tuple[str, logging.LogRecord]] = {}
        self._others: dict[tuple[str, int], dict[str, None]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Hand a record on, or keep it back."""
        kind = record.pathname, record.lineno
        if record.levelno != logging.WARNING or self.scene is None:
            _hand_on(record)
        elif kind not in self._first:
            self._first[kind] = self.scene, record
            self._others[kind] = {}
            _hand_on(record)
        elif self.scene != self._first[kind][0]:
            self._others[kind][self.scene] = None

    def tell_others(self) -> None:
        """Tell which scenes had the warnings that were kept back."""
        for kind, scenes in self._others.items():
            if scenes:
                _, first = self._first[kind]
                names = list(scenes)
                more = len(names) - _SHOWN
                _LOGGER.warning(
                    "Also of %s%s: %s",
                    ", ".join(names[:_SHOWN]),
                    f" and {more} more scenes" if more > 0 else "",
                    first.getMessage(),
                )


@contextlib.contextmanager
def one_of_a_kind(several: bool = True) -> Iterator[SceneWarnings]:
    """Keep warnings of a kind that was told back, until the end.

    Args:
        several: whether to do so at all: of one scene all are told.

    Yields:
        The `SceneWarnings`, to be told which scene it is about.
    """
    warnings = SceneWarnings()
    if not several:
        yield warnings
        return
    propagate = _LOGGER.propagate
    _LOGGER.addHandler(warnings)
    _LOGGER.propagate = False
    try:
        yield warnings
    finally:
        _LOGGER.propagate = propagate
        _LOGGER.removeHandler(warnings)
        warnings.tell_others()


def _hand_on(record: logging.LogRecord) -> None:
    """Give a record to who would have had it."""
    if _LOGGER.parent is not None:
        _LOGGER.parent.callHandlers(record)
