"""`keras-rsseg upload`: a preset folder to the Hugging Face Hub."""

from typing import Annotated

import typer

import keras_rsseg
from keras_rsseg.cli.errors import plain_errors


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
    with plain_errors():
        result = keras_rsseg.upload_preset(
            handle, folder, private=private, revision=revision
        )
    typer.echo(result.url if result.changed else "Nothing new to upload.")
