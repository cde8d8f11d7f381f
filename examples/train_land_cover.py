"""Train the default presets' networks on two places: Dubai and southern Ohio.

Data: folders `dubai` and `ohio_naip`, as `keras_rsseg.datasets` describes
them, in one folder. Half of a batch is random crops of Dubai's scenes, half
crops of Ohio in which all classes are equally likely. The score is the mean
of both places' validation parts: mean IoU over five classes, from one
confusion matrix per place, every pixel counted once, void left out.

    python -m examples.train_land_cover ../shared/data --system hrnet_ifwm \
        --encoder hrnet_w18_coco_lvis --output hrnet_ifwm_w18_land_cover

Encoders, resuming and `--precision` are as in `examples.train_dubai`.
`--without jpeg color_transfer` omits these changes of the tiles, and
`--labels` says how to treat Dubai's masks, which draw whole plots as one
building and the green between villas as land: both measure what each choice
is good for.

The folder holds a `card.json` with all that `keras-rsseg upload` needs,
including scores for Dubai, Ohio and (if the folder `kampala` exists) Kampala.

    python -m examples.train_land_cover ../shared/data --score PRESET

scores an existing preset; `--update-card` writes the scores to its card. If it
has no card, one is written: also give the arguments of its training and the
`--seconds` it took.
"""

import argparse
import functools
import json
import pathlib
import shutil
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

import keras_rsseg
from examples import fine_tuning
from examples import land_cover_card
from examples import score_land_cover
from examples import train_dubai
from examples.recipe import beside
from keras_rsseg.data import Augmentation
from keras_rsseg.data import ColorStatistics
from keras_rsseg.data import ColorTransfer
from keras_rsseg.data import color_statistics
from keras_rsseg.data import join_neighbours
from keras_rsseg.data import mix_datasets
from keras_rsseg.data import tile_dataset
from keras_rsseg.data import weigh_pixels
from keras_rsseg.datasets.dubai import FACTS
from keras_rsseg.datasets.dubai import TRAINING_PARTS
from keras_rsseg.hub.facts import read_card
from keras_rsseg.models.segmenter import Segmenter

# Share of a phase covered by the weights' moving average, which a preset holds
# at the end of the second.
AVERAGE = 0.2
AUGMENTATION: dict[str, Any] = {
    **train_dubai.WIDE_AUGMENTATION,
    "saturation": 0.4,
    "gamma": 0.3,
    "jpeg": (40, 100),
}
_BUILDING, _LAND = (FACTS.class_names.index(n) for n in ("building", "land"))
_EQUAL = [1.0] * FACTS.num_classes
# How to treat Dubai's masks: weights of its classes, and pixels of void along
# the borders between two of them.
LABELS: dict[str, tuple[list[float], dict[tuple[int, int], int] | None]] = {
    "as_drawn": (_EQUAL, None),
    "half_weight": (
        [0.5 if i in (_BUILDING, _LAND) else 1.0 for i in range(len(_EQUAL))],
        None,
    ),
    "void_border": (_EQUAL, {(_BUILDING, _LAND): 3}),
}


def transfers(root: pathlib.Path) -> tuple[ColorTransfer, ColorTransfer]:
    """Return the transfers of all scenes' colours to Dubai's and Ohio's."""
    dubai = color_statistics(
        train_dubai.files(root / "dubai", TRAINING_PARTS)[0]
    )
    parts = len(TRAINING_PARTS)
    scenes = [
        ColorStatistics.join(dubai[i : i + parts])
        for i in range(0, len(dubai), parts)
    ]
    ohio = color_statistics(score_land_cover.ohio_files(root, "train")[0])
    targets = [*scenes, *ohio[:: max(len(ohio) // len(scenes), 1)]]
    return tuple(
        ColorTransfer(ColorStatistics.join(source), targets)
        for source in (dubai, ohio)
    )


def changes(args: argparse.Namespace) -> dict[str, Any]:
    """Return the arguments of `Augmentation`, without those left out."""
    return {k: v for k, v in AUGMENTATION.items() if k not in args.without}


def training_tiles(args: argparse.Namespace) -> fine_tuning.Tiles:
    """Return tiles for `fine_tuning.train()`, half from each place."""
    half = args.batch_size // 2
    options = changes(args)
    places: list[ColorTransfer | None] = [None, None]
    if "color_transfer" not in args.without:
        places = list(transfers(args.data))
    augmentations = [
        Augmentation(**options, color_transfer=place) for place in places
    ]
    dubai = train_dubai.files(args.data / "dubai", TRAINING_PARTS)
    ohio = join_neighbours(*score_land_cover.ohio_files(args.data, "train"))
    weights, border = LABELS[args.labels]

    def tiles(first_epoch: int, steps: int) -> tf.data.Dataset:
        cut = functools.partial(
            tile_dataset,
            tile_size=args.tile_size,
            tiles_per_epoch=steps * half,
            batch_size=half,
            repeat=True,
            first_epoch=first_epoch,
            seed=args.seed,
        )
        desert = cut(
            *dubai,
            sampling="random",
            palette=FACTS.to_palette(),
            augmentation=augmentations[0],
            boundary_void=border,
        )
        farmland = cut(
            *ohio, sampling="balanced", augmentation=augmentations[1]
        )
        if weights != _EQUAL:
            desert = weigh_pixels(desert, weights)
            farmland = weigh_pixels(farmland, _EQUAL)
        return mix_datasets([desert, farmland], batch_size=2 * half)

    return tiles


def parse_arguments(
    arguments: Sequence[str] | None = None,
) -> argparse.Namespace:
    """Return the command's arguments."""
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("data", type=pathlib.Path, help="folder of both")
    fine_tuning.add_arguments(parser)
    parser.set_defaults(steps=3600)
    parser.add_argument("--labels", choices=tuple(LABELS), default="as_drawn")
    parser.add_argument(
        "--without",
        nargs="+",
        choices=(*AUGMENTATION, "color_transfer"),
        default=[],
        help="changes of the tiles to omit",
    )
    parser.add_argument(
        "--update-card", action="store_true", help="write the score to its card"
    )
    parser.add_argument(
        "--seconds", type=float, help="duration of a training without a card"
    )
    args = parser.parse_args(arguments)
    fine_tuning.settle_arguments(parser, args)
    if args.batch_size % 2:
        parser.error("--batch-size must be even: half is from each place")
    if args.update_card:
        _settle_card(parser, args)
    return args


def _settle_card(
    parser: argparse.ArgumentParser, args: argparse.Namespace
) -> None:
    """Check before scoring that the card of `--score` can be written."""
    if not args.score or not pathlib.Path(args.score).is_dir():
        parser.error("--update-card needs --score FOLDER")
    if not read_card(args.score) and not args.encoder:
        parser.error(
            f"{args.score} has no card: to write one, give --encoder and the "
            "other arguments of its training"
        )
    args.output = args.score


def _write_card(
    model: Segmenter,
    args: argparse.Namespace,
    seconds: float | None,
    scores: dict[str, Any],
) -> None:
    land_cover_card.write_card(model, args, changes(args), seconds, scores)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, save and evaluate; or only evaluate."""
    args = parse_arguments(arguments)
    if args.score:
        model = keras_rsseg.from_preset(args.score)
        scores = score_land_cover.score_places(model, args.data)
        if args.update_card and read_card(args.score):
            land_cover_card.update_score(args.score, scores)
        elif args.update_card:
            _write_card(model, args, args.seconds, scores)
        return
    keras.utils.set_random_seed(args.seed)
    model = fine_tuning.build(args, FACTS)
    options = fine_tuning.losses(model, args)
    seconds = fine_tuning.train(
        model, training_tiles(args), args, average=AVERAGE, **options
    )
    print(f"trained in {seconds:.0f} s")
    model = fine_tuning.as_published(model, args, FACTS)
    model.save_to_preset(args.output)
    print(f"preset written to {args.output}")
    scores = score_land_cover.score_places(model, args.data)
    beside(args.output, "scores.json").write_text(json.dumps(scores, indent=4))
    _write_card(model, args, seconds, scores)
    if args.backup:
        shutil.rmtree(args.backup)


if __name__ == "__main__":
    main()
