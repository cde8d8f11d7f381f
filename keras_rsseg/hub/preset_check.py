"""What must hold of a preset before others may have it."""

import json
import pathlib

import keras
import numpy as np

from keras_rsseg.hub.preset_error import PresetError
from keras_rsseg.hub.preset_files import CARD_FILE
from keras_rsseg.hub.preset_folder import open_preset

# Facts that no file of the preset holds, and what is meant by them.
REQUIRED = {
    "description": "one or two sentences: network, classes, imagery",
    "dataset": "the data it was trained on, and where they come from",
    "protocol": "how tiles were cut and which part was held out",
    "score": (
        "{'mean_iou': 0.7, 'data': what was scored, 'by': who measured it, "
        "'command': how, 'classes': {name: IoU}}, or None if nobody did"
    ),
    "licence": "an identifier such as apache-2.0, or the terms",
    "weights_source": "what the training started from, and its licence",
    "training": "the command that trained it",
    "intended_use": "what imagery and purpose it is for",
    "limits": "where it fails",
}
OPTIONAL = {
    "gmacs": "billions of multiply-adds for 512 x 512 pixels",
    "ground_sample_distances": "[finest, coarsest] in training, metres",
    "notes": "what else there is to say, Markdown",
    "paper_score": "{'mean_iou': 0.7, 'source': which paper}",
    "training_details": "schedule, augmentation, seed, time, hardware",
}
CARD_FACTS = (*REQUIRED, *OPTIONAL)


def load_checked(folder):
    """Load a preset as one who downloads it would, and predict a tile.

    Args:
        folder: path of the preset.

    Returns:
        The task.

    Raises:
        ValueError: it cannot be loaded from the Hub, its logits are not
            finite, or it does not say what its bands and classes are.
    """
    if not pathlib.Path(folder).is_dir():
        raise PresetError(
            "`folder` must be one that `save_to_preset()` wrote. Received: "
            f"folder={str(folder)!r}"
        )
    with open_preset(folder, trusted=False) as (path, saved_cls):
        task = saved_cls.from_preset(path)
    for name in ("class_names", "bands"):
        if not getattr(task, name):
            raise PresetError(
                f"The preset in {folder} does not say what its {name} are; "
                "nobody could read its maps. Give them to the task or its "
                "image converter, and save it again."
            )
    # To trace a graph for a single tile would take far longer.
    task.run_eagerly = keras.backend.backend() == "tensorflow"
    tile = np.random.default_rng(0).integers(
        0, 256, (1, 64, 64, len(task.bands)), "uint8"
    )
    if not np.isfinite(task.predict_on_batch(tile)).all():
        raise PresetError(
            f"The network in {folder} predicts values that are not finite."
        )
    return task


def read_facts(folder, facts=None):
    """Return what a card says beside what the preset's files do.

    Args:
        folder: path of the preset.
        facts: dict, or `None` for those in its `card.json`.

    Returns:
        dict with all entries of `REQUIRED`.

    Raises:
        ValueError: one is missing, or the file cannot be read.
    """
    path = pathlib.Path(folder) / CARD_FILE
    if facts is None:
        facts = _read_card_file(path)
    missing = [name for name in REQUIRED if name not in facts]
    if missing:
        lines = "\n".join(f"  {name}: {REQUIRED[name]}" for name in missing)
        raise PresetError(
            f"The card of {folder} lacks facts. Write them to {path}, a JSON "
            f"object:\n{lines}"
        )
    score = facts["score"]
    if score is not None:
        _check_score("score", score, ("mean_iou", "data", "by", "command"))
    if facts.get("paper_score") is not None:
        _check_score("paper_score", facts["paper_score"], ("source",))
    return facts


def _read_card_file(path):
    if not path.is_file():
        return {}
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise PresetError(f"{path} is no JSON: {error}") from error
    if not isinstance(facts, dict):
        raise PresetError(f"{path} must hold a JSON object.")
    return facts


def _check_score(name, score, needed):
    missing = [key for key in needed if key not in score]
    if missing:
        raise PresetError(f"The card's {name} lacks {missing}: {score}")
    values = [score.get("mean_iou", 0), *score.get("classes", {}).values()]
    if not all(0 <= value <= 1 for value in values):
        raise PresetError(
            f"The card's {name} must hold fractions from 0 to 1: {score}"
        )
