"""Score, size and speed of presets trained on Dubai, in one table.

    python -m benchmarks.score_presets ../shared/data/dubai \
        pfnet_r50_dubai hrnet_w18_dubai --seeds runs

prints, in Markdown, the mean IoU and the IoU of every class by the protocol of
`examples/train_dubai.py`, measured now (or with `--from-cards` taken from each
`card.json`), trainable parameters, GMACs for a tile of 512 px, and seconds per
megapixel: `predict_on_batch` of one tile, including normalisation, on the
backend set by `KERAS_BACKEND`. With `--seeds`, it adds the mean and the sample
standard deviation of the scores in all cards `FOLDER/*/NAME/card.json`, from
trainings that differ only in the seed. The networks take turns, so that other
work on the machine slows all of them down alike; the table has the median of
the rounds, and the fastest and slowest.
"""

import argparse
import json
import pathlib
import statistics
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

import keras_rsseg
from benchmarks.count_macs import count_macs
from benchmarks.count_macs import count_parameters
from examples import train_dubai
from keras_rsseg.models.segmenter import Segmenter
from keras_rsseg.tables import markdown_lines

CLASSES = train_dubai.PALETTE.names


def seconds_per_megapixel(
    models: Sequence[Any], size: int, rounds: int
) -> list[list[float]]:
    """Time some networks in turns.

    Args:
        models: list of `keras_rsseg.models.Segmenter`.
        size: int, side of the tile in pixels.
        rounds: int, runs of each. The first, which compiles, is not counted.

    Returns:
        A list for each network, of `rounds` floats.
    """
    tile = np.random.default_rng(0).integers(0, 256, (1, size, size, 3))
    tile = tile.astype("uint8")
    times = [[] for _ in models]
    for _ in range(rounds + 1):
        for model, seconds in zip(models, times, strict=True):
            start = time.perf_counter()
            # Returns an array, so everything is computed by then.
            model.predict_on_batch(tile)
            seconds.append((time.perf_counter() - start) / (size**2 / 1e6))
    return [seconds[1:] for seconds in times]


def read_score(card: pathlib.Path) -> dict[str, Any]:
    """Return the score in a `card.json`, a dict."""
    return json.loads(card.read_text(encoding="utf-8"))["score"]


def over_seeds(folder: str, seeds: pathlib.Path) -> str:
    """Return the cell for the scores of all trainings of one name."""
    cards = sorted(seeds.glob(f"*/{pathlib.Path(folder).name}/card.json"))
    means = [read_score(card)["mean_iou"] for card in cards]
    if len(means) < 2:
        return f"{len(means)} of them"
    return (
        f"{statistics.fmean(means):.3f} ± {statistics.stdev(means):.3f} "
        f"({len(means)})"
    )


def scores(
    folder: str, model: Segmenter, args: argparse.Namespace
) -> list[float]:
    """Return the IoU of each class."""
    if args.from_cards:
        card = read_score(pathlib.Path(folder) / "card.json")
        return [card["classes"][name] for name in CLASSES]
    print(f"== {folder}", file=sys.stderr, flush=True)
    return train_dubai.evaluate(model, args, file=sys.stderr)


def row(
    folder: str,
    model: Segmenter,
    ious: Sequence[float],
    seconds: Sequence[float],
    args: argparse.Namespace,
) -> list[str]:
    """Return the cells of a preset."""
    size = args.size
    return [
        f"`{pathlib.Path(folder).name}`",
        f"{statistics.fmean(ious):.3f}",
        *([over_seeds(folder, args.seeds)] if args.seeds else []),
        *(f"{iou:.3f}" for iou in ious),
        f"{count_parameters(model) / 1e6:.1f} M",
        f"{count_macs(model, size) / 1e9:.1f}",
        f"{statistics.median(seconds):.2f} "
        f"({min(seconds):.2f} to {max(seconds):.2f})",
    ]


def parse_arguments(
    arguments: Sequence[str] | None = None,
) -> argparse.Namespace:
    """Return the command's arguments."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=pathlib.Path, help="folder of the scenes")
    parser.add_argument("presets", nargs="+", help="names or folders")
    parser.add_argument("--size", type=int, default=512, help="pixels")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--from-cards", action="store_true")
    parser.add_argument(
        "--seeds", type=pathlib.Path, help="folder with folders of presets"
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Load, score and time the presets, print the table."""
    args = parse_arguments(arguments)
    models = [keras_rsseg.from_preset(preset) for preset in args.presets]
    ious = [
        scores(preset, model, args)
        for preset, model in zip(args.presets, models, strict=True)
    ]
    times = seconds_per_megapixel(models, args.size, args.rounds)
    head = [
        *("", "mean IoU", *(["all seeds"] if args.seeds else [])),
        *(*CLASSES, "parameters"),
        f"GMACs ({args.size} px)",
        "seconds per megapixel",
    ]
    results = zip(args.presets, models, ious, times, strict=True)
    for line in markdown_lines(head, (row(*each, args) for each in results)):
        print(line, flush=True)


if __name__ == "__main__":
    main()
