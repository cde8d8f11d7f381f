"""The fit of a training: schedule, tiles, and resuming after a stop."""

import pathlib
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import keras

from keras_rsseg.data.augmentation import Augmentation
from keras_rsseg.models.segmenter import Segmenter
from keras_rsseg.training.best_epoch import BestEpoch
from keras_rsseg.training.epoch_backup import EpochBackup
from keras_rsseg.training.frozen_statistics import frozen_statistics
from keras_rsseg.training.labelled_parts import LabelledParts
from keras_rsseg.training.seeded_epochs import SeededEpochs
from keras_rsseg.training.training_history import TrainingHistory
from keras_rsseg.training.warm_up import WarmUpDecay
from keras_rsseg.training_options import TrainingOptions

_LEAST_STEPS, _MOST_STEPS = 20, 250
_LIMIT_EPOCHS = _LIMIT_BATCH = 2
_WEIGHT_DECAY = 0.01
# In so few steps a graph of TensorFlow's is not worth the minutes it takes to
# trace.
_EAGER_STEPS = 10
GEOMETRY: dict[str, Any] = {"scale": (0.7, 1.4)}
# For three 8-bit bands.
COLORS: dict[str, Any] = {
    "brightness": 0.2,
    "contrast": 0.3,
    "saturation": 0.3,
    "gamma": 0.2,
}


def fit_parts(
    model: Segmenter,
    parts: LabelledParts,
    workspace: pathlib.Path,
    options: TrainingOptions,
    dtype: str,
    keeps_statistics: bool,
    say: Callable[[str], None] | None,
) -> tuple[list[dict[str, Any]], BestEpoch]:
    """Fit, from where a stopped training was.

    Args:
        model: the model to train; it is compiled again.
        parts: what to train on, and to validate with.
        workspace: path of a folder for what to resume from.
        options: options of the training.
        dtype: dtype of the images, such as `"uint8"`.
        keeps_statistics: whether batch norm keeps the preset's statistics:
            small batches say little about those of all images.
        say: called with a line of text after every epoch, or `None`.

    Returns:
        `(epochs, best)`: losses and scores of each epoch, and the
        `BestEpoch`.
    """
    epochs = options.epochs if options.limit is None else _LIMIT_EPOCHS
    steps = _steps(parts, options)
    backup, best = EpochBackup(workspace), BestEpoch(workspace)
    history = TrainingHistory(workspace, epochs, say, steps)
    augmentation = Augmentation(
        **augmentation_of(dtype, model.input_shape[-1], options.augmentation)
    )
    tiles, validation = _tiles(
        parts, options, augmentation, steps, backup.first_epoch
    )
    frozen = frozen_statistics(model) if keeps_statistics else nullcontext()
    with frozen:
        schedule = WarmUpDecay(options.learning_rate, epochs * steps)
        model.compile(
            optimizer=keras.optimizers.AdamW(
                schedule, weight_decay=_WEIGHT_DECAY
            ),
            run_eagerly=runs_eagerly(options),
            **model.land_cover_arguments,
        )
        model.fit(
            tiles,
            initial_epoch=backup.first_epoch,
            epochs=epochs,
            steps_per_epoch=steps,
            validation_data=validation,
            callbacks=[SeededEpochs(options.seed), history, best, backup],
            shuffle=False,
            verbose=0,
        )
    return history.epochs, best


def _tiles(
    parts: LabelledParts,
    options: TrainingOptions,
    augmentation: Augmentation,
    steps: int,
    first_epoch: int,
) -> tuple[Any, Any]:
    """The tiles to train on, without end, and those to validate with."""
    limit, size = options.limit, options.tile_size
    batch_size = options.batch_size
    if limit is not None:
        batch_size = min(batch_size, _LIMIT_BATCH)
    tiles = parts.tiles(
        parts.train,
        tile_size=size,
        batch_size=batch_size,
        sampling=options.sampling,
        tiles_per_epoch=steps * batch_size,
        augmentation=augmentation,
        repeat=True,
        first_epoch=first_epoch,
        seed=options.seed,
    )
    validation = parts.tiles(
        parts.validation,
        tile_size=size,
        batch_size=batch_size if limit is None else 1,
        count_once=True,
    )
    return tiles, validation if limit is None else validation.take(limit)


def runs_eagerly(options: TrainingOptions) -> bool:
    """Return whether a training is a trial too short to make a graph for.

    Args:
        options: options of the training.
    """
    return (
        options.limit is not None
        and options.limit <= _EAGER_STEPS
        and keras.backend.backend() == "tensorflow"
    )


def augmentation_of(dtype: str, bands: int, kind: str) -> dict[str, Any]:
    """Return the arguments of `Augmentation` for some images.

    Args:
        dtype: dtype of the images, such as `"uint8"`.
        bands: number of bands.
        kind: the option `augmentation`.
    """
    if kind == "none":
        return {"flip": False, "rotate90": False}
    is_photo = dtype == "uint8" and bands == 3
    return {**GEOMETRY, **(COLORS if kind == "all" and is_photo else {})}


def _steps(parts: LabelledParts, options: TrainingOptions) -> int:
    """Batches of an epoch: as many as fill the area, within bounds."""
    if options.limit is not None:
        return options.limit
    if options.steps_per_epoch is not None:
        return options.steps_per_epoch
    tiles = parts.area(parts.train) / options.tile_size**2
    steps = round(tiles / options.batch_size)
    return min(max(steps, _LEAST_STEPS), _MOST_STEPS)
