"""Resumable fine-tuning in two phases, shared by the training scripts.

AdamW with a polynomial decay to zero; in the last part of the epochs the
batch norm statistics are frozen. A stopped run resumes at the epoch it was in.
"""

import argparse
import functools
import json
import pathlib
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

import keras_rsseg
from examples.networks import SYSTEMS
from examples.networks import build_task
from examples.recipe import beside
from examples.training_log import TrainingLog
from keras_rsseg.datasets.dataset_facts import DatasetFacts
from keras_rsseg.models.segmenter import Segmenter
from keras_rsseg.training.epoch_backup import EpochBackup
from keras_rsseg.training.frozen_statistics import frozen_statistics
from keras_rsseg.training.seeded_epochs import SeededEpochs

# Arguments that can change when a stopped run is started again.
_NO_SETTINGS = (
    "backup",
    "data",
    "no_backup",
    "output",
    "score",
    "seconds",
    "update_card",
)
STEPS_PER_EPOCH = 100
POWER = 0.9

# From the first epoch and the steps per epoch to endless tiles.
Tiles = Callable[[int, int], tf.data.Dataset]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of a training that writes a preset."""
    add = parser.add_argument
    add("--system", choices=tuple(SYSTEMS), default="hrnet")
    add("--encoder", help="preset to start from")
    add("--output", help="folder to write")
    add("--steps", type=int, default=1800)
    add("--batch-size", type=int, default=8)
    add("--tile-size", type=int, default=256)
    add("--learning-rate", type=float, default=4e-4)
    add("--seed", type=int, default=1)
    # Without it, tiles with only dark water were partly mapped as land.
    add(
        "--frozen-share",
        type=float,
        default=0.3,
        help="share of the last epochs, with frozen batch norm statistics",
    )
    add_data_format(parser)
    # With the released recipe, PFNet took vegetation for water: a mean IoU of
    # 0.61, compared with 0.69 for the paper's.
    add(
        "--recipe",
        choices=("paper", "released"),
        default="paper",
        help="losses of PFNet, see its compile()",
    )
    add("--precision", default="float32", help="or mixed_bfloat16, ...")
    backup = parser.add_mutually_exclusive_group()
    backup.add_argument(
        "--backup",
        help="folder to resume from, if not OUTPUT.backup",
    )
    backup.add_argument(
        "--no-backup",
        action="store_true",
        help="keep nothing: a stopped run starts over",
    )
    add("--score", help="preset to score instead of training")


def add_data_format(parser: argparse.ArgumentParser) -> None:
    """Add the option for the layout of the encoder's maps."""
    parser.add_argument(
        "--data-format",
        choices=("channels_first", "channels_last"),
        help="layout inside the network; on torch, channels_first is faster",
    )


def settle_arguments(
    parser: argparse.ArgumentParser, args: argparse.Namespace
) -> None:
    """Check the options above, and fill in the backup folder."""
    if not args.score and not (args.encoder and args.output):
        parser.error("give --encoder and --output, or --score")
    if args.output and not args.backup and not args.no_backup:
        args.backup = str(beside(args.output, "backup"))


def build(
    args: argparse.Namespace, facts: DatasetFacts, published: bool = False
) -> Segmenter:
    """Return the network; presets of encoders take the global precision.

    Args:
        args: the command's arguments.
        facts: facts of the data set.
        published: whether to build it in a form for every backend.
    """
    previous = keras.config.dtype_policy()
    options = {}
    if args.data_format and not published:
        options["data_format"] = args.data_format
    keras.config.set_dtype_policy("float32" if published else args.precision)
    try:
        return build_task(args.system, facts, args.encoder, options)
    finally:
        keras.config.set_dtype_policy(previous)


def as_published(
    model: Segmenter, args: argparse.Namespace, facts: DatasetFacts
) -> Segmenter:
    """Return the network in a form for every backend."""
    twin = build(args, facts, published=True)
    twin.set_weights(model.get_weights())
    return twin


def losses(model: Segmenter, args: argparse.Namespace) -> dict[str, str]:
    """Return the arguments of `compile()` that only PFNet has."""
    if not isinstance(model, keras_rsseg.PFNet):
        return {}
    # None of these classes is the background whose outlines PFNet learns.
    return {"recipe": args.recipe, "boundaries": "classes"}


def train(
    model: Segmenter,
    tiles: Tiles,
    args: argparse.Namespace,
    average: float | None = None,
    **compile_options: Any,
) -> float:
    """Fit on random crops, polynomial decay to zero.

    Args:
        model: `keras_rsseg.models.Segmenter`.
        tiles: function from the number of the first epoch and the steps per
            epoch to endless batches.
        args: the command's arguments.
        average: share of a phase's steps covered by the moving average of the
            weights. It replaces them at the end of each phase; `None` keeps
            the last weights.
        **compile_options: arguments of `model.compile()`.

    Returns:
        Duration in seconds, over all starts.
    """
    epochs = max(args.steps // STEPS_PER_EPOCH, 1)
    begin_frozen = epochs - round(args.frozen_share * epochs)
    log = TrainingLog(epochs, args.backup)
    fit = functools.partial(_fit, model, tiles, args, average, epochs, log)
    fit("moving", 0, begin_frozen, **compile_options)
    if begin_frozen < epochs:
        print("from here on with frozen statistics", flush=True)
        with frozen_statistics(model):
            fit("frozen", begin_frozen, epochs, **compile_options)
    return log.seconds


def _fit(
    model: Segmenter,
    tiles: Tiles,
    args: argparse.Namespace,
    average: float | None,
    epochs: int,
    log: TrainingLog,
    phase: str,
    begin: int,
    end: int,
    **compile_options: Any,
) -> None:
    """Fit from one epoch to another of the schedule's `epochs`."""
    steps = args.steps // epochs
    backup = args.backup and pathlib.Path(args.backup) / phase
    # The rest of a decay to zero is itself such a decay, as powers of
    # products are products of powers.
    left = 1 - begin * steps / args.steps
    schedule = keras.optimizers.schedules.PolynomialDecay(
        args.learning_rate * left**POWER,
        args.steps - begin * steps,
        end_learning_rate=0.0,
        power=POWER,
    )
    options = {}
    if average is not None:
        # A fifth of 3,600 steps is a momentum of 0.9986.
        reach = max(average * steps * (end - begin), 2)
        options = {"use_ema": True, "ema_momentum": 1 - 1 / reach}
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=0.01, **options)
    model.compile(optimizer=optimizer, metrics=[], **compile_options)
    kept = _keeping(args, backup)
    first = max([begin, *(callback.first_epoch for callback in kept)])
    model.fit(
        tiles(first, steps),
        initial_epoch=first,
        epochs=end,
        steps_per_epoch=steps,
        callbacks=[SeededEpochs(args.seed), *kept, log],
        shuffle=False,
        verbose=0,
    )


def _keeping(
    args: argparse.Namespace, backup: pathlib.Path | None
) -> list[EpochBackup]:
    """Return the callback that keeps the state a stopped run resumes from."""
    if not backup:
        return []
    settings = {
        name: str(value)
        for name, value in sorted(vars(args).items())
        if name not in _NO_SETTINGS
    }
    path = backup.parent / "settings.json"
    if path.exists() and json.loads(path.read_text()) != settings:
        raise SystemExit(
            f"{backup.parent} is from a run with other arguments ({path}). Use "
            "those to resume it, or delete the folder to start over."
        )
    backup.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(settings, indent=4))
    return [EpochBackup(backup)]
