"""`keras-rsseg presets` and `keras-rsseg upload`."""

from typing import Annotated

import typer

import keras_rsseg

_WHERE = {
    "package": "comes with the package",
    "cache": "downloaded",
    "hub": "on the Hub",
    "convert": "not published: convert a released checkpoint",
    "train": "not published: train it",
}


def presets():
    """List the presets that --preset takes, where they are, their scores."""
    for name, facts in keras_rsseg.list_presets().items():
        typer.echo(f"{name}: {facts['description']}")
        typer.echo(f"    {'; '.join(_facts(facts))}")


def _facts(facts):
    yield _WHERE.get(facts["where"], facts["handle"])
    if "parameters" in facts:
        yield f"{facts['parameters'] / 1e6:.1f} M parameters"
    if "size" in facts:
        yield f"{facts['size'] / 1e6:.1f} MB"
    for key, whose in (("score", "measured"), ("paper_score", "the paper's")):
        if key in facts:
            yield f"mean IoU {facts[key]['mean_iou']:.3f} ({whose})"


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
        typer.Option("--private", help="Hide a new repository from others."),
    ] = False,
    revision: Annotated[
        str | None, typer.Option(help="Branch, made if there is none.")
    ] = None,
):
    """Check a preset, write its card and publish it on the Hub."""
    result = keras_rsseg.upload_preset(
        handle, folder, private=private, revision=revision
    )
    typer.echo(result.url if result.changed else "Nothing new to upload.")
