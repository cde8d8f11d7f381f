"""The presets that this package knows by name.

The package's own are data: `keras_rsseg/models/<system>/presets.json`, name to
facts. Three things save repetition there:

- `"like"` lists entries of `hub/shared_presets.json` whose facts also hold.
  Later entries override earlier ones, and the preset's own facts override
  all. Facts with parts, such as a score, are merged.
- `{name}` in a string is the preset's name. Any other fact that is a string
  can be used the same way: `{training}` is the training command,
  `{checkpoint.file}` a part of the checkpoint.
- without a `"handle"`, a preset is at `hf://keras-rsseg/<name>`.
"""

import copy
import functools
import importlib.resources
import json
import pathlib
from collections.abc import Mapping
from typing import Any

from keras_rsseg.checks import check_choice
from keras_rsseg.class_legends import LEGENDS
from keras_rsseg.errors import PresetError
from keras_rsseg.hub.client import SCHEME
from keras_rsseg.hub.client import is_cached
from keras_rsseg.hub.client import parse_handle
from keras_rsseg.hub.facts import REGISTRY_FACTS
from keras_rsseg.hub.facts import check_facts
from keras_rsseg.hub.facts import read_card
from keras_rsseg.hub.preset_files import preset_files
from keras_rsseg.hub.preset_names import nearest_names

DEFAULT_PRESET = "pfnet_hrnet_ifwm_w18_land_cover"
ORGANISATION = "keras-rsseg"

_PACKAGE = "package://"
_ROOT = pathlib.Path(str(importlib.resources.files("keras_rsseg")))
_WAYS = {
    "convert": "convert a released checkpoint that you have",
    "train": "train it",
}

Facts = dict[str, Any]


def register_presets(presets: Mapping[str, Mapping[str, Any]]) -> None:
    """Add presets to the registry.

    Args:
        presets: name to facts. `keras_rsseg.hub.facts.FACTS` lists the facts
            and what they mean. Only `"handle"`, the preset's location, is
            needed. `"how_to_get"` says what to do until it is `"published"`
            there.

    Raises:
        PresetError: a name is taken, an entry has no handle, or a fact is
            unknown or of the wrong kind. Nothing is added then.

    Example:

    ```python
    from keras_rsseg.hub.registry import register_presets

    register_presets(
        {
            "fields_r50": {
                "handle": "hf://me/fields_r50",
                "description": "Field boundaries, RGB at 0.5 m.",
                "how_to_get": {"train": "python train.py --output fields_r50"},
            }
        }
    )
    keras_rsseg.list_presets()["fields_r50"]["where"]  # "train"
    ```
    """
    known = registered_presets()
    for name, facts in presets.items():
        source = f"`presets`: {name!r}"
        if name in known:
            raise PresetError(f"`presets`: the name {name!r} is taken.")
        check_facts(facts, source, REGISTRY_FACTS)
        if "handle" not in facts:
            raise PresetError(f"{source} has no handle.")
        check_choice("classes", facts.get("classes"), (None, *LEGENDS))
    known.update({name: _with_legend(f) for name, f in presets.items()})


@functools.cache
def registered_presets() -> dict[str, Facts]:
    """Return the registry itself, name to facts.

    The package's own are read at the first call.
    """
    shared = _read_json(_ROOT / "hub" / "shared_presets.json")
    return {
        name: _with_legend(_own_facts(name, entry, shared))
        for path in sorted(_ROOT.glob("models/*/presets.json"))
        for name, entry in _read_json(path).items()
    }


def _read_json(path: pathlib.Path) -> Facts:
    return json.loads(path.read_text(encoding="utf-8"))


def _own_facts(name: str, entry: Facts, shared: Facts) -> Facts:
    facts: Facts = {"handle": f"hf://{ORGANISATION}/{name}"}
    likes = [shared[other] for other in entry.pop("like", ())]
    for part in (*likes, entry):
        for key, value in part.items():
            if isinstance(value, dict):
                value = {**facts.get(key, {}), **value}
            facts[key] = value
    return _filled(facts, {**_texts(facts), "name": name})


def _texts(facts: Facts, prefix: str = "") -> dict[str, str]:
    """Return all strings among facts, those of a part as `part.name`."""
    texts = {}
    for key, value in facts.items():
        if isinstance(value, str):
            texts[prefix + key] = value
        elif isinstance(value, dict):
            texts |= _texts(value, f"{prefix}{key}.")
    return texts


def _filled(value: Any, texts: Mapping[str, str]) -> Any:
    """Replace `{key}` in all strings, including those filled in."""
    if isinstance(value, dict):
        return {key: _filled(part, texts) for key, part in value.items()}
    if isinstance(value, str):
        for key, text in texts.items():
            value = value.replace(f"{{{key}}}", text)
    return value


def _with_legend(facts: Mapping[str, Any]) -> Facts:
    """Replace the name of a legend by its facts."""
    legend = LEGENDS[facts["classes"]] if "classes" in facts else {}
    return {**legend, **{k: v for k, v in facts.items() if k != "classes"}}


def embedded_folder(handle: str) -> pathlib.Path | None:
    """Return the folder of a preset in the package, or `None`."""
    if not handle.startswith(_PACKAGE):
        return None
    return _ROOT / "presets" / handle.removeprefix(_PACKAGE)


def list_presets() -> dict[str, Facts]:
    """Return the registered presets, without using the network.

    Returns:
        dict of name to a dict of facts. `keras_rsseg.hub.facts.FACTS` lists
        the facts and what they mean. `"available"` says whether
        `keras_rsseg.from_preset()` can load it now, and `"where"` from
        where: it ships with the `"package"`, was downloaded to the
        `"cache"`, or is on the `"hub"`. Others you have to make:
        `"convert"` or `"train"`, with the command in `"how_to_get"`.

    Example:

    ```python
    presets = keras_rsseg.list_presets()
    [name for name, facts in presets.items() if facts["available"]]
    # ["hrnet_ifwm_w18_land_cover", "pfnet_hrnet_ifwm_w18_land_cover"]
    command = presets["pfnet_r50_isaid"]["how_to_get"]["train"]
    command.split()[:3]  # ["python", "-m", "examples.train_pfnet_isaid"]
    ```
    """
    return {name: preset_facts(name) for name in registered_presets()}


def preset_facts(name: str) -> Facts:
    """Return the entry of `list_presets()` for one name.

    Args:
        name: name of a registered preset.

    Raises:
        PresetError: there is no preset of that name; the message suggests
            similar names.
    """
    known = registered_presets()
    if name not in known:
        raise PresetError(
            f"`name` must be one of {', '.join(sorted(known))}. Received: "
            f"name={name!r}{did_you_mean(name)}"
        )
    return {**copy.deepcopy(known[name]), **_state(known[name])}


def did_you_mean(name: str) -> str:
    """Return a question that names the presets most like a name, or `""`."""
    names = nearest_names(name, registered_presets())
    return f". Did you mean {' or '.join(names)}?" if names else ""


def _state(facts: Facts) -> Facts:
    """Return the state of a preset, and what its card says."""
    folder = embedded_folder(facts["handle"])
    if folder is not None and folder.is_dir():
        size = sum(path.stat().st_size for path in preset_files(folder))
        state = {"where": "package", "available": True, "size": size}
        return {**read_card(folder), **state}
    if facts["handle"].startswith(SCHEME):
        if is_cached(parse_handle(facts["handle"])):
            return {"where": "cache", "available": True}
        if facts.get("published"):
            return {"where": "hub", "available": True}
    ways = [way for way in _WAYS if way in facts.get("how_to_get", ())]
    return {"where": ways[0] if ways else "", "available": False}


def how_to_get(name: str) -> str:
    """Return how to get weights that are not published, or `""`.

    Args:
        name: name of a registered preset.
    """
    facts = registered_presets()[name]
    commands = facts.get("how_to_get", {})
    ways = [
        f"{sentence}: {commands[way]}"
        for way, sentence in _WAYS.items()
        if way in commands
    ]
    if not ways or facts.get("published"):
        return ""
    return (
        f"Its weights are not published yet. Instead, {'; or '.join(ways)}. "
        f"Then use the folder in place of the name, such as ./{name}."
    )
