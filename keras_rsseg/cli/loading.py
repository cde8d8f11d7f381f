"""Load Keras and a model for a command, and control its output."""

import contextlib
import importlib.util
import json
import logging
import os
import pathlib
import sys
from collections.abc import Iterator
from typing import Any

import typer

import keras_rsseg
from keras_rsseg.cli.errors import log_level
from keras_rsseg.cli.errors import plain_warnings
from keras_rsseg.cli.option_flags import Speller
from keras_rsseg.cli.terminal import Status
from keras_rsseg.cli.terminal import held_back

_FRAMEWORKS = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}


def load_framework(
    status: Status | None = None, with_tensorflow: bool = False
) -> None:
    """Load Keras and its backend without their own output.

    Args:
        status: shows what is being loaded; `None` to show nothing.
        with_tensorflow: whether data will go through `tf.data`, whatever the
            backend.
    """
    status = status or Status(quiet=True)
    name = _FRAMEWORKS.get(_backend_name(), "Keras")
    with status.doing(f"Loading {name}"), held_back(show=status.verbose):
        # Registers the systems, for which it loads Keras and keras-hub.
        importlib.import_module("keras_rsseg.models")
        if with_tensorflow and importlib.util.find_spec("tensorflow"):
            importlib.import_module("tensorflow")


def load_model(preset: str | None, status: Status | None = None) -> Any:
    """Return the model named on the command line.

    Args:
        preset: name or folder, or an exported file, for which no framework
            is loaded; `None` for the default.
        status: shows what is being loaded; `None` to show nothing.
    """
    from keras_rsseg.scenes.exported.exported_model import load_exported
    from keras_rsseg.scenes.exported.runtimes import is_exported

    status = status or Status(quiet=True)
    if preset is not None and is_exported(preset):
        with status.doing(f"Loading {preset}"):
            return load_exported(preset)
    load_framework(status)
    name = preset or keras_rsseg.DEFAULT_PRESET
    with status.doing(f"Loading {name}"):
        return keras_rsseg.from_preset(name)


def read_facts(preset: str | None) -> Any:
    """Return an object with the attributes of a model, without a framework.

    Args:
        preset: as for `load_model()`.
    """
    from keras_rsseg.hub.preset_facts import read_preset_facts
    from keras_rsseg.scenes.exported.exported_model import load_exported
    from keras_rsseg.scenes.exported.runtimes import is_exported

    if preset is not None and is_exported(preset):
        return load_exported(preset)
    return read_preset_facts(preset or keras_rsseg.DEFAULT_PRESET)


@contextlib.contextmanager
def talkative(
    quiet: bool, verbose: bool, spell: Speller = str
) -> Iterator[Status]:
    """Set how much a command prints.

    Args:
        quiet: whether to print nothing but errors.
        verbose: whether to also print the package's log.
        spell: turns the words of Python into those of the command line.

    Yields:
        A `Status`.

    Raises:
        typer.BadParameter: both were given.
    """
    if quiet and verbose:
        raise typer.BadParameter(
            "and --verbose exclude each other", param_hint="--quiet"
        )
    level = logging.ERROR if quiet else logging.INFO if verbose else None
    with (
        plain_warnings(quiet, spell),
        log_level(level),
        _shown_log(verbose),
    ):
        yield Status(quiet, verbose)


@contextlib.contextmanager
def _shown_log(wanted: bool) -> Iterator[None]:
    """Print the package's log; by default Python prints only warnings."""
    if not wanted:
        yield
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.getLogger("keras_rsseg")
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def _backend_name() -> str:
    """The backend that Keras uses or will use."""
    if "keras" in sys.modules:
        return sys.modules["keras"].config.backend()
    home = pathlib.Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser()
    stated = ""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        stated = json.loads((home / "keras.json").read_text()).get("backend")
    return os.environ.get("KERAS_BACKEND") or stated or "tensorflow"
