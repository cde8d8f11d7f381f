"""`keras-rsseg check`: a look at images and masks before training."""

from typing import Annotated

import typer

import keras_rsseg
from keras_rsseg.cli.evaluate import IDS
from keras_rsseg.cli.evaluate import band_numbers
from keras_rsseg.cli.evaluate import read_palette

Images = Annotated[
    str, typer.Argument(help="Folder or pattern of images, or one image.")
]
Masks = Annotated[
    str,
    typer.Argument(
        help="Folder or pattern of their masks, of the same names; or "
        "polygons (GeoPackage, GeoJSON, shapefile, FlatGeobuf)."
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(help="Preset name or folder that is to be trained further."),
]
NumClasses = Annotated[
    int | None,
    typer.Option(min=2, help="Number of classes. Default: the preset's."),
]
PaletteOption = Annotated[
    str | None,
    typer.Option(
        "--palette",
        help="What colours in masks mean: a data set's name, or a JSON file "
        'such as {"colors": [[255, 0, 0], ...], "tolerance": 20}.',
    ),
]
Bands = Annotated[
    str | None,
    typer.Option(help="Band numbers (from 1) to read, with commas."),
]
MapIds = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        help="What masks hold to a class id (255 void), such as 255=1 or "
        "roof=2. Can be repeated.",
    ),
]
ClassAttribute = Annotated[
    str | None,
    typer.Option(help="Attribute that tells a polygon's class."),
]
Picture = Annotated[
    str | None,
    typer.Option(help="PNG file for eight tiles beside their masks."),
]


def check(
    images: Images,
    masks: Masks,
    preset: Preset = None,
    num_classes: NumClasses = None,
    palette: PaletteOption = None,
    bands: Bands = None,
    map_ids: MapIds = None,
    class_attribute: ClassAttribute = None,
    picture: Picture = None,
) -> None:
    """Look at images and masks before training: exit code 1 if wrong."""
    model = None
    if preset is not None:
        model = keras_rsseg.from_preset(preset, load_weights=False)
    report = keras_rsseg.data.check(
        images,
        masks,
        num_classes=num_classes,
        palette=_colors(palette),
        bands=bands and band_numbers(bands),
        ids=_ids(map_ids or []),
        class_attribute=class_attribute,
        model=model,
    )
    typer.echo(str(report))
    if picture is not None:
        typer.echo(f"\nWrote {report.save_picture(picture)}")
    if not report.ok:
        raise typer.Exit(1)


def _colors(palette):
    if palette == IDS:
        return None
    return palette and read_palette(palette)


def _ids(pairs: list[str]) -> dict[str | int, int] | None:
    """The mapping of options such as `255=1`."""
    found: dict[str | int, int] = {}
    for pair in pairs:
        key, _, value = pair.rpartition("=")
        if not key or not value.strip().isdecimal():
            raise typer.BadParameter(
                f"must be such as 255=1 or roof=2, not {pair!r}",
                param_hint="--map",
            )
        number = key.strip().removeprefix("-").isdecimal()
        found[int(key) if number else key] = int(value)
    return found or None
