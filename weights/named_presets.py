"""The presets that converters write whole: weights, legend and card."""

import json
import pathlib
from typing import NamedTuple


class Conversion(NamedTuple):
    """How a preset's name becomes arguments of its converter.

    Attributes:
        script: name of the converter's module.
        variant: its `--variant`.
        options: dict of arguments of its `build()`.
    """

    script: str
    variant: str
    options: dict = {}


def _pfsegnets(variant, **options):
    return Conversion("convert_pfsegnets", variant, options)


# No checkpoint says how its network resized: aligned corners are the default
# of HRNet's latest code, and what IFWM builds on.
_HRNET = Conversion("convert_hrnet", "hrnet_w18", {"align_corners": True})

CONVERSIONS = {
    "pfnet_r50_isaid": _pfsegnets("pfnet_r50"),
    "pfnet_r101_isaid": _pfsegnets("pfnet_r101"),
    "pfnet_r50_vaihingen": _pfsegnets("pfnet_r50"),
    # The released training has 14 x 14 salient points, and the released
    # evaluation of Potsdam, which made the published figure, 9 x 9. A preset
    # is for evaluating: it has the latter. No weight depends on it.
    "pfnet_r50_potsdam": _pfsegnets("pfnet_r50", max_pool_size=9),
    "semantic_fpn_r50_isaid": _pfsegnets("semantic_fpn_r50"),
    "semantic_fpn_r50_vaihingen": _pfsegnets("semantic_fpn_r50"),
    "semantic_fpn_r50_potsdam": _pfsegnets("semantic_fpn_r50"),
    "ccnet_r50_isaid": _pfsegnets("ccnet_r50"),
    "danet_r50_isaid": _pfsegnets("danet_r50"),
    "deeplab_v3_r50_isaid": _pfsegnets("deeplab_v3_r50"),
    "pspnet_r50_isaid": _pfsegnets("pspnet_r50"),
    "hrnet_w18_vaihingen": _HRNET,
    "hrnet_w18_whu_building": _HRNET,
}


def arguments_of(script, preset, variant, num_classes, **others):
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
        if None in (variant, num_classes):
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
