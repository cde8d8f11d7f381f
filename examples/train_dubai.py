"""Fine-tune a network on the aerial scenes of Dubai, ready to be published.

Data: "Semantic segmentation of aerial imagery" by Humans in the Loop and the
Mohammed Bin Rashid Space Centre, folders `tile_2/images`, `tile_2/masks`
and so on. Each scene is cut into 3 x 3 parts; parts 1, 2, 4, 5, 7 and 8 of
every scene train, parts 3, 6 and 9 validate. The score is the mean IoU over
five classes from one confusion matrix of the whole validation area, every
pixel counted once, void left out.

    python -m examples.train_dubai ../shared/data/dubai --system hrnet \
        --encoder hrnet_w18_coco_lvis --output hrnet_w18_dubai

`--encoder` is a preset that `python -m weights.convert` wrote, a
folder or a handle `hf://org/name`. Of the presets of Dubai, `pfnet` and
`semantic_fpn` start from `resnet50_imagenet`, and `hrnet`, `hrnet_ifwm` and
`pfnet_hrnet_ifwm` from `hrnet_w18_coco_lvis`.

The folder holds a `card.json` with what `keras-rsseg upload` asks for. A run
that was stopped goes on at the epoch (of 100 steps) it was in when it is
started again with the same arguments; `OUTPUT.backup` holds what that needs,
six times the weights twice, until the preset is written. Where a run takes
minutes, `--no-backup` saves the time that writing it takes. On a CPU with
bfloat16 instructions, `--precision mixed_bfloat16` takes two thirds of the
time on torch.

    python -m examples.train_dubai ../shared/data/dubai --score hrnet_w18_dubai

scores a preset that is there already; with `--update-card` its card says so.
"""

import argparse
import functools
import json
import pathlib
import shutil
from collections.abc import Sequence
from typing import Any
from typing import TextIO

import keras

import keras_rsseg
from examples import dubai_card
from examples.frozen_statistics import frozen_statistics
from examples.networks import SYSTEMS
from examples.networks import build_task
from examples.recipe import first_epoch
from examples.training_log import TrainingLog
from keras_rsseg.data import Augmentation
from keras_rsseg.data import tile_dataset
from keras_rsseg.datasets.dubai import FACTS
from keras_rsseg.datasets.dubai import SCENES
from keras_rsseg.datasets.dubai import TRAINING_PARTS
from keras_rsseg.datasets.dubai import VALIDATION_PARTS
from keras_rsseg.models.segmenter import Segmenter

PALETTE = FACTS.to_palette()
# Arguments that may change when a stopped run is started again.
_NO_SETTINGS = (
    "backup",
    "data",
    "no_backup",
    "output",
    "score",
    "update_card",
)
SCORE_TILE_SIZE = 512
STEPS_PER_EPOCH = 100
POWER = 0.9
# Of `train()`, for comparing networks on these scenes.
AUGMENTATION = {
    "scale": (0.5, 2.0),
    "brightness": 0.3,
    "contrast": 0.4,
    "channel": 0.15,
    # The scenes' black is stretched to 0, that of others is not.
    "haze": 70,
}
# Of the presets, which are for other people's images, too: other sensors'
# colours, and scenes sharpened less than these.
WIDE_AUGMENTATION = {**AUGMENTATION, "channel": 0.2, "blur": 1.5}


def files(
    root: pathlib.Path, parts: Sequence[int]
) -> tuple[list[pathlib.Path], list[pathlib.Path]]:
    """Return the image and the mask files of some parts of every scene."""
    images = [
        root / f"tile_{scene}" / "images" / f"image_part_{part:03d}.jpg"
        for scene in SCENES
        for part in parts
    ]
    masks = [
        image.parents[1] / "masks" / f"{image.stem}.png" for image in images
    ]
    return images, masks


def train(
    model: Segmenter,
    args: argparse.Namespace,
    augmentation: dict[str, Any] | None = None,
    **compile_options: Any,
) -> float:
    """Fit on random crops, polynomial decay to zero.

    Args:
        model: `keras_rsseg.models.Segmenter`.
        args: the command's arguments.
        augmentation: dict of arguments of `keras_rsseg.data.Augmentation`;
            defaults to `AUGMENTATION`.
        **compile_options: of `model.compile()`.

    Returns:
        Seconds that it took, all starts together.
    """
    epochs = max(args.steps // STEPS_PER_EPOCH, 1)
    begin_frozen = epochs - round(args.frozen_share * epochs)
    log = TrainingLog(args.backup)
    fit = functools.partial(
        _fit, model, args, augmentation or AUGMENTATION, epochs, log
    )
    fit("moving", 0, begin_frozen, **compile_options)
    if begin_frozen < epochs:
        print("from here on with frozen statistics", flush=True)
        with frozen_statistics(model):
            fit("frozen", begin_frozen, epochs, **compile_options)
    return log.seconds


def _fit(
    model: Segmenter,
    args: argparse.Namespace,
    augmentation: dict[str, Any],
    epochs: int,
    log: TrainingLog,
    phase: str,
    begin: int,
    end: int,
    **compile_options: Any,
) -> None:
    """Fit from one epoch to another, of all `epochs` of the schedule."""
    steps = args.steps // epochs
    backup = args.backup and pathlib.Path(args.backup) / phase
    tiles = tile_dataset(
        *files(args.data, TRAINING_PARTS),
        tile_size=args.tile_size,
        sampling="random",
        tiles_per_epoch=steps * args.batch_size,
        batch_size=args.batch_size,
        palette=PALETTE,
        augmentation=Augmentation(**augmentation),
        repeat=True,
        first_epoch=max(begin, first_epoch(backup)) if backup else begin,
        seed=args.seed,
    )
    # What is left of the decay to zero is itself such a decay, as powers of
    # products are products of powers.
    left = 1 - begin * steps / args.steps
    schedule = keras.optimizers.schedules.PolynomialDecay(
        args.learning_rate * left**POWER,
        args.steps - begin * steps,
        end_learning_rate=0.0,
        power=POWER,
    )
    model.compile(
        optimizer=keras.optimizers.AdamW(schedule, weight_decay=0.01),
        metrics=[],
        **compile_options,
    )
    model.fit(
        tiles,
        initial_epoch=begin,
        epochs=end,
        steps_per_epoch=steps,
        callbacks=[*_keeping(args, backup), log],
        shuffle=False,
        verbose=0,
    )


def _keeping(
    args: argparse.Namespace, backup: pathlib.Path | None
) -> list[keras.callbacks.Callback]:
    """Return the callback that keeps what a stopped run goes on from."""
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
            f"{backup.parent} is of a run with other arguments ({path}). Give "
            "those to go on with it, or delete the folder to begin anew."
        )
    backup.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(settings, indent=4))
    return [
        keras.callbacks.BackupAndRestore(
            backup,
            # A kill while it is written costs one epoch, not all.
            double_checkpoint=True,
            # Until the preset is written.
            delete_checkpoint=False,
        )
    ]


def evaluate(
    model: Segmenter, args: argparse.Namespace, file: TextIO | None = None
) -> list[float]:
    """Print the score of the protocol above.

    Args:
        model: `keras_rsseg.models.Segmenter`.
        args: the command's arguments.
        file: where to print; defaults to the standard output.

    Returns:
        The IoU of each class, a list; the score is their mean.
    """
    tiles = tile_dataset(
        *files(args.data, VALIDATION_PARTS),
        tile_size=SCORE_TILE_SIZE,
        batch_size=2,
        palette=PALETTE,
        count_once=True,
    )
    score = keras_rsseg.metrics.MeanIoU(len(PALETTE.names))
    model.compile(metrics=[score])
    model.evaluate(tiles, verbose=0)
    per_class = [float(iou) for iou in score.per_class_iou()]
    print(f"validation mean IoU {float(score.result()):.4f}", file=file)
    for name, iou in zip(PALETTE.names, per_class, strict=True):
        print(f"{name:>12} {iou:.4f}", file=file)
    return per_class


def add_data_format(parser: argparse.ArgumentParser) -> None:
    """Add the option for the layout of the encoder's maps."""
    parser.add_argument(
        "--data-format",
        choices=("channels_first", "channels_last"),
        help="layout inside the network; on torch, channels_first is faster",
    )


def parse_arguments(
    arguments: Sequence[str] | None = None,
) -> argparse.Namespace:
    """Return the command's arguments."""
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("data", type=pathlib.Path, help="folder of the scenes")
    parser.add_argument("--system", choices=tuple(SYSTEMS), default="hrnet")
    parser.add_argument("--encoder", help="preset to start from")
    parser.add_argument("--output", help="folder to write")
    parser.add_argument("--steps", type=int, default=1800)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--tile-size", type=int, default=256)
    parser.add_argument("--learning-rate", type=float, default=4e-4)
    parser.add_argument("--seed", type=int, default=1)
    # Without it, tiles of nothing but dark water were mapped as land in places.
    parser.add_argument(
        "--frozen-share",
        type=float,
        default=0.3,
        help="last part of the epochs, with frozen statistics of batch norm",
    )
    add_data_format(parser)
    # By the released one, PFNet took vegetation for water: a mean IoU of 0.61
    # where the paper's gave 0.69.
    parser.add_argument(
        "--recipe",
        choices=("paper", "released"),
        default="paper",
        help="losses of PFNet, see its compile()",
    )
    parser.add_argument(
        "--precision", default="float32", help="or mixed_bfloat16, ..."
    )
    backup = parser.add_mutually_exclusive_group()
    backup.add_argument(
        "--backup",
        help="folder from which a stop resumes, if not OUTPUT.backup",
    )
    backup.add_argument(
        "--no-backup",
        action="store_true",
        help="keep nothing: a run that is stopped begins anew",
    )
    parser.add_argument("--score", help="preset to score instead of training")
    parser.add_argument(
        "--update-card", action="store_true", help="write the score to its card"
    )
    args = parser.parse_args(arguments)
    if not args.score and not (args.encoder and args.output):
        parser.error("give --encoder and --output, or --score")
    if args.output and not args.backup and not args.no_backup:
        args.backup = f"{args.output.rstrip('/')}.backup"
    return args


def _build(
    args: argparse.Namespace, precision: str, **encoder_options: Any
) -> Segmenter:
    """Return the network; presets of encoders take the global precision."""
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        return build_task(args.system, FACTS, args.encoder, encoder_options)
    finally:
        keras.config.set_dtype_policy(previous)


def _as_published(model: Segmenter, args: argparse.Namespace) -> Segmenter:
    """Return the network as it computes on every backend."""
    twin = _build(args, "float32")
    twin.set_weights(model.get_weights())
    return twin


def _losses(model: Segmenter, args: argparse.Namespace) -> dict[str, str]:
    """Return the arguments of `compile()` that PFNet alone has."""
    if not isinstance(model, keras_rsseg.PFNet):
        return {}
    # No class of these is the background whose outlines PFNet learns.
    return {"recipe": args.recipe, "boundaries": "classes"}


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, save, evaluate; or evaluate alone."""
    args = parse_arguments(arguments)
    if args.score:
        ious = evaluate(keras_rsseg.from_preset(args.score), args)
        if args.update_card:
            dubai_card.update_score(args.score, ious)
        return
    keras.utils.set_random_seed(args.seed)
    options = {"data_format": args.data_format} if args.data_format else {}
    model = _build(args, args.precision, **options)
    seconds = train(model, args, WIDE_AUGMENTATION, **_losses(model, args))
    print(f"trained in {seconds:.0f} s")
    model = _as_published(model, args)
    model.save_to_preset(args.output)
    print(f"preset written to {args.output}")
    ious = evaluate(model, args)
    dubai_card.write_card(model, args, WIDE_AUGMENTATION, seconds, ious)
    if args.backup:
        shutil.rmtree(args.backup)


if __name__ == "__main__":
    main()
