"""Fine-tune a network on the aerial scenes of Dubai, ready to be published.

Data: "Semantic segmentation of aerial imagery" by Humans in the Loop and the
Mohammed Bin Rashid Space Centre, folders `tile_2/images`, `tile_2/masks`
and so on. Each scene is cut into 3 x 3 parts: parts 1, 2, 4, 5, 7 and 8 for
training, parts 3, 6 and 9 for validation. The score is the mean IoU over five
classes from one confusion matrix of the whole validation area, every pixel
counted once, void left out.

    python -m examples.train_dubai ../shared/data/dubai --system hrnet \
        --encoder hrnet_w18_coco_lvis --output hrnet_w18_dubai

`--encoder` is a preset that `python -m weights.convert` wrote, a
folder or a handle `hf://org/name`. Among the presets of Dubai, `pfnet` and
`semantic_fpn` start from `resnet50_imagenet`, and `hrnet`, `hrnet_ifwm` and
`pfnet_hrnet_ifwm` from `hrnet_w18_coco_lvis`.

The folder holds a `card.json` with all that `keras-rsseg upload` needs. Run
the same command again to resume a stopped run at the epoch (of 100 steps) it
was in; `OUTPUT.backup` holds its state, twice six times the size of the
weights, until the preset is written. If a run takes only minutes,
`--no-backup` saves the time of writing it. On a CPU with bfloat16
instructions, `--precision mixed_bfloat16` takes two thirds of the time on
torch.

    python -m examples.train_dubai ../shared/data/dubai --score hrnet_w18_dubai

scores an existing preset; `--update-card` writes the score to its card.
"""

import argparse
import pathlib
import shutil
import statistics
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import TextIO

import keras
import tensorflow as tf

import keras_rsseg
from examples import dubai_card
from examples import fine_tuning
from keras_rsseg.data import Augmentation
from keras_rsseg.data import tile_dataset
from keras_rsseg.datasets.dubai import FACTS
from keras_rsseg.datasets.dubai import SCENES
from keras_rsseg.datasets.dubai import TRAINING_PARTS
from keras_rsseg.datasets.dubai import VALIDATION_PARTS
from keras_rsseg.models.segmenter import Segmenter

PALETTE = FACTS.to_palette()
SCORE_TILE_SIZE = 512
SCORE_BATCH_SIZE = 2
# To compare networks on these scenes.
AUGMENTATION = {
    "scale": (0.5, 2.0),
    "brightness": 0.3,
    "contrast": 0.4,
    "channel": 0.15,
    # These scenes' black is stretched to 0, unlike that of others.
    "haze": 70,
}
# For the presets, which are also for other people's images: other sensors'
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


def training_tiles(
    args: argparse.Namespace, augmentation: Mapping[str, Any] | None = None
) -> fine_tuning.Tiles:
    """Return random crops of all scenes, as `fine_tuning.train()` takes them.

    Args:
        args: the command's arguments.
        augmentation: dict of arguments of `keras_rsseg.data.Augmentation`;
            defaults to `AUGMENTATION`.
    """

    def tiles(first_epoch: int, steps: int) -> tf.data.Dataset:
        return tile_dataset(
            *files(args.data, TRAINING_PARTS),
            tile_size=args.tile_size,
            sampling="random",
            tiles_per_epoch=steps * args.batch_size,
            batch_size=args.batch_size,
            palette=PALETTE,
            augmentation=Augmentation(**(augmentation or AUGMENTATION)),
            repeat=True,
            first_epoch=first_epoch,
            seed=args.seed,
        )

    return tiles


def scored_tiles(
    model: Segmenter, images: Any, masks: Any, **options: Any
) -> tf.data.Dataset:
    """Return tiles that hold every pixel of images once.

    Args:
        model: network to score. The tiles are as large as it says, where it
            takes one size only.
        images: as for `tile_dataset`.
        masks: likewise.
        **options: options of `tile_dataset`.
    """
    return tile_dataset(
        images,
        masks,
        tile_size=model.input_shape[1] or SCORE_TILE_SIZE,
        batch_size=SCORE_BATCH_SIZE,
        count_once=True,
        **options,
    )


def class_ious(model: Segmenter, tiles: tf.data.Dataset) -> list[float]:
    """Return the IoU of each class, from one confusion matrix of all tiles.

    Args:
        model: `keras_rsseg.models.Segmenter`; it is compiled again.
        tiles: the result of `scored_tiles()`.
    """
    score = keras_rsseg.metrics.MeanIoU(model.num_classes)
    model.compile(metrics=[score])
    model.evaluate(tiles, verbose=0)
    return [float(iou) for iou in score.per_class_iou()]


def evaluate(
    model: Segmenter, args: argparse.Namespace, file: TextIO | None = None
) -> list[float]:
    """Print the score of the protocol above.

    Args:
        model: `keras_rsseg.models.Segmenter`.
        args: the command's arguments.
        file: where to print; defaults to standard output.

    Returns:
        The IoU of each class, a list; the score is their mean.
    """
    tiles = scored_tiles(
        model, *files(args.data, VALIDATION_PARTS), palette=PALETTE
    )
    per_class = class_ious(model, tiles)
    mean = statistics.fmean(per_class)
    print(f"validation mean IoU {mean:.4f}", file=file)
    for name, iou in zip(PALETTE.names, per_class, strict=True):
        print(f"{name:>12} {iou:.4f}", file=file)
    return per_class


def parse_arguments(
    arguments: Sequence[str] | None = None,
) -> argparse.Namespace:
    """Return the command's arguments."""
    parser = argparse.ArgumentParser(
        description=__doc__.split("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("data", type=pathlib.Path, help="folder of the scenes")
    fine_tuning.add_arguments(parser)
    parser.add_argument(
        "--update-card", action="store_true", help="write the score to its card"
    )
    args = parser.parse_args(arguments)
    fine_tuning.settle_arguments(parser, args)
    return args


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, save and evaluate; or only evaluate."""
    args = parse_arguments(arguments)
    if args.score:
        ious = evaluate(keras_rsseg.from_preset(args.score), args)
        if args.update_card:
            dubai_card.update_score(args.score, ious)
        return
    keras.utils.set_random_seed(args.seed)
    model = fine_tuning.build(args, FACTS)
    tiles = training_tiles(args, WIDE_AUGMENTATION)
    options = fine_tuning.losses(model, args)
    seconds = fine_tuning.train(model, tiles, args, **options)
    print(f"trained in {seconds:.0f} s")
    model = fine_tuning.as_published(model, args, FACTS)
    model.save_to_preset(args.output)
    print(f"preset written to {args.output}")
    ious = evaluate(model, args)
    dubai_card.write_card(model, args, WIDE_AUGMENTATION, seconds, ious)
    if args.backup:
        shutil.rmtree(args.backup)


if __name__ == "__main__":
    main()
