"""Shared parts of the training scripts for the papers' data sets.

A script states its `Recipe` and calls `main()`, which prepares the data set,
trains with `fit` and writes a preset and its scores. A stopped run resumes at
the epoch it was in, with the tiles it would have had.
"""

import argparse
import dataclasses
import importlib.util
import pathlib
import shutil
from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf
import tensorflow_datasets as tfds

import keras_rsseg
from examples.distribution import distributed
from examples.networks import SYSTEMS
from examples.networks import build_task
from keras_rsseg.data import TileCounts
from keras_rsseg.data import as_protocol
from keras_rsseg.data import count_tiles
from keras_rsseg.data import paper_augmentation
from keras_rsseg.data import tile_records
from keras_rsseg.datasets import facts
from keras_rsseg.evaluation import EvaluationReport
from keras_rsseg.models.segmenter import Segmenter
from keras_rsseg.training.epoch_backup import EpochBackup
from keras_rsseg.training.seeded_epochs import SeededEpochs
from keras_rsseg.void import VOID

# With `--limit`: small enough for a minute on a laptop.
LIMIT_TILE_SIZE = 128
LIMIT_BATCH_SIZE = 2


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How a paper, or the code released with it, trained.

    Attributes:
        dataset: name for `tfds.load`, such as `"vaihingen/ifwm"`.
        validation_split: the split to score.
        system: a key of `examples.networks.SYSTEMS`.
        protocol: a key of `keras_rsseg.data.PROTOCOLS`.
        augmentation: augmentation, as for `keras_rsseg.data.tiling`.
        epochs: int.
        batch_size: int, over all devices.
        learning_rate: float, at the start.
        schedule: `"poly"` or `"exponential"`, stepped once per epoch.
        encoder_options: dict of arguments of the encoder.
        left_out: names of classes to exclude from mean scores.
        eroded: pixels along class boundaries to exclude in a second row of
            scores, or `None`.
    """

    dataset: str
    validation_split: str
    system: str
    protocol: str
    augmentation: str
    epochs: int
    batch_size: int
    learning_rate: float
    schedule: str = "poly"
    encoder_options: dict = dataclasses.field(default_factory=dict)
    left_out: tuple = ()
    eroded: int | None = None


def learning_rate_of(recipe: Recipe) -> Callable[..., float]:
    """Return the function from an epoch, from 0, to its learning rate.

    `"poly"` is `(1 - (epoch + 1) / epochs) ** 0.9`: the released scripts
    step at the start of an epoch, so only the moving statistics change in
    the last one. `"exponential"` is `0.9 ** epoch`.
    """

    def poly(epoch: int, _: Any = None) -> float:
        left = max(1 - (epoch + 1) / recipe.epochs, 0.0)
        return recipe.learning_rate * left**0.9

    def exponential(epoch: int, _: Any = None) -> float:
        return recipe.learning_rate * 0.9**epoch

    return {"poly": poly, "exponential": exponential}[recipe.schedule]


def prepare(
    recipe: Recipe, args: argparse.Namespace
) -> tfds.core.DatasetBuilder:
    """Return the data set's builder, built if need be."""
    config = tfds.download.DownloadConfig(manual_dir=args.manual_dir)
    builder = tfds.builder(recipe.dataset, data_dir=args.data_dir)
    builder.download_and_prepare(download_config=config)
    return builder


def read(
    builder: tfds.core.DatasetBuilder,
    split: str,
    args: argparse.Namespace,
    **decoders: Any,
) -> tf.data.Dataset:
    """Return the records of a split; only one to try it out."""
    records = builder.as_dataset(split=split, **decoders)
    return records.take(1) if args.limit else records


def count(
    recipe: Recipe,
    builder: tfds.core.DatasetBuilder,
    split: str,
    args: argparse.Namespace,
) -> TileCounts:
    """Count the tiles of a split, without decoding its images."""
    masks = tfds.decode.PartialDecoding({"mask": True})
    counts = count_tiles(
        read(builder, split, args, decoders=masks), recipe.protocol
    )
    print(
        f"{split}: {counts.tiles} tiles of {counts.images} images, "
        f"{counts.void_share:.1%} void"
    )
    return counts


def training_tiles(
    recipe: Recipe,
    builder: tfds.core.DatasetBuilder,
    begin: int,
    args: argparse.Namespace,
) -> tuple[tf.data.Dataset, int]:
    """Return endless tiles from epoch `begin`, and the steps per epoch."""
    tiles = tile_records(
        builder.as_dataset(split="train"),
        protocol=recipe.protocol,
        batch_size=recipe.batch_size,
        augmentation=paper_augmentation(recipe.augmentation),
        shuffle=args.shuffle,
        repeat=True,
        first_epoch=begin,
        drop_remainder=True,
        seed=args.seed,
    )
    if args.limit:
        return tiles, args.limit
    counts = count(recipe, builder, "train", args)
    return tiles, counts.steps(recipe.batch_size, drop_remainder=True)


def fill_batch(
    images: tf.Tensor, masks: tf.Tensor, batch_size: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Fill up a batch with void, as several devices share whole batches."""
    missing = batch_size - tf.shape(masks)[0]
    images = tf.pad(images, [[0, missing], [0, 0], [0, 0], [0, 0]])
    masks = tf.pad(masks, [[0, missing], [0, 0], [0, 0]], constant_values=VOID)
    return images, masks


def validation_tiles(
    recipe: Recipe, builder: tfds.core.DatasetBuilder, args: argparse.Namespace
) -> tf.data.Dataset:
    """Return the tiles that are scored after every epoch."""
    split = recipe.validation_split
    tiles = tile_records(
        read(builder, split, args),
        protocol=recipe.protocol,
        batch_size=recipe.batch_size,
    )
    steps = count(recipe, builder, split, args).steps(recipe.batch_size)
    tiles = tiles.map(lambda *batch: fill_batch(*batch, recipe.batch_size))
    # Keras takes the end of a data set of unknown length for an error.
    tiles = tiles.apply(tf.data.experimental.assert_cardinality(steps))
    return tiles.take(args.limit) if args.limit else tiles


def fit(
    model: Segmenter,
    recipe: Recipe,
    builder: tfds.core.DatasetBuilder,
    args: argparse.Namespace,
) -> None:
    """Train by the recipe, scoring after every epoch."""
    folder = beside(args.output, "training")
    backup = EpochBackup(folder / "backup")
    begin = backup.first_epoch
    tiles, steps = training_tiles(recipe, builder, begin, args)
    callbacks = [
        SeededEpochs(args.seed),
        keras.callbacks.LearningRateScheduler(learning_rate_of(recipe)),
        keras.callbacks.CSVLogger(folder / "log.csv", append=begin > 0),
    ]
    if args.tensorboard:
        callbacks.append(keras.callbacks.TensorBoard(args.tensorboard))
    # The others finish writing before an epoch counts as done.
    callbacks.append(backup)
    model.fit(
        tiles,
        initial_epoch=begin,
        epochs=1 if args.limit and not args.epochs else recipe.epochs,
        steps_per_epoch=steps,
        validation_data=validation_tiles(recipe, builder, args),
        callbacks=callbacks,
        verbose=2,
    )


def parse_arguments(
    description: str, recipe: Recipe, arguments: Sequence[str] | None = None
) -> argparse.Namespace:
    """Return the command's arguments."""
    parser = argparse.ArgumentParser(
        description=description.split("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--manual-dir", help="folder of the downloads", required=True)
    add("--dataset", default=recipe.dataset, help="such as isaid/partial")
    add(
        "--system",
        choices=_alternatives(recipe.system),
        default=recipe.system,
        help="another network on the same encoder, such as a baseline",
    )
    add("--data-dir", help="where TFDS keeps prepared data")
    add("--encoder", help="preset to start from; default: random weights")
    add(
        "--output",
        help="preset to write; log and scores go to OUTPUT.training",
        required=True,
    )
    add("--epochs", type=int, help=f"{recipe.epochs}; with --limit, 1")
    add("--batch-size", type=int, default=recipe.batch_size)
    add("--learning-rate", type=float, default=recipe.learning_rate)
    add("--shuffle", type=int, default=512, help="tiles to shuffle among")
    add("--seed", type=int, default=1)
    add("--precision", default="float32", help="or mixed_float16, ...")
    add("--distribute", action="store_true", help="train on all devices")
    add("--tensorboard", help="folder of its logs")
    add(
        "--limit",
        type=int,
        help="try it out: epochs of this many batches of two small tiles",
    )
    args = parser.parse_args(arguments)
    if args.tensorboard and importlib.util.find_spec("tensorboard") is None:
        parser.error("--tensorboard needs `pip install tensorboard`")
    return args


def beside(output: str, ending: str) -> pathlib.Path:
    """Return the path `OUTPUT.ending`, for files beside the preset."""
    return pathlib.Path(f"{output.rstrip('/')}.{ending}")


def _alternatives(system: str) -> list[str]:
    """Return the systems that take the same encoder as a system."""
    encoder = SYSTEMS[system].encoder
    return [name for name, other in SYSTEMS.items() if other.encoder == encoder]


def _as_told(recipe: Recipe, args: argparse.Namespace) -> Recipe:
    """Return the recipe with the changes of the command line."""
    changes = {
        "dataset": args.dataset,
        "system": args.system,
        "epochs": args.epochs or recipe.epochs,
        "batch_size": args.batch_size,
        "learning_rate": args.learning_rate,
    }
    if args.limit:
        protocol = as_protocol(recipe.protocol)
        changes.update(
            batch_size=LIMIT_BATCH_SIZE,
            protocol=dataclasses.replace(
                protocol, tile_size=LIMIT_TILE_SIZE, stride=LIMIT_TILE_SIZE
            ),
        )
    return dataclasses.replace(recipe, **changes)


def main(
    recipe: Recipe, description: str, arguments: Sequence[str] | None = None
) -> EvaluationReport:
    """Prepare, train, write the preset, score it.

    Args:
        recipe: `Recipe`.
        description: the script's docstring.
        arguments: list of strings; `None` for those of the command line.

    Returns:
        `keras_rsseg.evaluation.EvaluationReport` of the validation split.
    """
    args = parse_arguments(description, recipe, arguments)
    recipe = _as_told(recipe, args)
    folder = beside(args.output, "training")
    folder.mkdir(parents=True, exist_ok=True)
    keras.config.set_dtype_policy(args.precision)
    builder = prepare(recipe, args)
    keras.utils.set_random_seed(args.seed)
    with distributed(args.distribute):
        model = build_task(
            recipe.system,
            facts(recipe.dataset.partition("/")[0]),
            args.encoder,
            recipe.encoder_options,
        )
        # The model compiles itself with the paper's losses and SGD; `fit()`
        # sets the learning rate.
        fit(model, recipe, builder, args)
    model.save_to_preset(args.output)
    shutil.rmtree(folder / "backup", ignore_errors=True)
    report = keras_rsseg.evaluate(
        # On one device, even if trained on several.
        keras_rsseg.from_preset(args.output),
        read(builder, recipe.validation_split, args),
        protocol=recipe.protocol,
        left_out=recipe.left_out,
        eroded=recipe.eroded,
    )
    print(report)
    report.save(folder / "scores", overwrite=True)
    return report
