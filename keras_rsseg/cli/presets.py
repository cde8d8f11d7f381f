"""`keras-rsseg presets`: what --preset takes."""

import typer

import keras_rsseg
from keras_rsseg.cli.errors import plain_errors

_WHERE = {
    "package": "comes with the package",
    "cache": "downloaded",
    "hub": "on the Hub",
    "convert": "not published: convert a released checkpoint",
    "train": "not published: train it",
}


def presets():
    """List the presets that --preset takes, where they are, their scores."""
    with plain_errors():
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
