"""The model that a training starts from: a preset, adapted to its data."""

import dataclasses
from typing import Any

import keras

from keras_rsseg.data.check_report import CheckReport
from keras_rsseg.data.normalisation import fit_normalisation
from keras_rsseg.data.palette import Palette
from keras_rsseg.data.palette import as_palette
from keras_rsseg.errors import PresetError
from keras_rsseg.hub.preset_facts import read_preset_facts
from keras_rsseg.hub.registry import DEFAULT_PRESET
from keras_rsseg.model_facts import check_class_facts
from keras_rsseg.models.preset_classes import arguments_of
from keras_rsseg.models.preset_classes import settle_classes
from keras_rsseg.models.preset_task import from_preset
from keras_rsseg.models.preset_task import more_bands
from keras_rsseg.models.segmenter import Segmenter
from keras_rsseg.training.accelerator import accelerator_name
from keras_rsseg.training_options import TrainingOptions

_LEGEND = ("num_classes", "class_names", "palette", "display_palette")


@dataclasses.dataclass(frozen=True)
class PresetFacts:
    """What is known about the model to train before its data are read.

    Only what `keras_rsseg.data.check` asks for.

    Attributes:
        preset: name or folder of the preset.
        arguments: those of `from_preset` that set the classes.
        num_classes: number of classes.
        class_names: their names, or `None`.
        bands: names of the preset's bands, or `None`.
        value_range: range of its tiles' values, or `None`.
        preset_distance: metres per pixel that it was trained at, or `None`.
    """

    preset: str
    arguments: dict[str, Any]
    num_classes: int
    class_names: list[str] | None
    bands: tuple[str, ...] | None
    value_range: tuple[float, float] | None
    preset_distance: float | None


def preset_facts(options: TrainingOptions) -> PresetFacts:
    """Return what is known before weights are loaded.

    Args:
        options: options of the training.

    Raises:
        ArgumentError, PresetError: see `from_preset`.
    """
    preset = str(options.preset or DEFAULT_PRESET)
    arguments = class_arguments(options)
    # Making a model from it takes ten seconds and more.
    facts = read_preset_facts(preset)
    if facts.num_classes is None:
        raise PresetError(f"`preset` {preset!r} states no number of classes.")
    others = {k: v for k, v in arguments.items() if k != "classes"}
    # A new head is reported when weights are loaded.
    settled, _ = settle_classes(vars(facts), arguments.get("classes"), others)
    legend = {name: settled.get(name, getattr(facts, name)) for name in _LEGEND}
    check_class_facts(**legend)
    return PresetFacts(
        preset,
        arguments,
        legend["num_classes"],
        legend["class_names"],
        None if facts.bands is None else tuple(facts.bands),
        None if facts.value_range is None else tuple(facts.value_range),
        facts.ground_sample_distance,
    )


def class_arguments(options: TrainingOptions) -> dict[str, Any]:
    """Return the arguments of `from_preset` that set the classes.

    Args:
        options: options of the training.
    """
    palette = as_palette(options.palette)
    if options.num_classes is not None:
        return {"num_classes": options.num_classes}
    if options.classes is None:
        return {} if palette is None else {"classes": palette}
    if palette is None:
        return {"classes": options.classes}
    names = arguments_of(options.classes)["class_names"]
    return {"classes": Palette(palette.colors, names)}


def starting_model(
    facts: PresetFacts,
    found: CheckReport,
    images: Any,
    options: TrainingOptions,
) -> tuple[Segmenter, bool]:
    """Return the model to train, and whether its input is new.

    Bands or values other than the preset's get their own normalisation,
    fitted to the images that are trained on.

    Args:
        facts: what `preset_facts()` returned.
        found: what `check` found in the images.
        images: the images to train on.
        options: options of the training.

    Raises:
        ArgumentError, PresetError: see `from_preset` and
            `fit_normalisation`.
    """
    number = len(found.images[0].values)
    known = facts.bands or ()
    names = options.band_names
    if names is None:
        names = known if len(known) == number else more_bands(known, number)
    is_own = (
        tuple(names) != known
        or found.images[0].dtype != "uint8"
        and facts.value_range == (0, 255)
    )
    arguments = dict(facts.arguments)
    if is_own:
        arguments["normalisation"] = fit_normalisation(
            images, names=names, bands=options.bands
        )
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(_precision(options))
    try:
        return from_preset(facts.preset, **arguments), is_own
    finally:
        keras.config.set_dtype_policy(before)


def _precision(options: TrainingOptions) -> str:
    if options.precision is not None:
        return options.precision
    return "float32" if accelerator_name() is None else "mixed_bfloat16"
