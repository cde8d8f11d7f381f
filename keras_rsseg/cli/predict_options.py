"""The options of `keras-rsseg predict`: their help, and what they mean."""

from typing import Annotated
from typing import NamedTuple

import typer

import keras_rsseg

_FILES = "probabilities", "uncertainty", "polygons", "preview"
_OUTLINES = "minimum_area", "simplify"

# --- What goes in and comes out

Scenes = Annotated[
    list[str],
    typer.Argument(
        metavar="SCENE...",
        help="Raster to map: GeoTIFF, VRT, PNG ...; or several, a folder, a "
        'pattern in quotes ("2024/**/*.jp2"), a manifest (CSV with the '
        "columns scene, output, bands, nodata, area, ground_sample_distance, "
        "value_range, all but the first optional).",
    ),
]
Output = Annotated[
    str | None,
    typer.Option(
        help="GeoTIFF to write the classes to; of several scenes, the folder "
        "for theirs."
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(
        help="Preset name or folder. Default: the small model that comes with "
        "the package."
    ),
]
_BESIDE = " Of several scenes: what the names end in, "
Probabilities = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="GeoTIFF of each class's probability." + _BESIDE + "_prob.tif.",
    ),
]
Uncertainty = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="GeoTIFF of the uncertainty." + _BESIDE + "_unsure.tif.",
    ),
]
UncertaintyKind = Annotated[
    str, typer.Option(help="Which: entropy, margin or variance.")
]
RasterDtype = Annotated[
    str, typer.Option(help="Of these two rasters: uint8 or float16.")
]
Polygons = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="GeoPackage or GeoJSON of the classes' polygons."
        + _BESIDE
        + ".gpkg.",
    ),
]
MinimumArea = Annotated[
    float,
    typer.Option(
        min=0, help="Square metres below which a patch goes to its neighbour."
    ),
]
Simplify = Annotated[
    float,
    typer.Option(min=0, help="Metres of the corners that polygons may lose."),
]
Style = Annotated[
    bool, typer.Option("--style", help="Write a QGIS style beside the map.")
]
Preview = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="PNG to draw the map in, too." + _BESIDE + ".png.",
    ),
]
Report = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="CSV for the report on several scenes. Default: report.csv "
        "among the maps.",
    ),
]

# --- How a scene is read

Bands = Annotated[
    str | None,
    typer.Option(
        help="Band numbers (from 1) or names, with commas, in the model's "
        "order."
    ),
]
Nodata = Annotated[
    str | None,
    typer.Option(
        metavar="VALUE|border",
        help="Value that means no data in the scene, or border: what is "
        "black from its border inwards.",
    ),
]
Area = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Polygons (GeoJSON, GeoPackage ...) outside which there is no "
        "data.",
    ),
]
GroundSampleDistance = Annotated[
    str,
    typer.Option(
        metavar="auto|native|METRES",
        help="Pixel size at which the model sees the scene: the model's, the "
        "scene's, or so many metres.",
    ),
]
Resample = Annotated[
    str,
    typer.Option(
        metavar="auto|never",
        help="Whether a scene of another pixel size is read at that, or only "
        "a warning tells.",
    ),
]
ValueRange = Annotated[
    str | None,
    typer.Option(
        metavar="LOW,HIGH",
        help="Values of the scene that stand for the darkest and the "
        "brightest of the model.",
    ),
]

# --- How it is predicted

TileSize = Annotated[int, typer.Option(min=1, help="Length of a tile, pixels.")]
Overlap = Annotated[
    int | None,
    typer.Option(min=0, help="Pixels that tiles share. Default: a quarter."),
]
BatchSize = Annotated[int, typer.Option(min=1, help="Tiles in a batch.")]
Augmentation = Annotated[
    str | None,
    typer.Option(
        "--tta",
        metavar="d4|flips",
        help="Average over the 8 turns and flips of each tile, or 4 flips.",
    ),
]
Scales = Annotated[
    str,
    typer.Option(help="Average over sizes of the tiles, such as 0.75,1,1.5."),
]
StripHeight = Annotated[
    int,
    typer.Option(min=1, help="Rows of the map that are kept as one step."),
]
UnitBlocks = Annotated[
    int,
    typer.Option(
        min=1, help="Steps of --strip-height that one machine does at a time."
    ),
]

# --- How the run goes

Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Go on with an interrupted run: finished maps and strips of the "
        "same scene and settings are kept.",
    ),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace existing files.")
]
Quiet = Annotated[
    bool, typer.Option("--quiet", help="Print nothing but errors.")
]


class Request(NamedTuple):
    """What a command line asks for.

    Attributes:
        scenes: list of what is to be mapped.
        output: path of the map, or the folder of maps; `None` if not given.
        preset: name of the preset, or its folder.
        files: `{option: path, or what paths end in}`, `None` where not given.
        style: whether to write a QGIS style.
        report: path of the report, `None` if not given.
        outlines: arguments of `write_polygons`.
        settings: arguments of `predict_scene`.
    """

    scenes: list
    output: str | None
    preset: str
    files: dict
    style: bool
    report: str | None
    outlines: dict
    settings: dict


def read_request(
    *, scenes, output, preset, style, report, gsd, tta, quiet, **others
):
    """Return the `Request` of a command's options.

    Raises:
        typer.BadParameter: for one that cannot be read.
    """
    files = {name: others.pop(name) for name in _FILES}
    outlines = {name: others.pop(name) for name in _OUTLINES}
    settings = {
        **others,
        "scales": _parse_scales(others["scales"]),
        "ground_sample_distance": _parse(
            "--gsd", "ground_sample_distance", gsd
        ),
        "test_time_augmentation": tta,
        "progress": not quiet,
    }
    for name in ("bands", "nodata", "value_range"):
        option = "--" + name.replace("_", "-")
        settings[name] = _parse(option, name, others[name])
    if preset is None:
        preset = keras_rsseg.DEFAULT_PRESET
    return Request(
        scenes, output, preset, files, style, report, outlines, settings
    )


def check_ending(option, text):
    """Raise where a name's ending, for the files of several scenes, is none.

    Args:
        option: as the user wrote it, `"--preview"`.
        text: its value, `None` where it was not given.

    Raises:
        typer.BadParameter: saying what is accepted.
    """
    if text is not None and (text[:1] not in "._-" or "/" in text):
        raise typer.BadParameter(
            "of several scenes is what each map's name ends in, in place of "
            f".tif, and begins with . or _ or -; not {text!r}",
            param_hint=option,
        )


def _parse(option, name, text):
    if text is None:
        return None
    from keras_rsseg.scenes.many.scene_manifest import parse_option

    try:
        return parse_option(name, text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def _parse_scales(text):
    try:
        return tuple(map(float, text.split(",")))
    except ValueError:
        raise typer.BadParameter(
            f"must be numbers with commas, not {text!r}", param_hint="--scales"
        ) from None
