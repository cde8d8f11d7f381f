"""The README of a preset on the Hub."""

import math
import os
from collections.abc import Mapping
from typing import Any

import keras

from keras_rsseg.checks import Color
from keras_rsseg.class_legends import colors_of
from keras_rsseg.hub.card_pictures import map_picture
from keras_rsseg.hub.card_pictures import swatch_name
from keras_rsseg.hub.client import Handle
from keras_rsseg.hub.facts import READING
from keras_rsseg.hub.papers import papers_of
from keras_rsseg.hub.preset_files import preset_files
from keras_rsseg.hub.preset_files import sha256
from keras_rsseg.tables import markdown_lines

HOME = "https://github.com/keras-rsseg/keras-rsseg"
DOCUMENTATION = "https://keras-rsseg.github.io/keras-rsseg/"

# The Hub's identifiers of licences that are common for code and imagery.
_LICENCES = (
    "afl-3.0",
    "agpl-3.0",
    "apache-2.0",
    "bsd-2-clause",
    "bsd-3-clause",
    "cc-by-4.0",
    "cc-by-nc-4.0",
    "cc-by-nc-nd-4.0",
    "cc-by-nc-sa-4.0",
    "cc-by-sa-4.0",
    "cc0-1.0",
    "gpl-3.0",
    "isc",
    "lgpl-3.0",
    "mit",
    "mpl-2.0",
    "unlicense",
)


def model_card(
    task: keras.Model,
    facts: Mapping[str, Any],
    handle: Handle,
    folder: str | os.PathLike,
) -> str:
    """Write a preset's model card.

    Args:
        task: the loaded preset.
        facts: dict, with all facts that `keras_rsseg.hub.facts` requires.
        handle: where it will be.
        folder: path of the preset.

    Returns:
        string, Markdown with the front matter that the Hub reads.
    """
    name = handle.repository.partition("/")[2]
    parts = [
        f"# {name}",
        facts["description"],
        *_picture(task, folder),
        _usage(handle),
        _network(task, facts, folder),
        _classes(task, facts),
        f"## Data and protocol\n\n{_data(facts)}\n\n{facts['protocol']}",
        _scores(facts),
        f"## Intended use and limits\n\n{facts['intended_use']}\n\n"
        f"{facts['limits']}",
        _training(facts),
        f"## Licence\n\n{facts['licence']}",
        *([facts["notes"]] if facts.get("notes") else []),
        _citation(task),
        _checksums(folder),
    ]
    return _front_matter(name, facts) + "\n\n".join(parts) + "\n"


def known_licence(licence: str) -> str | None:
    """Return the Hub's identifier of a licence, `None` if it has none."""
    identifier = licence.strip().lower()
    return identifier if identifier in _LICENCES else None


def _front_matter(name: str, facts: Mapping[str, Any]) -> str:
    from huggingface_hub import EvalResult
    from huggingface_hub import ModelCardData

    results = [
        EvalResult(
            task_type="image-segmentation",
            dataset_type="other",
            # Results of the same type and configuration are merged.
            dataset_config=place or None,
            dataset_name=" ".join(score["data"].split()),
            metric_type="mean_iou",
            metric_name="mean IoU",
            metric_value=score["mean_iou"],
        )
        for place, score in _labelled_places(facts).items()
    ]
    licence = known_licence(facts["licence"])
    data = ModelCardData(
        model_name=name,
        license=licence or "other",
        license_name=None if licence else "see-the-card",
        license_link=None if licence else "README.md",
        # The Hub does not know our library. keras-hub also loads the files.
        library_name="keras-hub",
        base_model=facts.get("base_model"),
        datasets=list(facts.get("hub_datasets", ())) or None,
        pipeline_tag="image-segmentation",
        tags=[
            "keras",
            "keras-rsseg",
            "remote-sensing",
            "land-cover",
            "semantic-segmentation",
        ],
        eval_results=results or None,
    )
    return f"---\n{data.to_yaml().rstrip()}\n---\n\n"


def _picture(task: keras.Model, folder: str | os.PathLike) -> list[str]:
    picture = map_picture(folder)
    if picture is None:
        return []
    names = ", ".join(task.class_names)
    return [f"![A scene and its map of {names}]({picture.name})"]


def _citation(task: keras.Model) -> str:
    lines = [
        f"- {paper.authors}: [{paper.title}]({paper.url}), {paper.year}"
        for paper in papers_of(type(task))
    ]
    return (
        "## Citation\n\nPlease cite the paper of the network, and "
        f"[keras_rsseg]({HOME}/blob/main/CITATION.cff):\n\n" + "\n".join(lines)
    )


def _usage(handle: Handle) -> str:
    return (
        "## How to use\n\n"
        f"```shell\npip install keras-rsseg  # or from a clone: {HOME}\n```\n\n"
        "```python\nimport keras_rsseg\n\n"
        f'model = keras_rsseg.from_preset("{handle}")\n'
        'keras_rsseg.predict_scene(model, "scene.tif", "classes.tif")\n```\n\n'
        "```shell\nkeras-rsseg predict scene.tif --output classes.tif "
        f"--preset {handle}\n```\n\n"
        "With keras-hub, import `keras_rsseg` first, so that the classes of "
        "the preset are known:\n\n"
        "```python\nimport keras_rsseg  # before the preset is loaded\n"
        "import keras_hub\n\n"
        f'model = keras_hub.models.ImageSegmenter.from_preset("{handle}")\n'
        "```\n\n"
        f"[Documentation]({DOCUMENTATION}), [code]({HOME})"
    )


def _network(
    task: keras.Model, facts: Mapping[str, Any], folder: str | os.PathLike
) -> str:
    size = sum(path.stat().st_size for path in preset_files(folder)) / 1e6
    rows = [
        ("system", f"`keras_rsseg.{type(task).__name__}`"),
        ("parameters", f"{_parameters(task):,}"),
        ("size", f"{size:.1f} MB"),
        ("bands", ", ".join(task.bands)),
        ("ground sample distance", _ground_size(task, facts)),
    ]
    if "gmacs" in facts:
        cost = f"{facts['gmacs']:.1f} billion for 512 x 512 pixels, as run"
        rows.insert(2, ("multiply-adds", cost))
    return "## Network\n\n" + _table(("", ""), rows)


def _ground_size(task: keras.Model, facts: Mapping[str, Any]) -> str:
    distance = task.ground_sample_distance
    text = "not known" if distance is None else f"{distance} m"
    if "ground_sample_distances" in facts:
        finest, coarsest = facts["ground_sample_distances"]
        text += f", trained on {finest:g} to {coarsest:g} m"
    return text


def _training(facts: Mapping[str, Any]) -> str:
    text = (
        f"## Training\n\n{facts['weights_source']}\n\n"
        f"```shell\n{facts['training']}\n```"
    )
    if facts.get("training_details"):
        text += f"\n\n{facts['training_details']}"
    return text


def _data(facts: Mapping[str, Any]) -> str:
    names = facts["dataset"].split(", ")
    if any(" " in name for name in names):
        return facts["dataset"]
    listed = ", ".join(f"`{name}`" for name in names)
    return f"{listed}, see `keras_rsseg.datasets.facts()`."


def _parameters(task: keras.Model) -> int:
    # Counted as in papers: without the moving statistics.
    return sum(math.prod(v.shape) for v in task.trainable_variables)


def _classes(task: keras.Model, facts: Mapping[str, Any]) -> str:
    scores = {
        f"IoU, {place}" if place else "IoU": score.get("classes", {})
        for place, score in _labelled_places(facts).items()
    } or {"IoU": {}}
    palette = colors_of(task) or [None] * task.num_classes
    rows = [
        (
            str(index),
            name,
            "" if color is None else _shown(color),
            *(
                f"{classes[name]:.3f}" if name in classes else ""
                for classes in scores.values()
            ),
        )
        for index, (name, color) in enumerate(
            zip(task.class_names, palette, strict=True)
        )
    ]
    return (
        "## Classes\n\n"
        + _table(("id", "class", "colour", *scores), rows)
        + "\n\n255 is void: no data."
    )


def _shown(color: Color) -> str:
    """Return a colour as a square and as a number."""
    code = "`#{:02x}{:02x}{:02x}`".format(*color)
    return f"![]({swatch_name(color)}) {code}"


def _labelled_places(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the scores that have a mean IoU, by place.

    A score without places is listed under `""`.
    """
    score = facts["score"]
    if not score:
        return {}
    places = score.get("places", {"": score})
    return {
        name: place for name, place in places.items() if "mean_iou" in place
    }


def _scores(facts: Mapping[str, Any]) -> str:
    text = "## Scores\n\n"
    score, paper = facts["score"], facts.get("paper_score")
    stated = facts.get("stated_score")
    if score:
        text += (
            f"Mean IoU {score['mean_iou']:.3f} on {score['data']}, measured "
            f"by {score['by']}:\n\n```shell\n{score['command']}\n```"
        )
        text += _places(score.get("places", {}))
    else:
        text += "These weights have not been scored."
    if stated:
        text += (
            f"\n\n{stated['by']} states {stated['mean_iou']:.4f} for these "
            f"weights in its own framework, on {stated['data']}; it was not "
            "measured again."
        )
    if paper:
        text += (
            f"\n\nThe paper states {paper['mean_iou']:.3f} "
            f"({paper['source']}); this is not a score of these weights."
        )
    return text


def _places(places: Mapping[str, Any]) -> str:
    """Return the tables of a score with places."""
    if not places:
        return ""
    rows = [
        (
            name,
            place["data"],
            f"{place['mean_iou']:.3f}" if "mean_iou" in place else "",
        )
        for name, place in places.items()
    ]
    text = "\n\n" + _table(("place", "what was scored", "mean IoU"), rows)
    for name, place in places.items():
        if "readings" in place:
            rows = [
                (at, *(f"{part[key]:.3f}" for key in READING))
                for at, part in place["readings"].items()
            ]
            what = place.get("class_name", "one class")
            text += f"\n\n{name}, {what}:\n\n"
            text += _table(("read at", "IoU", "precision", "recall"), rows)
    return text


def _checksums(folder: str | os.PathLike) -> str:
    rows = [
        (f"`{path.name}`", f"`{sha256(path)}`") for path in preset_files(folder)
    ]
    return "## Checksums (SHA-256)\n\n" + _table(("file", "SHA-256"), rows)


def _table(header, rows):
    return "\n".join(markdown_lines(header, rows))
