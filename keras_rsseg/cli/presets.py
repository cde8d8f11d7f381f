"""`keras-rsseg presets` and `keras-rsseg upload`."""

import textwrap
from collections.abc import Iterator
from typing import Annotated
from typing import Any

import typer

import keras_rsseg
from keras_rsseg.cli.loading import load_framework
from keras_rsseg.cli.terminal import Status
from keras_rsseg.hub.facts import FACTS
from keras_rsseg.hub.registry import preset_facts

_WHERE = {
    "package": "comes with the package",
    "cache": "downloaded",
    "folder": "a folder",
    "hub": "on the Hub",
    "convert": "not published: convert a released checkpoint",
    "train": "not published: train it",
    "": "not published",
}
_COMMANDS = {
    "convert": "Convert a released checkpoint that you have:",
    "train": "Train it:",
}
# Facts that the lines above and below a preset's table state.
_SAID = {
    *("available", "description", "how_to_get", "parameters"),
    *("palette", "display_palette", "published", "size", "training", "where"),
}
EXAMPLES = (
    "keras-rsseg presets",
    "keras-rsseg presets pfnet_r50_isaid",
)
UPLOAD_EXAMPLES = (
    "keras-rsseg upload roofs hf://me/roofs --private",
    "keras-rsseg upload roofs hf://me/roofs --revision v2",
)
_INDENT = 25
_WIDTH = 55


def presets(
    name: Annotated[
        str | None,
        typer.Argument(help="Name of a preset. Default: list all of them."),
    ] = None,
) -> None:
    """List presets, or show everything about one and how to get it."""
    if name is None:
        lines = _listing(keras_rsseg.list_presets())
    else:
        lines = _details(name, preset_facts(name))
    typer.echo("\n".join(lines))


def _listing(presets: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Return the lines of the two groups."""
    groups = (
        (True, "Ready to use, with --preset NAME or from_preset(NAME):"),
        (
            False,
            "To be made first; `keras-rsseg presets NAME` shows the command:",
        ),
    )
    for available, title in groups:
        members = [
            (name, facts)
            for name, facts in presets.items()
            if facts["available"] == available
        ]
        if members:
            yield f"{title}\n"
        for name, facts in members:
            yield f"{name}: {facts.get('description', facts['handle'])}"
            yield f"    {'; '.join(summary(facts))}\n"


def summary(facts: dict[str, Any]) -> Iterator[str]:
    """Yield where a preset is, its size, and its scores.

    Args:
        facts: `{name: value}`, as `list_presets()` has them.
    """
    yield _WHERE[facts["where"]]
    if "parameters" in facts:
        yield f"{facts['parameters'] / 1e6:.1f} M parameters"
    if "size" in facts:
        yield f"{facts['size'] / 1e6:.1f} MB"
    stated_by = f"stated by {facts.get('stated_score', {}).get('by')}"
    for key, whose in (
        ("score", "measured"),
        ("stated_score", stated_by),
        ("paper_score", "the paper's"),
    ):
        if facts.get(key):
            mean = f"mean IoU {facts[key]['mean_iou']:.3f} ({whose})"
            places = ", ".join(_places(facts[key].get("places", {})))
            yield f"{mean}: {places}" if places else mean


def _places(places: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Return a few words about the score of each place."""
    for name, place in places.items():
        if "mean_iou" in place:
            yield f"{name} {place['mean_iou']:.3f}"
        if "readings" in place:
            ious = [part["iou"] for part in place["readings"].values()]
            yield (
                f"{name} {place.get('class_name', '')} {min(ious):.3f} to "
                f"{max(ious):.3f}"
            ).replace("  ", " ")


def _details(name: str, facts: dict[str, Any]) -> Iterator[str]:
    """Yield the lines about one preset."""
    yield f"{name}: {facts.get('description', facts['handle'])}"
    yield f"    {'; '.join(summary(facts))}\n"
    for key in FACTS:
        if key in facts and key not in _SAID:
            for head, value in _rows(key, facts[key]):
                for line in _lines(value):
                    yield f"{head:<{_INDENT}}{line}"
                    head = ""
    commands = {} if facts["available"] else facts.get("how_to_get", {})
    for way, title in _COMMANDS.items():
        if way in commands:
            yield f"\n{title}\n\n    {commands[way]}"
    if commands:
        yield f"\nThen give its folder instead of the name: --preset ./{name}"


def _rows(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Return a fact and its value; a score's value by place."""
    if not isinstance(value, dict) or "places" not in value:
        yield key, value
        return
    yield key, {name: part for name, part in value.items() if name != "places"}
    for name, place in value["places"].items():
        readings = place.get("readings", {})
        yield f"  {name}", {k: v for k, v in place.items() if k != "readings"}
        for distance, scores in readings.items():
            yield f"    {distance}", scores


def _lines(value: Any) -> Iterator[str]:
    for line in as_text(value).splitlines():
        yield from textwrap.wrap(line, _WIDTH, break_on_hyphens=False)


def as_text(value: Any) -> str:
    """Return a fact's value in readable form.

    Args:
        value: text, number, list or dict.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "; ".join(f"{key} {as_text(v)}" for key, v in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(as_text, value))
    if value is None:
        return "not stated"
    return f"{value:g}" if isinstance(value, float) else str(value)


def upload(
    folder: Annotated[
        str,
        typer.Argument(
            help="Folder that `save_to_preset()` wrote, with a card.json."
        ),
    ],
    handle: Annotated[str, typer.Argument(help="hf://org/name")],
    private: Annotated[
        bool,
        typer.Option("--private", help="Make a new repository private."),
    ] = False,
    revision: Annotated[
        str | None,
        typer.Option(help="Branch to upload to; created if there is none."),
    ] = None,
) -> None:
    """Check a preset, write its card and publish it on the Hub."""
    status = Status()
    load_framework(status)
    result = keras_rsseg.upload_preset(
        handle, folder, private=private, revision=revision
    )
    typer.echo(result.url if result.changed else "Nothing new to upload.")
