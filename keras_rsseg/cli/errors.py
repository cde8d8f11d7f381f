"""What a command prints when something is wrong, and its exit code."""

import contextlib
import logging
import platform
import sys
import warnings
from collections.abc import Callable
from collections.abc import Iterator

import typer

import keras_rsseg
from keras_rsseg.cli.terminal import styled
from keras_rsseg.errors import is_expected
from keras_rsseg.errors import one_line

# The exit code in a shell of a command stopped by Ctrl-C.
INTERRUPTED = 130

_PACKAGES = (
    *("keras", "keras_hub", "tensorflow", "jax", "torch"),
    *("numpy", "rasterio"),
)


@contextlib.contextmanager
def plain_errors(spell: Callable[[str], str] = str) -> Iterator[None]:
    """Print errors of the input as one line, and end with exit code 1.

    These are the errors that `keras_rsseg.errors.is_expected` accepts. Any
    other is a fault of the package: it is raised on, as a traceback with a
    note on how to report it. An interruption (Ctrl-C) ends with exit code 130.

    Also works as a decorator, of a typer command or of a script's `main()`.

    Args:
        spell: turns the words of Python into those of the command line.

    Raises:
        SystemExit: for errors of the input, and interruptions.

    Example:

    ```python
    from keras_rsseg.cli.errors import plain_errors

    @plain_errors()
    def main():
        keras_rsseg.predict_scene(None, "scene.tif", "classes.tif")
    ```
    """
    try:
        yield
    except (typer.Exit, typer.Abort, typer.BadParameter, BrokenPipeError):
        # typer handles these; it is silent about a pipe closed by `head`.
        raise
    except KeyboardInterrupt as error:
        print("Interrupted.", file=sys.stderr)
        raise SystemExit(INTERRUPTED) from error
    except Exception as error:
        if not is_expected(error):
            _ask_for_report(error)
            raise
        word = styled("Error:", "red", sys.stderr)
        print(f"{word} {spell(one_line(error))}", file=sys.stderr)
        raise SystemExit(1) from error


@contextlib.contextmanager
def plain_warnings(
    quiet: bool, spell: Callable[[str], str] = str
) -> Iterator[None]:
    """Print warnings for users as one line, without source code.

    Args:
        quiet: whether to suppress these warnings.
        spell: turns the words of Python into those of the command line.
    """

    def show(message, category, *place, **options):
        if issubclass(category, UserWarning):
            word = styled("Warning:", "yellow", sys.stderr)
            print(f"{word} {spell(str(message))}", file=sys.stderr)
        else:
            show_others(message, category, *place, **options)

    with warnings.catch_warnings():
        show_others = warnings.showwarning
        warnings.simplefilter("ignore" if quiet else "always", UserWarning)
        warnings.showwarning = show
        yield


@contextlib.contextmanager
def log_level(level: int | None) -> Iterator[None]:
    """Set the level of the package's log for the duration of a command.

    Args:
        level: such as `logging.ERROR`; `None` leaves it unchanged.
    """
    logger = logging.getLogger("keras_rsseg")
    before = logger.level
    logger.setLevel(before if level is None else level)
    try:
        yield
    finally:
        logger.setLevel(before)


def _ask_for_report(error):
    note = (
        "This is a fault of keras-rsseg. Please report it with the traceback "
        f"above and this: {', '.join(_versions())}."
    )
    if note not in getattr(error, "__notes__", ()):
        error.add_note(note)


def _versions():
    yield f"keras-rsseg {keras_rsseg.__version__}"
    yield f"Python {platform.python_version()}"
    yield f"{platform.system()} {platform.machine()}"
    for name in _PACKAGES:
        version = getattr(sys.modules.get(name), "__version__", None)
        if version is not None:
            yield f"{name} {version}"
    if "keras" in sys.modules:
        import keras

        yield f"backend {keras.config.backend()}"
