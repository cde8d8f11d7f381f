"""`keras-rsseg`: maps and scores from the command line."""

import os
from collections.abc import Callable
from typing import Annotated

import typer

import keras_rsseg
from keras_rsseg.cli.check import EXAMPLES as CHECK_EXAMPLES
from keras_rsseg.cli.check import check
from keras_rsseg.cli.errors import plain_errors
from keras_rsseg.cli.evaluate import EXAMPLES as EVALUATE_EXAMPLES
from keras_rsseg.cli.evaluate import evaluate
from keras_rsseg.cli.export import EXAMPLES as EXPORT_EXAMPLES
from keras_rsseg.cli.export import export
from keras_rsseg.cli.info import EXAMPLES as INFO_EXAMPLES
from keras_rsseg.cli.info import info
from keras_rsseg.cli.predict import EXAMPLES as PREDICT_EXAMPLES
from keras_rsseg.cli.predict import predict
from keras_rsseg.cli.presets import EXAMPLES as PRESETS_EXAMPLES
from keras_rsseg.cli.presets import UPLOAD_EXAMPLES
from keras_rsseg.cli.presets import presets
from keras_rsseg.cli.presets import upload
from keras_rsseg.cli.train import EXAMPLES as TRAIN_EXAMPLES
from keras_rsseg.cli.train import train

# TensorFlow reads it when the commands load it.
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


# Groups of commands in the help, with examples of each.
_COMMANDS: dict[str, dict[Callable[..., None], tuple[str, ...]]] = {
    "Maps": {
        predict: PREDICT_EXAMPLES,
        info: INFO_EXAMPLES,
    },
    "Training and scores": {
        check: CHECK_EXAMPLES,
        train: TRAIN_EXAMPLES,
        evaluate: EVALUATE_EXAMPLES,
    },
    "Presets": {
        presets: PRESETS_EXAMPLES,
        export: EXPORT_EXAMPLES,
        upload: UPLOAD_EXAMPLES,
    },
}

for _panel, _members in _COMMANDS.items():
    for _command, _examples in _members.items():
        app.command(
            rich_help_panel=_panel,
            # Blank lines keep the examples apart in the help.
            epilog="\n\n".join(["Examples:", *_examples]),
        )(plain_errors()(_command))
