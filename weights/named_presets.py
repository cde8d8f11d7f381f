"""The presets that a conversion writes in full: weights, legend and card."""

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
        options: its other options.
        file: name of its checkpoint as released, or `None`.
        url: where the checkpoint was released, or `None`.
    """

    variant: str
    options: Mapping[str, Any] = {}
    file: str | None = None
    url: str | None = None


# Checkpoints do not state how their networks resized. HRNet's presets have
# aligned corners, the default of its latest code and the basis of IFWM.
# PFNet's released training has 14 x 14 salient points, but the released
# evaluation of Potsdam, which made the published score, 9 x 9. Presets are for
# evaluation, so they have the latter. No weight depends on it.
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

    It has no score, since it was not scored here. Scores of the paper and of
    those who released the weights are marked as theirs.

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
            "# Trained by the code that released the weights, and converted "
            f"by\n{known['how_to_get']['convert']}"
        ),
        "training_details": (
            f"SHA-256 of the checkpoint: `{sha256(checkpoint)}`."
        ),
    }
    facts.write_card(folder, card)
