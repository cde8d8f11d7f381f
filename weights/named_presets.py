"""The presets that a conversion writes whole: weights, legend and card."""

import os
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple

from keras_rsseg.hub import facts
from keras_rsseg.hub.preset_files import sha256
from keras_rsseg.hub.registry import preset_facts
from keras_rsseg.hub.registry import registered_presets


class Conversion(NamedTuple):
    """How a preset's name becomes arguments of the conversion.

    Attributes:
        variant: its `--variant`.
        options: what else is chosen.
        file: name of its checkpoint where it was released, or `None`.
        url: where that is, or `None`.
    """

    variant: str
    options: Mapping[str, Any] = {}
    file: str | None = None
    url: str | None = None


# No checkpoint says how its network resized: aligned corners, which HRNet's
# presets have, are the default of its latest code, and what IFWM builds on.
# PFNet's released training has 14 x 14 salient points, and the released
# evaluation of Potsdam, which made the published figure, 9 x 9. A preset is
# for evaluating: it has the latter. No weight depends on it.
CONVERSIONS = {
    name: Conversion(**known["checkpoint"])
    for name, known in registered_presets().items()
    if "checkpoint" in known
}


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
    the paper's, and that of who released the weights as theirs.

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
