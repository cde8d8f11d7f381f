"""The facts that can be stated about a preset, in one list.

The registry, `card.json`, uploads, model cards and the scripts that write
cards all take the names from `FACTS`, and refuse others. A new fact needs an
entry here, and a line in `model_card` that prints it.
"""

import dataclasses
import json
import numbers
import os
import pathlib
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from keras_rsseg.checks import as_color
from keras_rsseg.checks import is_integer
from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import PresetError
from keras_rsseg.files import write_durably

# Beside the preset's own files.
CARD_FILE = "card.json"


@dataclasses.dataclass(frozen=True)
class Fact:
    """One fact of a preset.

    Attributes:
        meaning: what it says, for the person who writes it.
        kind: what its value must be, a key of `_KINDS`.
        place: where it is stated. `"registry"`: only in the registry, since
            the preset's own files hold it or only a registered name needs
            it. `"card"`: in the registry or the preset's `card.json`.
            `"listing"`: nowhere, it is determined when presets are listed.
        needed: whether a card cannot be published without it; for a part,
            whether the fact is useless without it.
        can_be_none: whether `None` is allowed.
        parts: the facts in a dict of kind `"parts"`, or in each value of a
            dict of kind `"named"`, whose keys are free.
    """

    meaning: str
    kind: str = "text"
    place: str = "registry"
    needed: bool = False
    can_be_none: bool = False
    parts: Mapping[str, "Fact"] = dataclasses.field(default_factory=dict)


def _card(meaning: str, kind: str = "text", **options: Any) -> Fact:
    return Fact(meaning, kind, place="card", **options)


def _part(
    meaning: str, kind: str = "text", needed: bool = True, **options: Any
) -> Fact:
    return Fact(meaning, kind, needed=needed, **options)


READING: dict[str, Fact] = {
    "iou": _part("IoU of the class", "fraction"),
    "precision": _part("its precision", "fraction"),
    "recall": _part("its recall", "fraction"),
}
# A place where all classes are labelled has the first two facts, a place with
# a single labelled class the last two.
_PLACE: dict[str, Fact] = {
    "data": _part("what was scored"),
    "mean_iou": _part("mean IoU", "fraction", needed=False),
    "classes": _part("IoU of each class", "fractions", needed=False),
    "class_name": _part("the class that is labelled", needed=False),
    "readings": _part(
        "its scores by the pixel size at which the image was read, such as "
        "'0.5 m'",
        "named",
        needed=False,
        parts=READING,
    ),
}

FACTS: dict[str, Fact] = {
    # --- How to get it
    "handle": Fact(
        "where it is: hf://org/name, or package://folder if it ships with "
        "keras_rsseg"
    ),
    "published": Fact("whether its weights are on the Hub", "flag"),
    "how_to_get": Fact(
        "commands that make it, until it is published",
        "parts",
        parts={
            "convert": _part("converts a released checkpoint", needed=False),
            "train": _part("trains it", needed=False),
        },
    ),
    "checkpoint": Fact(
        "the released checkpoint it is converted from",
        "parts",
        parts={
            "variant": _part("a network of `python -m weights.convert`"),
            "options": _part("its options", "options", needed=False),
            "file": _part("its name where it was released", needed=False),
            "url": _part("where it was released", needed=False),
        },
    ),
    "where": Fact(
        "package, cache, hub; or what you have to do: convert, train",
        place="listing",
    ),
    "available": Fact(
        "whether from_preset() can load it now", "flag", place="listing"
    ),
    # --- What its own files also hold
    "task": Fact("name of its class in keras_rsseg"),
    "classes": Fact(
        "a name in keras_rsseg.class_legends.LEGENDS, short for the next five"
    ),
    "class_names": Fact("names of the classes", "names"),
    "palette": Fact(
        "colours of the classes in masks", "colours", can_be_none=True
    ),
    "display_palette": Fact(
        "colours of the classes on maps, if they differ",
        "colours",
        can_be_none=True,
    ),
    "bands": Fact("names of the bands", "names"),
    "ground_sample_distance": Fact(
        "metres per pixel", "amount", can_be_none=True
    ),
    "parameters": Fact("number of trainable weights", "count"),
    "size": Fact("bytes of its files", "count"),
    # --- What only its card states
    "description": _card(
        "one or two sentences: network, classes, imagery", needed=True
    ),
    "dataset": _card(
        "the data it was trained on: a name in keras_rsseg.datasets, or its "
        "source",
        needed=True,
    ),
    "protocol": _card(
        "how tiles were cut and which part was held out", needed=True
    ),
    "score": _card(
        "{'mean_iou': 0.7, 'data': what was scored, 'by': who measured it, "
        "'command': how, 'classes': {name: IoU}, 'places': {name: score}}, "
        "or None if it was not scored",
        "parts",
        needed=True,
        can_be_none=True,
        parts={
            "mean_iou": _part("mean IoU of these weights", "fraction"),
            "data": _part("what was scored"),
            "by": _part("who measured it"),
            "command": _part("the command that measures it"),
            "classes": _part("IoU of each class", "fractions", needed=False),
            "places": _part(
                "scores of several places, by name; mean_iou is the mean of "
                "theirs",
                "named",
                needed=False,
                parts=_PLACE,
            ),
        },
    ),
    "licence": _card(
        "an identifier such as apache-2.0, or the terms", needed=True
    ),
    "weights_source": _card(
        "the weights training started from, and their licence", needed=True
    ),
    "training": _card("the command that trained it", needed=True),
    "intended_use": _card("what imagery and purpose it is for", needed=True),
    "limits": _card("where it fails", needed=True),
    "base_model": _card(
        "the weights training started from, if on the Hub: org/name"
    ),
    "hub_datasets": _card(
        "its data sets that are on the Hub: org/name", "names"
    ),
    "gmacs": _card("billion multiply-adds for 512 x 512 pixels", "amount"),
    "ground_sample_distances": _card(
        "[finest, coarsest] in training, metres", "range"
    ),
    "notes": _card("anything else, Markdown"),
    "paper_score": _card(
        "{'mean_iou': 0.7, 'source': which paper}",
        "parts",
        can_be_none=True,
        parts={
            "mean_iou": _part("mean IoU that the paper states", "fraction"),
            "source": _part("which paper"),
        },
    ),
    "stated_score": _card(
        "{'mean_iou': 0.7, 'by': who released the weights, 'data': what was "
        "scored}: what they state for these very weights",
        "parts",
        parts={
            "mean_iou": _part("mean IoU that they state", "fraction"),
            "by": _part("who states it"),
            "data": _part("what was scored"),
        },
    ),
    "training_details": _card("schedule, augmentation, seed, time, hardware"),
}


def _at(*places: str) -> dict[str, Fact]:
    return {name: fact for name, fact in FACTS.items() if fact.place in places}


CARD_FACTS = _at("card")
REGISTRY_FACTS = _at("registry", "card")


def check_facts(
    facts: Mapping[str, Any], source: str, known: Mapping[str, Fact] = FACTS
) -> None:
    """Refuse unknown facts, and values of the wrong kind.

    Args:
        facts: the facts of a preset.
        source: its name in errors.
        known: the facts that are allowed.

    Raises:
        PresetError: names the fact, what it holds, and what is accepted.
    """
    unknown = sorted(set(facts) - set(known))
    if unknown:
        raise PresetError(
            f"{source} has unknown facts {unknown}. Known are {sorted(known)}."
        )
    for name, value in facts.items():
        fact = known[name]
        if value is None and fact.can_be_none:
            continue
        accepted, is_valid = _KINDS[fact.kind]
        if not is_valid(value):
            raise PresetError(
                f"{source}: {name} must be {accepted}"
                f"{' or None' if fact.can_be_none else ''} ({fact.meaning}). "
                f"Received: {value!r}"
            )
        for where, part in _parts_of(name, value, fact):
            check_facts(part, f"{source}: {where}", fact.parts)
            missing = missing_facts(part, fact.parts)
            if missing:
                raise PresetError(
                    f"{source}: {where} lacks {missing}. Received: {part!r}"
                )


def _parts_of(
    name: str, value: Any, fact: Fact
) -> list[tuple[str, Mapping[str, Any]]]:
    """Return the dicts of a fact's parts, each with its name in errors."""
    if fact.kind == "parts":
        return [(name, value)]
    if fact.kind == "named":
        return [(f"{name}: {key}", part) for key, part in value.items()]
    return []


def missing_facts(
    facts: Mapping[str, Any], known: Mapping[str, Fact] = CARD_FACTS
) -> list[str]:
    """Return the names of needed facts that are missing."""
    return [
        name
        for name, fact in known.items()
        if fact.needed and name not in facts
    ]


def read_card(folder: str | os.PathLike) -> dict[str, Any]:
    """Return the facts in a preset's `card.json`; none if it has no card.

    Args:
        folder: path of the preset.

    Raises:
        PresetError: the file is damaged, or holds unknown facts.
    """
    path = pathlib.Path(folder) / CARD_FILE
    if not path.is_file():
        return {}
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise PresetError(f"{path} is not JSON: {error}") from error
    if not isinstance(facts, dict):
        raise PresetError(f"{path} must hold a JSON object.")
    check_facts(facts, str(path), CARD_FACTS)
    return facts


def write_card(folder: str | os.PathLike, facts: Mapping[str, Any]) -> None:
    """Write a preset's `card.json`.

    Args:
        folder: path of the preset.
        facts: as for `card_content()`.

    Raises:
        PresetError: see `check_facts()`.
    """
    write_durably(pathlib.Path(folder) / CARD_FILE, card_content(facts))


def card_content(facts: Mapping[str, Any]) -> bytes:
    """Return the content of a `card.json` with these facts.

    Args:
        facts: all facts, such as an entry of `list_presets()`; those that
            the preset's own files hold are left out.

    Raises:
        PresetError: see `check_facts()`.
    """
    check_facts(facts, "`facts`")
    card = {name: facts[name] for name in CARD_FACTS if name in facts}
    return (json.dumps(card, indent=4) + "\n").encode()


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _is_amount(value: Any) -> bool:
    return _is_number(value) and 0 < value < float("inf")


def _is_fraction(value: Any) -> bool:
    return _is_number(value) and 0 <= value <= 1


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _is_color(value: Any) -> bool:
    try:
        as_color("palette", value)
    except ArgumentError:
        return False
    return True


# For each kind: what an error says is accepted, and the test.
_KINDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "text": ("text", _is_text),
    "flag": ("true or false", lambda value: isinstance(value, bool)),
    "count": (
        "a positive integer",
        lambda value: is_integer(value) and value > 0,
    ),
    "amount": ("a positive number", _is_amount),
    "fraction": ("a fraction from 0 to 1", _is_fraction),
    "fractions": (
        "a fraction from 0 to 1 for each name",
        lambda value: (
            isinstance(value, Mapping)
            and all(map(_is_text, value))
            and all(map(_is_fraction, value.values()))
        ),
    ),
    "names": (
        "a list of names",
        lambda value: _is_list(value) and all(map(_is_text, value)),
    ),
    "colours": (
        "a list of colours (red, green, blue) from 0 to 255",
        lambda value: _is_list(value) and all(map(_is_color, value)),
    ),
    "range": (
        "two positive numbers, the smaller first",
        lambda value: (
            _is_list(value)
            and len(value) == 2
            and all(map(_is_amount, value))
            and value[0] <= value[1]
        ),
    ),
    "options": ("an object", lambda value: isinstance(value, Mapping)),
    "parts": ("an object", lambda value: isinstance(value, Mapping)),
    "named": (
        "an object for each of one or more names",
        lambda value: (
            isinstance(value, Mapping)
            and len(value) > 0
            and all(map(_is_text, value))
            and all(isinstance(part, Mapping) for part in value.values())
        ),
    ),
}
