"""What a command prints where something is wrong."""

import contextlib
import logging
import sys
import warnings
from collections.abc import Callable
from collections.abc import Iterator

import typer


@contextlib.contextmanager
def plain_warnings(quiet):
    """Print what a user should know as one line, without source code."""

    def show(message, category, *place, **options):
        if issubclass(category, UserWarning):
            typer.echo(f"Warning: {message}", err=True)
        else:
            show_others(message, category, *place, **options)

    with warnings.catch_warnings():
        show_others = warnings.showwarning
        warnings.simplefilter("ignore" if quiet else "always", UserWarning)
        warnings.showwarning = show
        yield


@contextlib.contextmanager
def log_level(level):
    logger = logging.getLogger("keras_rsseg")
    before = logger.level
    logger.setLevel(before if level is None else level)
    try:
        yield
    finally:
        logger.setLevel(before)


@contextlib.contextmanager
def plain_errors(spell: Callable[[str], str] = str) -> Iterator[None]:
    """Turn the errors a user can make into one line and exit code 1.

    Args:
        spell: what turns the words of Python into those of the command line.
    """
    try:
        yield
    except Exception as error:
        if not _is_users(error):
            raise
        lines = [line.strip() for line in str(error).splitlines()]
        message = " ".join(filter(None, lines)) or type(error).__name__
        typer.echo(f"Error: {spell(message)}", err=True)
        raise typer.Exit(1) from error


def _is_users(error):
    if isinstance(error, ValueError | OSError):
        return True
    # Only ask for rasterio's where it was loaded.
    errors = sys.modules.get("rasterio.errors")
    return errors is not None and isinstance(error, errors.RasterioError)
