"""The card that a training writes for its preset."""

import pathlib
import statistics
from collections.abc import Sequence
from typing import Any

from keras_rsseg.evaluation.evaluation_report import EvaluationReport
from keras_rsseg.hub.facts import write_card
from keras_rsseg.models.segmenter import Segmenter
from keras_rsseg.tables import counted
from keras_rsseg.training.labelled_parts import LabelledParts
from keras_rsseg.training_options import TrainingOptions

_UNKNOWN = "not stated"


def write_training_card(
    model: Segmenter,
    output: pathlib.Path,
    preset: str,
    report: EvaluationReport,
    parts: LabelledParts,
    options: TrainingOptions,
    epochs: Sequence[dict[str, Any]],
) -> None:
    """Write the `card.json` that `keras-rsseg upload` reads.

    What only the user knows, such as the licence of the images, is left as
    not stated.

    Args:
        model: the model, as it was saved.
        output: path of the preset.
        preset: what the training started from.
        report: scores of the held-out part.
        parts: what was trained on.
        options: options of the training.
        epochs: losses and scores of each epoch.
    """
    scores = report.scores["scene"]
    names = report.class_names
    labelled = {
        name: round(float(iou), 4)
        for name, iou in zip(names, scores.iou, strict=True)
        if iou == iou
    }
    distance = parts.ground_sample_distance
    where = "" if distance is None else f" of about {distance:g} m per pixel"
    bands = ", ".join(model.bands or ())
    seconds = sum(epoch["seconds"] for epoch in epochs)
    command = "keras-rsseg train --config training.yaml"
    card: dict[str, Any] = {
        "description": (
            f"{type(model).__name__}: {', '.join(names)} in images ({bands})"
            f"{where}."
        ),
        "dataset": (
            f"images of its user, in {counted(len(parts.train[0]), 'part')}"
        ),
        "protocol": (
            f"Held out: {parts.held_out}, {options.validation:.0%} of the "
            f"area, seed {options.seed}; tiles of {options.tile_size} px."
        ),
        "score": {
            "mean_iou": round(statistics.fmean(labelled.values()), 4),
            "data": f"what was held out: {parts.held_out}",
            "by": "keras_rsseg",
            "command": command,
            "classes": labelled,
        },
        "licence": _UNKNOWN,
        "weights_source": f"Fine-tuned from {preset}",
        "training": command,
        "intended_use": f"Images like those it was trained on{where}.",
        "limits": (
            "Scored on parts of the same images or on images of the same "
            f"kind; not tried elsewhere. Its weakest class is "
            f"{min(labelled, key=lambda name: labelled[name])}."
        ),
        "training_details": (
            f"AdamW, learning rates up to {options.learning_rate:g}, "
            f"{counted(len(epochs), 'epoch')}, batches of "
            f"{options.batch_size}, {seconds:.0f} s."
        ),
    }
    if distance is not None:
        card["ground_sample_distances"] = [distance, distance]
    write_card(output, card)
