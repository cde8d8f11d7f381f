"""What a command prints while it works, and what it suppresses."""

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from typing import IO
from typing import Any

import typer

_STDERR = 2
_BLOCK = "\N{BLACK SQUARE}"


def is_colored(stream: IO[str]) -> bool:
    """Return whether to write colours to a stream.

    On a terminal yes, unless the environment says otherwise (`NO_COLOR`, or
    `TERM=dumb`).

    Args:
        stream: such as `sys.stderr`.
    """
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


def styled(word: str, color: str, stream: IO[str]) -> str:
    """Return a word in bold and in colour, if the stream shows them.

    Args:
        word: such as "Error:".
        color: name of the colour, such as "red".
        stream: where it will be written.
    """
    if not is_colored(stream):
        return word
    return typer.style(word, fg=color, bold=True)


def swatch(color: tuple[int, int, int] | None) -> str:
    """Return a square in the colour of a class, and a space.

    Args:
        color: red, green and blue from 0 to 255, or `None`.

    Returns:
        An empty string if standard output shows no colours.
    """
    if color is None or not is_colored(sys.stdout):
        return ""
    return typer.style(_BLOCK, fg=color) + " "


def screen_size() -> tuple[int, int]:
    """Return the `(width, height)` of the terminal, in characters."""
    size = shutil.get_terminal_size((100, 40))
    return size.columns, size.lines


def quiet_flag(panel: str) -> Any:
    """Return the flag that makes a command print nothing but errors.

    Args:
        panel: its heading in the help.
    """
    return _flag("--quiet", "-q", "Print nothing but errors.", panel)


def verbose_flag(panel: str) -> Any:
    """Return the flag that makes a command print all that it does.

    Args:
        panel: its heading in the help.
    """
    text = "Print every step, and the output of libraries."
    return _flag("--verbose", "-v", text, panel)


def _flag(name: str, letter: str, text: str, panel: str) -> Any:
    return typer.Option(name, letter, help=text, rich_help_panel=panel)


class Status:
    """Shows on stderr what a command is doing when nothing else does.

    On a terminal it is one line that disappears. A log gets no such lines,
    unless the user asked for more: then each stays.

    Args:
        quiet: whether to show nothing.
        verbose: whether every line stays.

    Attributes:
        verbose: whether every line stays.

    Example:

    ```python
    from keras_rsseg.cli.terminal import Status

    with Status(quiet=False, verbose=True).doing("Reading the scene"):
        pass
    ```
    """

    def __init__(self, quiet: bool = False, verbose: bool = False) -> None:
        self.verbose = verbose and not quiet
        self._passing = not quiet and not verbose and sys.stderr.isatty()

    @contextlib.contextmanager
    def doing(self, what: str) -> Iterator[None]:
        """Show a line while something runs.

        Args:
            what: such as "Loading TensorFlow".
        """
        if self.verbose:
            print(f"{what} ...", file=sys.stderr, flush=True)
        if self._passing:
            sys.stderr.write(f"{what} ...")
            sys.stderr.flush()
        try:
            yield
        finally:
            if self._passing:
                # Return to the start of the line, and erase it.
                sys.stderr.write("\r\x1b[2K")
                sys.stderr.flush()


@contextlib.contextmanager
def held_back(show: bool = False) -> Iterator[None]:
    """Hold back what libraries write to stderr, and show it if they fail.

    TensorFlow's C++ code writes before its logger is set up, whatever Python
    says, so stderr is redirected in the operating system.

    Args:
        show: whether to hold nothing back.

    Example:

    ```python
    from keras_rsseg.cli.terminal import held_back

    with held_back():
        import tensorflow
    ```
    """
    sys.stderr.flush()
    try:
        before = None if show else os.dup(_STDERR)
    except OSError:  # It is closed, and there is nothing to hold back.
        before = None
    if before is None:
        yield
        return
    with tempfile.TemporaryFile() as held:
        try:
            os.dup2(held.fileno(), _STDERR)
            try:
                yield
            finally:
                sys.stderr.flush()
                os.dup2(before, _STDERR)
        except BaseException:
            held.seek(0)
            with os.fdopen(os.dup(before), "wb") as stderr:
                shutil.copyfileobj(held, stderr)
            raise
        finally:
            os.close(before)
