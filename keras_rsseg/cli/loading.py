"""Load Keras and a model for a command, and say so; how much it says."""

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
    """Load Keras and its backend without the lines that they write.

    Args:
        status: says what is loaded, `None` for nobody.
        with_tensorflow: whether data will go through `tf.data`, whatever the
            backend is.
    """
    status = status or Status(quiet=True)
    name = _FRAMEWORKS.get(_backend_name(), "Keras")
    with status.doing(f"Loading {name}"), held_back(show=status.verbose):
        # Registers the systems, and loads Keras and keras-hub for that.
        importlib.import_module("keras_rsseg.models")
        if with_tensorflow and importlib.util.find_spec("tensorflow"):
            importlib.import_module("tensorflow")


def load_model(preset: str | None, status: Status | None = None) -> Any:
    """Return the model that a command line names.

    Args:
        preset: name or folder, or an exported file, for which no framework
            is loaded; `None` for the default.
        status: says what is loaded, `None` for nobody.
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
    """Return what has the attributes of a model, without its framework.

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
    """Say as much as the user asked for, for the time of a command.

    Args:
        quiet: whether to print nothing but errors.
        verbose: whether to also print the package's log.
        spell: turns the words of Python into those of the command line.

    Yields:
        A `Status`.

    Raises:
        typer.BadParameter: both were asked for.
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
    """Print the package's log; without it Python prints warnings alone."""
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
    """The backend that Keras has, or will take."""
    if "keras" in sys.modules:
        return sys.modules["keras"].config.backend()
    home = pathlib.Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser()
    stated = ""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        stated = json.loads((home / "keras.json").read_text()).get("backend")
    return os.environ.get("KERAS_BACKEND") or stated or "tensorflow"
