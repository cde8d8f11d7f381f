"""`keras-rsseg`: maps and scores from the command line."""

import os
from typing import Annotated

import typer

import keras_rsseg
from keras_rsseg.cli.check import check
from keras_rsseg.cli.errors import plain_errors
from keras_rsseg.cli.evaluate import evaluate
from keras_rsseg.cli.export import EXAMPLES as EXPORT_EXAMPLES
from keras_rsseg.cli.export import export
from keras_rsseg.cli.predict import EXAMPLES
from keras_rsseg.cli.predict import predict
from keras_rsseg.cli.presets import presets
from keras_rsseg.cli.presets import upload
from keras_rsseg.cli.train import EXAMPLES as TRAIN_EXAMPLES
from keras_rsseg.cli.train import train

# TensorFlow reads it when it is loaded, which the commands do.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

app = typer.Typer(
    help="Semantic segmentation of aerial and satellite imagery.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"keras-rsseg {keras_rsseg.__version__}")
        raise typer.Exit()


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the version and exit.",
        ),
    ] = False,
) -> None:
    """Semantic segmentation of aerial and satellite imagery."""


# Blank lines keep the lines apart in the help.
_EPILOGS = {
    command: "\n\n".join(["Examples:", *examples])
    for command, examples in (
        (predict, EXAMPLES),
        (train, TRAIN_EXAMPLES),
        (export, EXPORT_EXAMPLES),
    )
}

for command in (predict, evaluate, check, train, export, presets, upload):
    app.command(epilog=_EPILOGS.get(command))(plain_errors()(command))
