"""Warnings about many scenes: each kind is shown once."""

import contextlib
import logging
import threading
import warnings
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any
from typing import NamedTuple

_LOGGER = logging.getLogger("keras_rsseg")
_SHOWN = 3


class _Told(NamedTuple):
    """The first warning of a kind: its scene, its text, how to show it."""

    scene: str
    text: str
    tell: Callable[[str], None]


class SceneWarnings(logging.Handler):
    """Shows the first warning of a kind, and at the end which scenes had it.

    Two are of a kind if the same line of the package issues them, by its log
    or by Python's `warnings`. Errors, and levels below a warning, pass
    through. Several threads can work on a scene each.
    """

    def __init__(self) -> None:
        super().__init__()
        self._scenes = threading.local()
        self._latest: str | None = None
        self._first: dict[tuple[str, int], _Told] = {}
        self._others: dict[tuple[str, int], dict[str, None]] = {}
        self._show: Callable[..., Any] = warnings.showwarning
        self._propagate = True

    @property
    def scene(self) -> str | None:
        """The scene that warnings are about now; set it for this thread.

        An unknown thread is taken to work for the scene begun last.
        """
        scene: str | None = getattr(self._scenes, "scene", self._latest)
        return scene

    @scene.setter
    def scene(self, scene: str | None) -> None:
        self._scenes.scene = self._latest = scene

    @contextlib.contextmanager
    def about(self, scene: str) -> Iterator[None]:
        """Set the scene that this thread's warnings are about."""
        before = self.scene
        self.scene = scene
        try:
            yield
        finally:
            self.scene = before

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a record on, or hold it back."""
        if record.levelno != logging.WARNING:
            _hand_on(record)
            return
        kind = record.pathname, record.lineno
        if self._is_new(kind, record.getMessage(), _log):
            _hand_on(record)

    def show(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        *place: Any,
        **options: Any,
    ) -> None:
        """Show a Python warning, or hold it back."""

        def tell(text: str) -> None:
            self._show(text, category, filename, lineno, *place, **options)

        user = issubclass(category, UserWarning)
        if not user or self._is_new((filename, lineno), str(message), tell):
            self._show(message, category, filename, lineno, *place, **options)

    def _is_new(
        self, kind: tuple[str, int], text: str, tell: Callable[[str], None]
    ) -> bool:
        scene = self.scene
        if scene is None:
            return True
        first = self._first.setdefault(kind, told := _Told(scene, text, tell))
        if first is told:
            return True
        if scene != first.scene:
            self._others.setdefault(kind, {})[scene] = None
        return False

    def tell_others(self) -> None:
        """Show which scenes had the warnings held back."""
        others, self._others = self._others, {}
        for kind, scenes in others.items():
            first, names = self._first[kind], list(scenes)
            more = len(names) - _SHOWN
            first.tell(
                f"Also for {', '.join(names[:_SHOWN])}"
                + (f" and {more} more scenes" if more > 0 else "")
                + f": {first.text}"
            )

    def install(self) -> None:
        """Handle the package's warnings from now on."""
        self._show, self._propagate = warnings.showwarning, _LOGGER.propagate
        warnings.showwarning = self.show
        _LOGGER.addHandler(self)
        _LOGGER.propagate = False

    def uninstall(self) -> None:
        """Restore the previous handlers, and show which scenes had warnings."""
        _LOGGER.removeHandler(self)
        _LOGGER.propagate = self._propagate
        if warnings.showwarning == self.show:
            warnings.showwarning = self._show
        self.tell_others()


@contextlib.contextmanager
def one_of_a_kind(several: bool = True) -> Iterator[SceneWarnings]:
    """Hold back repeated warnings of a kind until the end.

    Args:
        several: whether to do so at all; for one scene all are shown.

    Yields:
        The `SceneWarnings`, on which to set the current scene.
    """
    found = SceneWarnings()
    if not several:
        yield found
        return
    found.install()
    try:
        yield found
    finally:
        found.uninstall()


def _log(text: str) -> None:
    _LOGGER.warning("%s", text)


def _hand_on(record: logging.LogRecord) -> None:
    """Pass a record to the handlers that would have had it."""
    if _LOGGER.parent is not None:
        _LOGGER.parent.callHandlers(record)
