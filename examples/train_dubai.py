"""Fine-tune a network on the aerial scenes of Dubai.

Data: "Semantic segmentation of aerial imagery" by Humans in the Loop and the
Mohammed Bin Rashid Space Centre, folders `tile_2/images`, `tile_2/masks`
and so on. Each scene is cut into 3 x 3 parts; parts 1, 2, 4, 5, 7 and 8 of
every scene train, parts 3, 6 and 9 validate. The score is the mean IoU over
five classes from one confusion matrix of the whole validation area, every
pixel counted once, void left out.

    python examples/train_dubai.py ../shared/data/dubai --system hrnet \
        --encoder hrnet_w18_coco_lvis --output hrnet_w18_dubai

`--encoder` is a preset folder that `python -m weights.convert_encoders`
wrote (or any keras-hub feature pyramid backbone, such as
`hf://keras/resnet_50_imagenet`).

    python examples/train_dubai.py ../shared/data/dubai --score hrnet_w18_dubai

scores a preset that is there already.
"""

import argparse
import pathlib
import sys
import time

import keras

if __name__ == "__main__":
    # Run as a file, a script sees its own folder only.
    sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

import keras_rsseg
from examples.networks import SYSTEMS
from examples.networks import build_task
from keras_rsseg.data import Augmentation
from keras_rsseg.data import tile_dataset
from keras_rsseg.datasets.dubai import FACTS
from keras_rsseg.datasets.dubai import SCENES
from keras_rsseg.datasets.dubai import TRAINING_PARTS
from keras_rsseg.datasets.dubai import VALIDATION_PARTS

PALETTE = FACTS.to_palette()
SCORE_TILE_SIZE = 512


def files(root, parts):
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


def train(model, args, **compile_options):
    """Fit on random crops, polynomial decay to zero."""
    epochs = max(args.steps // 100, 1)
    tiles = tile_dataset(
        *files(args.data, TRAINING_PARTS),
        tile_size=args.tile_size,
        sampling="random",
        tiles_per_epoch=args.steps // epochs * args.batch_size,
        batch_size=args.batch_size,
        palette=PALETTE,
        augmentation=Augmentation(
            scale=(0.5, 2.0),
            brightness=0.3,
            contrast=0.4,
            channel=0.15,
            # The scenes' black is stretched to 0, that of others is not.
            haze=70,
        ),
        seed=args.seed,
    )
    schedule = keras.optimizers.schedules.PolynomialDecay(
        args.learning_rate, args.steps, end_learning_rate=0.0, power=0.9
    )
    model.compile(
        optimizer=keras.optimizers.AdamW(schedule, weight_decay=0.01),
        metrics=[],
        **compile_options,
    )
    callbacks = []
    if args.backup:
        callbacks.append(keras.callbacks.BackupAndRestore(args.backup))
    model.fit(
        tiles, epochs=epochs, callbacks=callbacks, shuffle=False, verbose=2
    )


def evaluate(model, args):
    """Print the score of the protocol above.

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
    print(f"validation mean IoU {float(score.result()):.4f}")
    for name, iou in zip(PALETTE.names, per_class, strict=True):
        print(f"{name:>12} {iou:.4f}")
    return per_class


def add_data_format(parser):
    """Add the option for the layout of the encoder's maps."""
    parser.add_argument(
        "--data-format",
        choices=("channels_first", "channels_last"),
        help="layout inside the network; on torch, channels_first is faster",
    )


def parse_arguments(arguments=None):
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
    add_data_format(parser)
    parser.add_argument("--backup", help="folder from which a stop resumes")
    parser.add_argument("--score", help="preset to score instead of training")
    args = parser.parse_args(arguments)
    if not args.score and not (args.encoder and args.output):
        parser.error("give --encoder and --output, or --score")
    return args


def main(arguments=None):
    """Train, save, evaluate; or evaluate alone."""
    args = parse_arguments(arguments)
    if args.score:
        evaluate(keras_rsseg.from_preset(args.score), args)
        return
    keras.utils.set_random_seed(args.seed)
    start = time.perf_counter()
    options = {"data_format": args.data_format} if args.data_format else {}
    model = build_task(args.system, FACTS, args.encoder, options)
    # No class of these is the background whose outlines PFNet learns.
    losses = {"boundaries": "classes"} if args.system == "pfnet" else {}
    train(model, args, **losses)
    print(f"trained in {time.perf_counter() - start:.0f} s")
    model.save_to_preset(args.output)
    print(f"preset written to {args.output}")
    evaluate(model, args)


if __name__ == "__main__":
    main()
