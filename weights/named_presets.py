"""The presets that converters write whole: weights, legend and card."""

import os
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

from keras_rsseg.hub import facts
from keras_rsseg.hub.preset_files import sha256
from keras_rsseg.hub.registry import preset_facts
from keras_rsseg.hub.registry import registered_presets


class Conversion(NamedTuple):
    """How a preset's name becomes arguments of its converter.

    Attributes:
        script: name of the converter's module.
        variant: its `--variant`.
        options: dict of arguments of its `build()`.
    """

    script: str
    variant: str
    options: Mapping[str, Any] = {}


def _conversion(variant: str, options: Mapping[str, Any]) -> Conversion:
    script = "hrnet" if variant.startswith("hrnet") else "pfsegnets"
    return Conversion(f"convert_{script}", variant, options)


# No checkpoint says how its network resized: aligned corners, which HRNet's
# presets have, are the default of its latest code, and what IFWM builds on.
# PFNet's released training has 14 x 14 salient points, and the released
# evaluation of Potsdam, which made the published figure, 9 x 9. A preset is
# for evaluating: it has the latter. No weight depends on it.
CONVERSIONS = {
    name: _conversion(
        known["checkpoint"]["variant"], known["checkpoint"].get("options", {})
    )
    for name, known in registered_presets().items()
    if "checkpoint" in known
}


def arguments_of(
    script: str,
    preset: str | None,
    variant: str | None,
    num_classes: int | None,
    **others: Any,
) -> tuple[str, dict[str, Any]]:
    """Return what a converter builds.

    Args:
        script: string, the converter's name.
        preset: string, a key of `CONVERSIONS`, or `None`.
        variant: string, or `None` with a preset.
        num_classes: int, or `None` with a preset.
        **others: arguments of its `build()`; `None` for the preset's or the
            default.

    Returns:
        A pair of the variant and the arguments of `build()`.

    Raises:
        ValueError: the converter makes no preset of that name, or arguments
            are missing or too many.
    """
    others = {key: value for key, value in others.items() if value is not None}
    if preset is None:
        if variant is None or num_classes is None:
            raise ValueError(
                "give `preset`, or `variant` and `num_classes`. Received: "
                f"variant={variant}, num_classes={num_classes}"
            )
        return variant, {"num_classes": num_classes, **others}
    if (variant, num_classes) != (None, None):
        raise ValueError(
            "`preset` says which `variant` and `num_classes`, leave those "
            f"out. Received: variant={variant}, num_classes={num_classes}"
        )
    known = [key for key, made in CONVERSIONS.items() if made.script == script]
    if preset not in known:
        raise ValueError(
            f"`preset` must be one of {', '.join(known)}. Received: {preset!r}"
        )
    made, legend = CONVERSIONS[preset], legend_of(preset)
    classes = len(legend["class_names"])
    options = {**made.options, **others, **legend}
    return made.variant, {"num_classes": classes, **options}


def legend_of(name: str) -> dict[str, Any]:
    """Return a task's arguments for the classes and bands of a preset.

    Args:
        name: string, a registered name.

    Returns:
        dict of `class_names`, `palette` and `preprocessor`.
    """
    import keras_rsseg

    known = preset_facts(name)
    preprocessor_cls = getattr(keras_rsseg, known["task"]).preprocessor_cls
    converter = preprocessor_cls.image_converter_cls(
        bands=known["bands"],
        ground_sample_distance=known["ground_sample_distance"],
    )
    return {
        "class_names": known["class_names"],
        "palette": known["palette"],
        "preprocessor": preprocessor_cls(image_converter=converter),
    }


def write_card(
    name: str | None, folder: str | os.PathLike, checkpoint: str | os.PathLike
) -> None:
    """Write the `card.json` of a converted preset.

    Nobody has scored it here, so it has no score; the paper's is marked as
    the paper's.

    Args:
        name: a registered name; `None` writes nothing.
        folder: path of the preset.
        checkpoint: path of the checkpoint.
    """
    if name is None:
        return
    known = preset_facts(name)
    card = {
        **known,
        "score": None,
        "training": (
            "# Trained by the code that the weights are from, and converted "
            f"by\n{known['how_to_get']['convert']}"
        ),
        "training_details": (
            f"SHA-256 of the checkpoint: `{sha256(checkpoint)}`."
        ),
    }
    facts.write_card(folder, card)
