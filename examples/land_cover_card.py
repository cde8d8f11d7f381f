"""The card of a preset trained by `train_land_cover.py`."""

import argparse
import os
import pathlib
import statistics
from collections.abc import Mapping
from typing import Any

from examples import preset_card
from keras_rsseg.datasets import dubai
from keras_rsseg.datasets import ohio_naip
from keras_rsseg.hub import facts
from keras_rsseg.models.segmenter import Segmenter

_DATA = "../shared/data"
_SCRIPT = "examples.train_land_cover"
KAMPALA = "kampala"
# What was scored at each place.
_SCORED = {
    "dubai": (
        "parts 3, 6 and 9 of six scenes of Dubai, each pixel counted once, "
        "void left out"
    ),
    "ohio_naip": (
        "32 validation tiles of southern Ohio, at least 0.9 km from the "
        "training tiles, each pixel counted once, void left out"
    ),
    KAMPALA: (
        "buildings of one district of Kampala, mapped by `predict_scene` from "
        "a 7.5 cm mosaic"
    ),
}
_NAMES = {"dubai": "Dubai", "ohio_naip": "Ohio"}
_LABELS = {
    "as_drawn": "Dubai's masks as they are drawn",
    "half_weight": "buildings and land of Dubai's masks at half the weight",
    "void_border": (
        "void within 3 px of the borders between buildings and land of Dubai's "
        "masks"
    ),
}
# Licences in the words of the sources.
_SOURCES = f"""\
## Sources

- Dubai: "Semantic segmentation of aerial imagery" by Humans in the Loop and the
  Mohammed Bin Rashid Space Centre. CC0 on its Hub card; its README says open
  access. {dubai.FACTS.homepage}
- Ohio: Source imagery: USDA NAIP; Processed and labeled dataset: yinx111
  (2025). The imagery of the National Agriculture Imagery Program is a work of
  the United States government, public domain. On the labels, the README says:
  cite or acknowledge "Source imagery: USDA NAIP; Processed and labeled dataset:
  yinx111 (2025)" if you use it. There is no licence file: the README permits
  use with this acknowledgement, but grants no licence to redistribute the
  labels. No tile of it is shipped. {ohio_naip.FACTS.homepage}
- Kampala, only for scores: mosaic of OpenAerialMap, licence not stated. No
  pixel of it is shipped."""

Scores = Mapping[str, Mapping[str, Any]]


def write_card(
    model: Segmenter,
    args: argparse.Namespace,
    augmentation: Mapping[str, Any],
    seconds: float | None,
    scores: Scores,
) -> None:
    """Write the `card.json` that `keras-rsseg upload` reads.

    Args:
        model: the task, as it was saved.
        args: the arguments of the training.
        augmentation: dict of arguments of `keras_rsseg.data.Augmentation`.
        seconds: float, duration of the training; `None` if unknown.
        scores: the result of `score_land_cover.score_places()`.
    """
    common = preset_card.training_facts(
        model, args, _SCRIPT, _DATA, _own_options(args)
    )
    seen = [
        preset_card.distances(data.FACTS.ground_sample_distance, augmentation)
        for data in (dubai, ohio_naip)
    ]
    finest = min(distance for distance, _ in seen)
    coarsest = max(distance for _, distance in seen)
    both = max(distance for distance, _ in seen), min(far for _, far in seen)
    names = ", ".join(model.class_names)
    card = {
        **common,
        "description": (
            f"{preset_card.title(model)}: {names} in RGB aerial imagery of "
            f"{finest:g} to {coarsest:g} m per pixel, trained on Dubai and "
            "southern Ohio."
        ),
        "dataset": "dubai, ohio_naip",
        "protocol": (
            "Dubai: parts 1, 2, 4, 5, 7 and 8 of every scene for training, "
            "parts 3, 6 and 9 for validation. Ohio: 142 training and 32 "
            "validation tiles, in groups at least 0.9 km apart. Crops of "
            f"{args.tile_size} px. Kampala was not trained on."
        ),
        "score": score_of(scores, args.output),
        "weights_source": (
            f"{common['weights_source']}, on the data under Sources."
        ),
        "training_details": _details(args, augmentation, seconds),
        "ground_sample_distances": [finest, coarsest],
        "intended_use": (
            "First land-cover maps of aerial and satellite imagery at "
            f"{both[0]:g} to {both[1]:g} m per pixel, the range covered by "
            "training at both places, and a starting point for training on "
            "your own tiles. Resample images of another ground sample distance "
            f"to {model.ground_sample_distance:g} m, as `predict_scene` does."
        ),
        "limits": _limits(scores),
        "notes": _SOURCES,
    }
    facts.write_card(args.output, card)


def update_score(folder: str | os.PathLike, scores: Scores) -> None:
    """Write new scores to the card of a preset.

    Args:
        folder: path of the preset, which has a card.
        scores: the result of `score_land_cover.score_places()`.
    """
    card = facts.read_card(folder)
    facts.write_card(folder, {**card, "score": score_of(scores, folder)})


def score_of(scores: Scores, folder: str | os.PathLike) -> dict[str, Any]:
    """Return a card's entry for measured scores.

    Args:
        scores: the result of `score_land_cover.score_places()`.
        folder: path of the preset.
    """
    places: dict[str, dict[str, Any]] = {}
    for name, parts in scores.items():
        places[name] = {"data": _SCORED[name]}
        if name == KAMPALA:
            places[name]["class_name"] = "building"
            places[name]["readings"] = {
                distance: _rounded(reading)
                for distance, reading in parts.items()
            }
        else:
            places[name]["mean_iou"] = round(
                statistics.fmean(parts.values()), 4
            )
            places[name]["classes"] = _rounded(parts)
    means = [
        place["mean_iou"] for place in places.values() if "mean_iou" in place
    ]
    return {
        "mean_iou": round(statistics.fmean(means), 4),
        "data": "validation parts of Dubai and southern Ohio, mean of both",
        "by": "keras_rsseg",
        "command": (
            f"python -m examples.score_land_cover {_DATA} "
            f"{pathlib.Path(folder).name}"
        ),
        "places": places,
    }


def _rounded(scores: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in scores.items()}


def _own_options(args: argparse.Namespace) -> dict[str, Any]:
    """Return the given options that only this script has."""
    options: dict[str, Any] = {}
    if args.labels != "as_drawn":
        options["--labels"] = args.labels
    if args.without:
        options["--without"] = args.without
    return options


def _details(
    args: argparse.Namespace,
    augmentation: Mapping[str, Any],
    seconds: float | None,
) -> str:
    half = args.batch_size // 2
    colors = (
        ""
        if "color_transfer" in args.without
        else ", colours of other scenes of both places"
    )
    return (
        f"{args.steps} steps of {half} random crops of Dubai and {half} crops "
        "of Ohio in which all classes are equally likely, "
        f"{preset_card.schedule(args, augmentation)}{colors}; "
        f"{_LABELS[args.labels]}. At the end of a phase the weights are their "
        f"moving average. {preset_card.run(args, seconds)}"
    )


def _limits(scores: Scores) -> str:
    """Return where the preset fails, with the scores that show it."""
    weakest = [
        f"{min(parts, key=parts.__getitem__)} in {_NAMES[name]} "
        f"(IoU {min(parts.values()):.2f})"
        for name, parts in scores.items()
        if name != KAMPALA
    ]
    text = (
        "It was trained on six scenes of one desert city and 18 x 33 km of "
        "farmland and villages in Ohio, and scored on other parts of both: "
        "expect less elsewhere. The weakest classes are "
        f"{' and '.join(weakest)}. "
    )
    if KAMPALA in scores:
        readings = scores[KAMPALA]
        worst, best = (
            choose(readings, key=lambda at: readings[at]["iou"])
            for choose in (min, max)
        )
        text += (
            "Buildings of a district of Kampala, which it never saw, have an "
            f"IoU of {readings[best]['iou']:.2f} read at {best} (precision "
            f"{readings[best]['precision']:.2f}, recall "
            f"{readings[best]['recall']:.2f}) and "
            f"{readings[worst]['iou']:.2f} at {worst}. "
        )
    return text + (
        "Dubai's masks draw whole plots as one building and the green between "
        "villas as land; in Ohio most short drives and small car parks are "
        "not labelled as roads. There is no class for vehicles, railways or "
        "snow. The ground sample distance of Dubai's scenes is not stated "
        "anywhere; it was estimated from roads and houses."
    )
