"""`keras-rsseg check`: check images and masks before training."""

from typing import Annotated
from typing import Any

import typer

import keras_rsseg
from keras_rsseg.cli.loading import load_framework
from keras_rsseg.cli.option_flags import takes_options
from keras_rsseg.cli.terminal import Status
from keras_rsseg.label_options import LabelOptions
from keras_rsseg.training_options import GROUPS

EXAMPLES = (
    "keras-rsseg check images/ masks/ --num-classes 2 --picture tiles.png",
    "keras-rsseg check scene.tif roofs.gpkg --classes other,roof",
)

Images = Annotated[
    str, typer.Argument(help="Folder or pattern of images, or one image.")
]
Masks = Annotated[
    str,
    typer.Argument(
        help="Folder or pattern of their masks, with the same names; or "
        "polygons (GeoPackage, GeoJSON, shapefile, FlatGeobuf)."
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(
        help="Preset that you are going to fine-tune, by name or folder."
    ),
]
Picture = Annotated[
    str | None,
    typer.Option(help="PNG file for a picture of eight tiles and their masks."),
]


@takes_options(LabelOptions, GROUPS)
def check(
    images: Images,
    masks: Masks,
    preset: Preset = None,
    picture: Picture = None,
    *,
    options: dict[str, Any],
) -> None:
    """Check images and masks before training (exit code 1 on errors)."""
    from keras_rsseg.datasets.palettes import as_named_palette

    model = None
    if preset is not None:
        load_framework(Status())
        model = keras_rsseg.from_preset(preset, load_weights=False)
    palette = as_named_palette(options.pop("palette", None))
    report = keras_rsseg.data.check(
        images,
        masks,
        class_names=options.pop("classes", None),
        palette=palette,
        model=model,
        **options,
    )
    typer.echo(str(report))
    if picture is not None:
        typer.echo(f"\nWrote {report.save_picture(picture)}")
    if not report.ok:
        raise typer.Exit(1)
