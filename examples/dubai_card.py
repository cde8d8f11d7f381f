"""What the card of a preset trained by `train_dubai.py` says."""

import argparse
import os
import pathlib
import shlex
import statistics
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import keras

from benchmarks.count_macs import count_macs
from keras_rsseg.datasets.dubai import FACTS
from keras_rsseg.hub import facts

_DATA = "../shared/data/dubai"
_SCORED = "validation parts of Dubai, each pixel counted once, void left out"
# By the names that `python -m weights.convert` gives them.
_ENCODERS = {
    "resnet50_imagenet": (
        "ResNet-50 of Keras Applications (ImageNet, MIT)",
        "Apache-2.0",
    ),
    "hrnet_w18_coco_lvis": (
        "HRNetV2-W18 body of paddlelabel-ml 1.0.0 (COCO and LVIS, Apache-2.0)",
        "Apache-2.0",
    ),
}


def write_card(
    model: keras.Model,
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
        seconds: float, of the training.
        ious: list, the measured IoU of each class.
    """
    encoder = pathlib.Path(args.encoder).name
    source, licence = _ENCODERS.get(
        encoder, (f"the encoder preset {encoder}", "to be stated")
    )
    finest, coarsest = distances = _distances(model, augmentation)
    card = {
        "description": (
            f"{title(model)}: {len(FACTS.class_names)} land-cover classes in "
            f"RGB aerial imagery of {finest:g} to {coarsest:g} m a pixel, "
            "trained on six scenes of Dubai."
        ),
        "dataset": "dubai",
        "protocol": (
            "Parts 1, 2, 4, 5, 7 and 8 of every scene train, parts 3, 6 and 9 "
            f"validate; random crops of {args.tile_size} px."
        ),
        "score": score_of(ious, args.output),
        "licence": licence,
        "weights_source": f"Fine-tuned from {source}; data CC0-1.0.",
        "training": _command(args, encoder),
        "training_details": _details(args, augmentation, seconds),
        "gmacs": round(count_macs(model) / 1e9, 2),
        "ground_sample_distances": list(distances),
        "intended_use": (
            "First maps of land cover in aerial and satellite imagery, and a "
            "start for training on your own tiles. Read images of another "
            "ground sample distance at "
            f"{model.ground_sample_distance:g} m, as `predict_scene` does."
        ),
        "limits": (
            "It knows six scenes of one desert city, and was scored on other "
            "parts of the same scenes: elsewhere expect less. There is no "
            "class of vehicles. The ground sample distance of the scenes is "
            "nowhere stated; it was estimated from roads and houses."
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
        "command": f"python -m examples.train_dubai {_DATA} --score {name}",
    }


def title(model: keras.Model) -> str:
    """Return what a network is called, such as "PFNet on a ResNet-50"."""
    task, encoder = type(model).__name__, model.backbone.image_encoder
    body = type(encoder).__name__
    if body == "HRNetEncoder":
        body = f"HRNetV2-W{encoder.width}"
        if encoder.fusion != "bilinear":
            body += f" with {encoder.fusion.upper()}"
    elif body == "ResNetEncoder":
        body = f"ResNet-{encoder.depth}"
    article = "an" if body[0] in "AEHIO" else "a"
    return body if task == "HRNet" else f"{task} on {article} {body}"


def _distances(
    model: keras.Model, augmentation: Mapping[str, Any]
) -> tuple[float, float]:
    """The finest and the coarsest ground sample distance trained on."""
    smallest, largest = augmentation["scale"]
    distance = model.ground_sample_distance
    return round(distance / largest, 2), round(distance / smallest, 2)


def _command(args: argparse.Namespace, encoder: str) -> str:
    words = {
        "--system": args.system,
        "--encoder": encoder,
        "--steps": args.steps,
        "--batch-size": args.batch_size,
        "--tile-size": args.tile_size,
        "--learning-rate": f"{args.learning_rate:g}",
        "--seed": args.seed,
        **_unless_default("--recipe", args.recipe, "paper"),
        **_unless_default("--frozen-share", args.frozen_share, 0.3),
        **_unless_default("--data-format", args.data_format, None),
        **_unless_default("--precision", args.precision, "float32"),
        "--output": pathlib.Path(args.output).name,
    }
    options = " ".join(f"{k} {shlex.quote(str(v))}" for k, v in words.items())
    return f"python -m examples.train_dubai {_DATA} {options}"


def _unless_default(option: str, value: Any, default: Any) -> dict[str, Any]:
    return {} if value == default else {option: value}


def _details(
    args: argparse.Namespace, augmentation: Mapping[str, Any], seconds: float
) -> str:
    changes = ", ".join(f"{k} {v}" for k, v in augmentation.items())
    return (
        f"{args.steps} steps of {args.batch_size} random crops, AdamW with "
        f"weight decay 0.01, polynomial decay from {args.learning_rate:g}; "
        f"the last epochs ({args.frozen_share:.0%}) with frozen statistics; "
        f"flips, quarter turns, {changes}. Seed {args.seed}, {args.precision}, "
        f"{keras.backend.backend()}, {seconds:.0f} s on {_hardware()}."
    )


def _hardware() -> str:
    if keras.backend.backend() == "torch":
        import torch

        if torch.cuda.is_available():
            return torch.cuda.get_device_name()
    elif keras.backend.backend() == "jax":
        import jax

        if jax.default_backend() != "cpu":
            return jax.devices()[0].device_kind
    elif keras.distribution.list_devices("gpu"):
        return "a GPU"
    return f"{os.cpu_count()} CPU cores"
