"""`keras-rsseg predict`: a map of a scene."""

import logging
from typing import Annotated

import typer

import keras_rsseg
from keras_rsseg.cli.errors import log_level
from keras_rsseg.cli.errors import plain_errors


def predict(
    scene: Annotated[
        str, typer.Argument(help="Raster to map: GeoTIFF, VRT, PNG ...")
    ],
    output: Annotated[
        str, typer.Option(help="GeoTIFF to write the classes to.")
    ],
    preset: Annotated[
        str | None,
        typer.Option(
            help="Preset name or folder. Default: the small model that "
            "comes with the package."
        ),
    ] = None,
    tile_size: Annotated[
        int, typer.Option(min=1, help="Length of a tile, pixels.")
    ] = 512,
    overlap: Annotated[
        int | None,
        typer.Option(
            min=0, help="Pixels that tiles share. Default: a quarter."
        ),
    ] = None,
    batch_size: Annotated[
        int, typer.Option(min=1, help="Tiles in a batch.")
    ] = 4,
    bands: Annotated[
        str | None,
        typer.Option(
            help="Band numbers (from 1) or names, with commas, in the "
            "model's order."
        ),
    ] = None,
    nodata: Annotated[
        float | None,
        typer.Option(help="Value that means no data in the scene."),
    ] = None,
    gsd: Annotated[
        str,
        typer.Option(
            metavar="auto|native|METRES",
            help="Pixel size at which the model sees the scene: the "
            "model's, the scene's, or so many metres.",
        ),
    ] = "auto",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an existing map.")
    ] = False,
    preview: Annotated[
        str | None, typer.Option(help="PNG to draw the map in, too.")
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Print nothing but errors.")
    ] = False,
):
    """Write a map of a scene's classes."""
    distance = _parse_gsd(gsd)
    with plain_errors(), log_level(logging.ERROR if quiet else None):
        from keras_rsseg import scenes
        from keras_rsseg.scenes.preview import check_preview

        # A wrong path should not cost the seconds that loading takes.
        scenes.check_paths(scene, output, overwrite)
        if preview is not None:
            check_preview(preview)

        model = keras_rsseg.from_preset(preset or keras_rsseg.DEFAULT_PRESET)
        result = keras_rsseg.predict_scene(
            model,
            scene,
            output,
            tile_size=tile_size,
            overlap=overlap,
            batch_size=batch_size,
            bands=bands and [band.strip() for band in bands.split(",")],
            nodata=nodata,
            ground_sample_distance=distance,
            overwrite=overwrite,
            progress=not quiet,
        )
        if preview is not None:
            scenes.write_preview(output, preview)
    if not quiet:
        _print_result(result, preview)


def _parse_gsd(text):
    if text == "auto":
        return text
    if text == "native":
        return None
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(
            f"must be auto, native or a number of metres, not {text!r}",
            param_hint="--gsd",
        ) from None


def _print_result(result, preview):
    typer.echo(
        f"Wrote {result.destination} in {result.seconds:.1f} s "
        f"({result.valid_share:.1%} of the scene is valid)"
    )
    if preview is not None:
        typer.echo(f"Wrote {preview}")
    total = sum(result.class_pixels.values()) or 1
    for name, pixels in result.class_pixels.items():
        size = f"{pixels} pixels"
        if result.class_areas is not None:
            size = _format_area(result.class_areas[name])
        typer.echo(f"  {name:<20} {size:>16} {pixels / total:7.1%}")


def _format_area(area):
    if area < 1e4:
        return f"{area:,.0f} m2"
    if area < 1e6:
        return f"{area / 1e4:,.2f} ha"
    return f"{area / 1e6:,.2f} km2"
