"""The presets that this package knows by name."""

import copy
import json
import pathlib

from keras_rsseg.errors import ArgumentError
from keras_rsseg.hub.handle import SCHEME
from keras_rsseg.hub.handle import parse_handle
from keras_rsseg.hub.preset_files import CARD_FILE
from keras_rsseg.hub.preset_files import preset_files

DEFAULT_PRESET = "hrnet_ifwm_w18_dubai"
ORGANISATION = "keras-rsseg"

_PACKAGE = "package://"
_EMBEDDED = pathlib.Path(__file__).resolve().parents[1] / "presets"
_FACTS = frozenset(
    {
        "bands",
        "class_names",
        "dataset",
        "description",
        "gmacs",
        "ground_sample_distance",
        "ground_sample_distances",
        "handle",
        "how_to_get",
        "intended_use",
        "licence",
        "limits",
        "palette",
        "paper_score",
        "parameters",
        "protocol",
        "published",
        "score",
        "size",
        "task",
        "training",
        "training_details",
        "weights_source",
    }
)
_SOURCES = ("convert", "train")
_PRESETS = {}


def register_presets(presets):
    """Add presets to the registry.

    Args:
        presets: dict of name to facts, a dict:

            - `"handle"`: where the preset lives. `"package://folder"` if it
              ships with this package, or `"hf://org/name"`.
            - `"published"`: bool, whether it is there. Defaults to `False`
              on the Hub.
            - `"how_to_get"`: dict with a command, `"convert"` (of a released
              checkpoint) or `"train"`, for as long as it is not published.
            - `"description"`, `"task"` (class), `"dataset"` (name in
              `keras_rsseg.datasets`), `"protocol"`, `"class_names"`,
              `"palette"`, `"bands"`, `"ground_sample_distance"` (metres),
              `"licence"`, `"weights_source"`, `"training"` (command),
              `"intended_use"`, `"limits"`.
            - `"parameters"`: int; `"size"`: int, bytes; `"gmacs"`: float,
              billions of multiply-adds for 512 x 512 pixels.
            - `"ground_sample_distances"`: the finest and the coarsest of the
              training, metres; `"training_details"`: its schedule, time and
              hardware.
            - `"score"`: dict of a measurement of our own: `"mean_iou"`
              (fraction), `"data"`, `"command"`, `"by"`, and `"classes"`
              (dict of name to IoU).
            - `"paper_score"`: dict of what a paper states: `"mean_iou"`
              (fraction) and `"source"`.

    Raises:
        ValueError: a name is taken, an entry has no handle, or facts that
            nobody reads.
    """
    for name, facts in presets.items():
        if name in _PRESETS:
            raise ArgumentError(f"`presets`: the name {name!r} is taken.")
        if "handle" not in facts:
            raise ArgumentError(f"`presets`: {name!r} has no handle.")
        unknown = sorted(set(facts) - _FACTS)
        unknown += sorted(set(facts.get("how_to_get", ())) - set(_SOURCES))
        if unknown:
            raise ArgumentError(
                f"`presets`: {name!r} has unknown facts {unknown}. Known are "
                f"{sorted(_FACTS)}."
            )
        _PRESETS[name] = facts


def registered_presets():
    """Return the registry itself, a dict of name to facts."""
    return _PRESETS


def embedded_folder(handle):
    """Return the folder of a preset of the package, else `None`."""
    if not handle.startswith(_PACKAGE):
        return None
    return _EMBEDDED / handle.removeprefix(_PACKAGE)


def list_presets():
    """Return the registered presets, without asking the network.

    Returns:
        dict of name to a dict of facts, see `register_presets()`. Beside
        those, `"where"` says how to come by it: it ships with the
        `"package"`, was downloaded to the `"cache"`, is on the `"hub"`, or
        is not published, so that someone must `"convert"` or `"train"` it.
        `"size"` is there for all of the package, and so is what their
        `card.json` says.

    Example:

    ```python
    for name, facts in keras_rsseg.list_presets().items():
        print(name, facts["where"], facts["description"])
    ```
    """
    return {
        name: {**copy.deepcopy(facts), **_state(facts)}
        for name, facts in _PRESETS.items()
    }


def _state(facts):
    folder = embedded_folder(facts["handle"])
    if folder is None or not folder.is_dir():
        return {"where": _where(facts)}
    size = sum(path.stat().st_size for path in preset_files(folder))
    card = folder / CARD_FILE
    facts = json.loads(card.read_text("utf-8")) if card.is_file() else {}
    return {**facts, "where": "package", "size": size}


def _where(facts):
    from keras_rsseg.hub.download import is_cached

    if facts["handle"].startswith(SCHEME):
        if is_cached(parse_handle(facts["handle"])):
            return "cache"
        if facts.get("published"):
            return "hub"
    return next((s for s in _SOURCES if s in facts.get("how_to_get", ())), "")


def how_to_get(facts):
    """Return what to do about weights that are not published, or `""`."""
    commands = facts.get("how_to_get", {})
    sentences = {
        "convert": "convert a released checkpoint that you have",
        "train": "train it",
    }
    ways = [
        f"{sentences[source]}: {commands[source]}"
        for source in _SOURCES
        if source in commands
    ]
    if not ways or facts.get("published"):
        return ""
    return (
        f"Its weights are not published yet. Instead, {'; or '.join(ways)}. "
        "Then give the folder in place of the name."
    )
