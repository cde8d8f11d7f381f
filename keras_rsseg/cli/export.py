"""`keras-rsseg export`: write a preset to a file for other runtimes."""

from typing import Annotated
from typing import Any
from typing import Literal

import typer

import keras_rsseg

EXAMPLES = (
    "keras-rsseg export --output model.onnx",
    "keras-rsseg export --output qgis.onnx --for qgis",
    "keras-rsseg export my_preset --output model.tflite --tile-size 256 "
    "--check-on scene.tif",
)


Preset = Annotated[
    str | None,
    typer.Argument(
        help="Preset name or folder. Default: the small model that comes with "
        "the package."
    ),
]
Output = Annotated[
    str | None,
    typer.Option(
        help="File to write: .onnx, .tflite (LiteRT), .xml (OpenVINO); or a "
        "folder, for a TensorFlow SavedModel."
    ),
]
TileSize = Annotated[int, typer.Option(help="Length of a tile in pixels.")]
Dynamic = Annotated[
    bool, typer.Option("--dynamic", help="Take tiles of any size.")
]
BatchSize = Annotated[
    int, typer.Option(help="Tiles per call, 0 for any number.")
]
Probabilities = Annotated[
    bool,
    typer.Option("--probabilities", help="Return probabilities, not logits."),
]
ChannelsFirst = Annotated[
    bool,
    typer.Option("--channels-first", help="Bands and classes before rows."),
]
Shortened = Annotated[
    Literal["float32", "float16", "int8"],
    typer.Option(help="Lower-precision weights: a smaller, less exact file."),
]
Target = Annotated[
    Literal["qgis"] | None,
    typer.Option(
        "--for", help="qgis: a file that the QGIS plugin Deepness loads."
    ),
]
CheckOn = Annotated[
    str | None,
    typer.Option(
        metavar="SCENE",
        help="Raster with further tiles to compare the file and the model on.",
    ),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace an existing file.")
]
Quiet = Annotated[
    bool, typer.Option("--quiet", help="Print nothing but errors.")
]


def export(
    preset: Preset = None,
    output: Output = None,
    tile_size: TileSize = 512,
    dynamic: Dynamic = False,
    batch_size: BatchSize = 1,
    probabilities: Probabilities = False,
    channels_first: ChannelsFirst = False,
    weights: Shortened = "float32",
    target: Target = None,
    check_on: CheckOn = None,
    overwrite: Overwrite = False,
    quiet: Quiet = False,
) -> None:
    """Write a preset to a file for other runtimes, and check that file."""
    if output is None:
        raise typer.BadParameter(
            "is missing: the file to write", param_hint="--output"
        )
    # Checked before a framework is loaded, which takes seconds.
    from keras_rsseg.export.settings import ExportSettings

    arguments: dict[str, Any] = {
        "tile_size": tile_size,
        "dynamic": dynamic,
        "batch_size": batch_size or None,
        "output": "probabilities" if probabilities else "logits",
        "data_format": "channels_first" if channels_first else "channels_last",
        "weights": weights,
        "target": target,
    }
    ExportSettings.of(output, **arguments)
    model = keras_rsseg.from_preset(preset or keras_rsseg.DEFAULT_PRESET)
    result = keras_rsseg.export_model(
        model,
        output,
        **arguments,
        tiles=check_on,
        overwrite=overwrite,
        verbose=not quiet,
    )
    if not quiet:
        typer.echo(
            f"Wrote {result.path} ({result.size / 1e6:.1f} MB) and "
            f"{result.stac_item} in {result.seconds:.0f} s"
        )
        typer.echo(
            f"Map a scene: keras-rsseg predict SCENE --preset {result.path} "
            f"--tile-size {tile_size} --output map.tif"
        )
