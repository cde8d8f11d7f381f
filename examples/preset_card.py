"""Common parts of the cards of presets trained by scripts in this folder.

The scripts' own cards, `dubai_card` and `land_cover_card`, add the facts of
their data.
"""

import argparse
import os
import pathlib
import shlex
from collections.abc import Mapping
from typing import Any

import keras

from benchmarks.count_macs import count_macs
from keras_rsseg.models.segmenter import Segmenter
from keras_rsseg.training.accelerator import accelerator_name

# By the names they have in `python -m weights.convert`.
_ENCODERS = {
    "resnet50_imagenet": (
        "ResNet-50 of Keras Applications (ImageNet, MIT)",
        "Apache-2.0",
    ),
    "hrnet_w18_coco_lvis": (
        "HRNetV2-W18 body of paddlelabel-ml 1.0.0 (COCO and LVIS, Apache-2.0)",
        "Apache-2.0",
    ),
    "hrnet_ifwm_w18_dubai": (
        "the encoder of hrnet_ifwm_w18_dubai, trained on six scenes of Dubai "
        "from the HRNetV2-W18 body of paddlelabel-ml 1.0.0 (COCO and LVIS, "
        "Apache-2.0)",
        "Apache-2.0",
    ),
    "hrnet_ifwm_w18_land_cover": (
        "the encoder of hrnet_ifwm_w18_land_cover, trained on Dubai and Ohio "
        "from that of hrnet_ifwm_w18_dubai",
        "Apache-2.0",
    ),
}
# Options of `fine_tuning.add_arguments()` that a command states if they differ
# from these.
_DEFAULTS = {
    "--recipe": "paper",
    "--frozen-share": 0.3,
    "--data-format": None,
    "--precision": "float32",
}


def training_facts(
    model: Segmenter,
    args: argparse.Namespace,
    script: str,
    data: str,
    more: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the facts that follow from a network and its training.

    Args:
        model: the task, as it was saved.
        args: the arguments of the training, of `fine_tuning`.
        script: the module that was run.
        data: where the script finds its data, as a reader would write it.
        more: dict of further options of the command, with their values.
    """
    encoder = pathlib.Path(args.encoder).name
    source, licence = _ENCODERS.get(
        encoder, (f"the encoder preset {encoder}", "to be stated")
    )
    return {
        "licence": licence,
        "weights_source": f"Fine-tuned from {source}",
        "training": _command(args, encoder, script, data, more or {}),
        "gmacs": round(count_macs(model) / 1e9, 2),
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


def distances(
    distance: float, augmentation: Mapping[str, Any]
) -> tuple[float, float]:
    """Return the finest and the coarsest ground sample distance trained on.

    Args:
        distance: of the images, metres.
        augmentation: dict of arguments of `keras_rsseg.data.Augmentation`.
    """
    smallest, largest = augmentation.get("scale", (1, 1))
    return round(distance / largest, 2), round(distance / smallest, 2)


def schedule(args: argparse.Namespace, augmentation: Mapping[str, Any]) -> str:
    """Return in words how `fine_tuning` trained, and the augmentation."""
    changes = ", ".join(f"{k} {v}" for k, v in augmentation.items())
    return (
        f"AdamW with weight decay 0.01, polynomial decay from "
        f"{args.learning_rate:g}; the last epochs ({args.frozen_share:.0%}) "
        f"with frozen statistics; flips, quarter turns, {changes}"
    )


def run(args: argparse.Namespace, seconds: float | None) -> str:
    """Return in words what a training ran on.

    Args:
        args: the arguments of the training.
        seconds: its duration on this machine; `None` if unknown.
    """
    words = f"Seed {args.seed}, {args.precision}, {keras.backend.backend()}"
    if seconds is not None:
        hardware = accelerator_name() or f"{os.cpu_count()} CPU cores"
        words += f", {seconds:.0f} s on {hardware}"
    return f"{words}."


def _command(
    args: argparse.Namespace,
    encoder: str,
    script: str,
    data: str,
    more: Mapping[str, Any],
) -> str:
    words = {
        "--system": args.system,
        "--encoder": encoder,
        "--steps": args.steps,
        "--batch-size": args.batch_size,
        "--tile-size": args.tile_size,
        "--learning-rate": f"{args.learning_rate:g}",
        "--seed": args.seed,
    }
    for option, default in _DEFAULTS.items():
        value = getattr(args, option.removeprefix("--").replace("-", "_"))
        if value != default:
            words[option] = value
    words.update(more)
    words["--output"] = pathlib.Path(args.output).name
    parts = ["python", "-m", script, data]
    for option, value in words.items():
        values = value if isinstance(value, list | tuple) else [value]
        parts += [option, *(shlex.quote(str(one)) for one in values)]
    return " ".join(parts)
