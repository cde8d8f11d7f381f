"""`keras-rsseg train`: train a preset on your own images and masks."""

from typing import Annotated
from typing import Any

import typer

import keras_rsseg
from keras_rsseg.cli.loading import load_framework
from keras_rsseg.cli.loading import talkative
from keras_rsseg.cli.option_flags import takes_options
from keras_rsseg.cli.terminal import quiet_flag
from keras_rsseg.cli.terminal import verbose_flag
from keras_rsseg.training_options import GROUPS
from keras_rsseg.training_options import RUN
from keras_rsseg.training_options import TrainingOptions

EXAMPLES = (
    "keras-rsseg train images/ masks/ --output my_preset --limit 5",
    'keras-rsseg train "images/*.tif" roofs.gpkg --classes other,roof '
    "--output roofs",
    "keras-rsseg train --config roofs/training.yaml --output again",
)
_WORDS = {"images": "IMAGES", "masks": "MASKS", "output": "--output"}

Images = Annotated[
    str | None,
    typer.Argument(help="Folder or pattern of images, or one image."),
]
Masks = Annotated[
    str | None,
    typer.Argument(
        help="Folder or pattern of their masks, with the same names; or "
        "polygons (GeoPackage, GeoJSON, shapefile, FlatGeobuf)."
    ),
]
Output = Annotated[
    str | None,
    typer.Option(
        help="Folder of the preset to write; the report goes beside it, to "
        "OUTPUT_report.",
    ),
]
Config = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="YAML file of options by their Python names (images, masks and "
        "output included), such as tile_size: 256. Flags override it. Every "
        "trained preset includes one, training.yaml.",
    ),
]
Quiet = Annotated[bool, quiet_flag(RUN)]
Verbose = Annotated[bool, verbose_flag(RUN)]


@takes_options(TrainingOptions, GROUPS, _WORDS)
def train(
    images: Images = None,
    masks: Masks = None,
    output: Output = None,
    config: Config = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    *,
    options: dict[str, Any],
) -> None:
    """Fine-tune a preset on images with masks, or with polygons."""
    arguments = {"images": images, "masks": masks, "output": output}
    given = {k: v for k, v in arguments.items() if v is not None}
    given.update(options)
    if config is not None:
        from keras_rsseg.training.training_settings import read_config

        given = {**read_config(config), **given}
    for name, shown in _WORDS.items():
        if given.get(name) is None:
            raise typer.BadParameter(f"give {shown}, or --config")
    with talkative(quiet, verbose) as status:
        load_framework(status, with_tensorflow=True)
        try:
            result = keras_rsseg.train(**given, progress=not quiet)
        except KeyboardInterrupt:
            if not quiet:
                typer.echo("\nRun the same command with --resume to continue.")
            raise
        if quiet:
            return
        typer.echo(result.report.to_markdown(), nl=False)
        number = len(result.history)
        typer.echo(f"\nKept epoch {result.best_epoch} of {number}.")
        typer.echo(f"Preset {result.preset}, report {result.report_folder}")
        typer.echo(f"Map an image: {result.predict_command}")
