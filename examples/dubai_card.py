"""The card of a preset trained by `train_dubai.py`."""

import argparse
import os
import pathlib
import statistics
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from examples import preset_card
from keras_rsseg.datasets.dubai import FACTS
from keras_rsseg.hub import facts
from keras_rsseg.models.segmenter import Segmenter

_DATA = "../shared/data/dubai"
_SCRIPT = "examples.train_dubai"
_SCORED = "validation parts of Dubai, each pixel counted once, void left out"


def write_card(
    model: Segmenter,
    args: argparse.Namespace,
    augmentation: Mapping[str, Any],
    seconds: float,
    ious: Sequence[float],
) -> None:
    """Write the `card.json` that `keras-rsseg upload` reads.

    Args:
        model: the task, as it was saved.
        args: the arguments of the training.
        augmentation: dict of arguments of `keras_rsseg.data.Augmentation`.
        seconds: float, duration of the training.
        ious: list, the measured IoU of each class.
    """
    common = preset_card.training_facts(model, args, _SCRIPT, _DATA)
    distance = model.ground_sample_distance
    finest, coarsest = preset_card.distances(distance, augmentation)
    card = {
        **common,
        "description": (
            f"{preset_card.title(model)}: {len(FACTS.class_names)} land-cover "
            f"classes in RGB aerial imagery of {finest:g} to {coarsest:g} m "
            "per pixel, trained on six scenes of Dubai."
        ),
        "dataset": "dubai",
        "protocol": (
            "Parts 1, 2, 4, 5, 7 and 8 of every scene for training, parts 3, 6 "
            f"and 9 for validation; random crops of {args.tile_size} px."
        ),
        "score": score_of(ious, args.output),
        "weights_source": f"{common['weights_source']}; data CC0-1.0.",
        "training_details": (
            f"{args.steps} steps of {args.batch_size} random crops, "
            f"{preset_card.schedule(args, augmentation)}. "
            f"{preset_card.run(args, seconds)}"
        ),
        "ground_sample_distances": [finest, coarsest],
        "intended_use": (
            "First land-cover maps of aerial and satellite imagery, and a "
            "starting point for training on your own tiles. Resample images "
            "of another ground sample distance to "
            f"{distance:g} m, as `predict_scene` does."
        ),
        "limits": (
            "It was trained on six scenes of one desert city, and scored on "
            "other parts of the same scenes: expect less elsewhere. There is "
            "no class for vehicles. The ground sample distance of the scenes "
            "is not stated anywhere; it was estimated from roads and houses."
        ),
    }
    facts.write_card(args.output, card)


def update_score(folder: str | os.PathLike, ious: Sequence[float]) -> None:
    """Write a new score to the card of a preset.

    Args:
        folder: path of the preset, which has a card.
        ious: list, the measured IoU of each class.
    """
    card = facts.read_card(folder)
    facts.write_card(folder, {**card, "score": score_of(ious, folder)})


def score_of(
    ious: Sequence[float], folder: str | os.PathLike
) -> dict[str, Any]:
    """Return a card's entry for a measured score."""
    name = pathlib.Path(folder).name
    return {
        "mean_iou": round(statistics.fmean(ious), 4),
        "classes": {
            name: round(iou, 4)
            for name, iou in zip(FACTS.class_names, ious, strict=True)
        },
        "data": _SCORED,
        "by": "keras_rsseg",
        "command": f"python -m {_SCRIPT} {_DATA} --score {name}",
    }
