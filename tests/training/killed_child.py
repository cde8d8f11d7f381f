"""A training in a separate process, which a kill -9 ends at some moment."""

import os
import pathlib
import signal
import sys

# Imported for forks, which then need not wait for it.
import matplotlib.figure  # noqa: F401
import tensorflow  # noqa: F401

import keras_rsseg
from tests.models import tiny_encoder  # noqa: F401 (registers its class)
from tests.training.training_files import QUICK

# Of Python's audit events, those that change a folder.
_CHANGES = (
    *("open", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir"),
    "os.truncate",
)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def train(
    images: pathlib.Path,
    masks: pathlib.Path,
    preset: pathlib.Path,
    output: pathlib.Path,
    last: int | None = None,
    tell: pathlib.Path | None = None,
) -> None:
    """Train, and kill the process if requested.

    Args:
        images, masks, preset, output: arguments of `keras_rsseg.train`.
        last: number of the change of files beside `output`, from 1, before
            which the process is killed; `None` for never.
        tell: path of a file that gets the number of changes.
    """
    count, place = 0, str(output.parent)

    def watch(event, arguments):
        nonlocal count
        if event not in _CHANGES or not str(arguments[0]).startswith(place):
            return
        if event == "open" and not int(arguments[2] or 0) & _WRITING:
            return
        count += 1
        if count == last:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    keras_rsseg.train(
        images,
        masks,
        output,
        preset=preset,
        resume=True,
        **{**QUICK, "epochs": 3, "steps_per_epoch": 4},
    )
    if tell is not None:
        tell.write_text(str(count))
