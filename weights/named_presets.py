"""The presets that a conversion writes whole: weights, legend and card."""

import json
import pathlib
from typing import Any
from typing import NamedTuple


class Conversion(NamedTuple):
    """How a preset's name becomes arguments of the conversion.

    Attributes:
        variant: its `--variant`.
        options: dict of what else is chosen.
    """

    variant: str
    options: dict[str, Any] = {}


# No checkpoint says how its network resized: aligned corners are the default
# of HRNet's latest code, and what IFWM builds on.
_HRNET = Conversion("hrnet_w18", {"align_corners": True})

CONVERSIONS = {
    "pfnet_r50_isaid": Conversion("pfnet_r50"),
    "pfnet_r101_isaid": Conversion("pfnet_r101"),
    "pfnet_r50_vaihingen": Conversion("pfnet_r50"),
    # The released training has 14 x 14 salient points, and the released
    # evaluation of Potsdam, which made the published figure, 9 x 9. A preset
    # is for evaluating: it has the latter. No weight depends on it.
    "pfnet_r50_potsdam": Conversion("pfnet_r50", {"max_pool_size": 9}),
    "semantic_fpn_r50_isaid": Conversion("semantic_fpn_r50"),
    "semantic_fpn_r50_vaihingen": Conversion("semantic_fpn_r50"),
    "semantic_fpn_r50_potsdam": Conversion("semantic_fpn_r50"),
    "ccnet_r50_isaid": Conversion("ccnet_r50"),
    "danet_r50_isaid": Conversion("danet_r50"),
    "deeplab_v3_r50_isaid": Conversion("deeplab_v3_r50"),
    "hrnet_w18_vaihingen": _HRNET,
    "hrnet_w18_whu_building": _HRNET,
}


def facts_of(name):
    """Return what the registry knows of a preset."""
    import keras_rsseg

    return keras_rsseg.list_presets()[name]


def legend_of(name):
    """Return a task's arguments for the classes and bands of a preset.

    Args:
        name: string, a registered name.

    Returns:
        dict of `class_names`, `palette` and `preprocessor`.
    """
    import keras_rsseg

    facts = facts_of(name)
    preprocessor_cls = getattr(keras_rsseg, facts["task"]).preprocessor_cls
    converter = preprocessor_cls.image_converter_cls(
        bands=facts["bands"],
        ground_sample_distance=facts["ground_sample_distance"],
    )
    return {
        "class_names": facts["class_names"],
        "palette": facts["palette"],
        "preprocessor": preprocessor_cls(image_converter=converter),
    }


def write_card(name, folder, checkpoint):
    """Write the `card.json` of a converted preset.

    Nobody has scored it here, so it has no score; the paper's is marked as
    the paper's.

    Args:
        name: string, a registered name; `None` writes nothing.
        folder: path of the preset.
        checkpoint: path of the checkpoint.
    """
    from keras_rsseg.hub.preset_files import sha256

    if name is None:
        return
    facts = facts_of(name)
    card = {
        key: facts[key]
        for key in (
            *("description", "dataset", "protocol", "licence"),
            *("weights_source", "intended_use", "limits", "paper_score"),
        )
        if key in facts
    }
    card["score"] = None
    card["training"] = (
        "# Trained by the code that the weights are from, and converted by\n"
        f"{facts['how_to_get']['convert']}"
    )
    card["training_details"] = (
        f"SHA-256 of the checkpoint: `{sha256(checkpoint)}`."
    )
    path = pathlib.Path(folder) / "card.json"
    path.write_text(json.dumps(card, indent=4) + "\n", encoding="utf-8")
