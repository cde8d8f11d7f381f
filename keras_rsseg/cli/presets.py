"""`keras-rsseg presets`: what --preset takes."""

import typer

import keras_rsseg
from keras_rsseg.cli.errors import plain_errors


def presets():
    """List the presets that --preset takes."""
    with plain_errors():
        for name, facts in keras_rsseg.list_presets().items():
            typer.echo(f"{name}: {facts['description']}")
