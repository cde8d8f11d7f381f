"""`keras-rsseg evaluate`: the scores of a model on a data set."""

import contextlib
import functools
import logging
import re
from typing import TYPE_CHECKING
from typing import Annotated
from typing import Any

import typer

import keras_rsseg
from keras_rsseg.cli.errors import log_level
from keras_rsseg.cli.errors import plain_warnings
from keras_rsseg.errors import DatasetError
from keras_rsseg.option_values import read_ids

if TYPE_CHECKING:
    from keras_rsseg.data.palette import Palette

# Stated here once more, and tested to be those of `keras_rsseg.evaluate` and
# of the rooms that know them: loading these takes a second, which help and
# wrong usage need not wait for.
DEFAULTS: dict[str, Any] = {
    "protocol": "isaid",
    "eroded": 3.0,
    "left_out": (),
    "boundary_f1": False,
    "palette": None,
    "bands": None,
    "class_attribute": None,
    "batch_size": 4,
    "output": None,
    "overwrite": False,
}
PROTOCOL_NAMES = ("isaid", "isprs_768", "isprs_896", "ifwm", "released")
IDS = "ids"

# --- What is scored

Images = Annotated[
    str | None,
    typer.Argument(help="Folder or pattern of images, or one image."),
]
Masks = Annotated[
    str | None,
    typer.Argument(
        help="Folder or pattern of their masks, of the same names, or one "
        "mask: class ids (255 void) or colours; or polygons (GeoPackage, "
        "GeoJSON, shapefile, FlatGeobuf)."
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(
        help="Preset name or folder. Default: the small model that comes with "
        "the package."
    ),
]
Dataset = Annotated[
    str | None,
    typer.Option(
        help="Data set of TFDS, in place of images and masks: isaid, "
        "vaihingen/ifwm, potsdam, cityscapes ..."
    ),
]
Split = Annotated[str, typer.Option(help="Its split.")]
DataDir = Annotated[
    str | None, typer.Option(help="Folder of TFDS's data sets.")
]
PaletteOption = Annotated[
    str | None,
    typer.Option(
        "--palette",
        help="What colours in masks mean: a data set's name, or a JSON file "
        'such as {"colors": [[255, 0, 0], ...], "void_colors": [[0, 0, 0]]}; '
        f"{IDS} where a colour map is for show. Default: the model's.",
    ),
]
Bands = Annotated[
    str | None,
    typer.Option(help="Band numbers (from 1) to read, with commas."),
]
MapIds = Annotated[
    str | None,
    typer.Option(
        "--map",
        metavar="VALUE=ID,...",
        help="What masks hold to a class id (255 void), such as 255=1 or "
        "roof=2.",
    ),
]
ClassAttribute = Annotated[
    str | None,
    typer.Option(
        help="Attribute that tells a polygon's class: its name, its id, or "
        "what --map names. Default: all are of class 1."
    ),
]

# --- How it is scored

Protocol = Annotated[
    str, typer.Option(help=f"Tiling: {', '.join(PROTOCOL_NAMES)}.")
]
TileSize = Annotated[
    int | None,
    typer.Option(
        min=1, help="Length of a tile, pixels, in place of the protocol's."
    ),
]
Stride = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Distance between tiles, pixels, in place of the protocol's. "
        "Default with --tile-size: its length.",
    ),
]
Eroded = Annotated[
    float,
    typer.Option(
        min=0,
        help="Pixels to leave out along class boundaries for the eroded "
        "scores, 0 for none.",
    ),
]
LeaveOut = Annotated[
    list[str] | None,
    typer.Option(
        help="Class to exclude from the means, such as clutter. Can be "
        "repeated."
    ),
]
BoundaryF1 = Annotated[
    bool,
    typer.Option(
        "--boundary-f1", help="Also score the boundaries of each tile."
    ),
]
BatchSize = Annotated[int, typer.Option(min=1, help="Tiles in a batch.")]

# --- What becomes of the scores

Output = Annotated[
    str | None,
    typer.Option(
        help="Folder for the report: tables, JSON, confusion matrix, worst "
        "tiles."
    ),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace an older report.")
]
Quiet = Annotated[
    bool, typer.Option("--quiet", help="Print nothing but errors.")
]


def evaluate(
    images: Images = None,
    masks: Masks = None,
    preset: Preset = None,
    dataset: Dataset = None,
    split: Split = "test",
    data_dir: DataDir = None,
    protocol: Protocol = DEFAULTS["protocol"],
    tile_size: TileSize = None,
    stride: Stride = None,
    eroded: Eroded = DEFAULTS["eroded"],
    leave_out: LeaveOut = None,
    boundary_f1: BoundaryF1 = DEFAULTS["boundary_f1"],
    palette: PaletteOption = DEFAULTS["palette"],
    bands: Bands = DEFAULTS["bands"],
    map_ids: MapIds = None,
    class_attribute: ClassAttribute = DEFAULTS["class_attribute"],
    batch_size: BatchSize = DEFAULTS["batch_size"],
    output: Output = DEFAULTS["output"],
    overwrite: Overwrite = DEFAULTS["overwrite"],
    quiet: Quiet = False,
) -> None:
    """Score a model tile by tile and on whole scenes."""
    if dataset is None and (images is None or masks is None):
        raise typer.BadParameter("give IMAGES and MASKS, or --dataset")
    if dataset is not None and images is not None:
        raise typer.BadParameter(
            "give IMAGES and MASKS or --dataset, not both",
            param_hint="--dataset",
        )
    from keras_rsseg import evaluation

    with plain_warnings(quiet), log_level(logging.ERROR if quiet else None):
        # A wrong path should not cost the seconds that loading takes.
        if output is not None:
            evaluation.check_output(output, overwrite)
        options = {
            "protocol": _tiling(protocol, tile_size, stride),
            "eroded": eroded or None,
            "left_out": leave_out or DEFAULTS["left_out"],
            "batch_size": batch_size,
            "bands": bands and band_numbers(bands),
            "palette": palette and read_palette(palette),
            "ids": map_ids and _ids(map_ids),
            "class_attribute": class_attribute,
            "boundary_f1": boundary_f1,
            "progress": not quiet,
        }
        load, class_names = _find(images, masks, dataset, split, data_dir)
        model = keras_rsseg.from_preset(preset or keras_rsseg.DEFAULT_PRESET)
        report = keras_rsseg.evaluate(
            model, load(), class_names=class_names, **options
        )
        # First on the screen, should the disk be full.
        if not quiet:
            typer.echo(report.to_markdown(), nl=False)
        if output is not None:
            folder = report.save(output, overwrite)
            if not quiet:
                typer.echo(f"\nWrote {folder}")


def _tiling(protocol, tile_size, stride):
    from keras_rsseg.data.protocols import TilingProtocol
    from keras_rsseg.data.protocols import as_protocol

    protocol = as_protocol(protocol)
    if tile_size is None and stride is None:
        return protocol
    if stride is None:
        stride = tile_size
    return TilingProtocol("custom", tile_size or protocol.tile_size, stride)


def band_numbers(bands: str) -> list[int]:
    """Return the numbers of a text such as `"3,2,1"`.

    Args:
        bands: the text.

    Raises:
        typer.BadParameter: if it is no such text.
    """
    try:
        return [int(band) for band in bands.split(",")]
    except ValueError:
        raise typer.BadParameter(
            f"must be numbers with commas, not {bands!r}", param_hint="--bands"
        ) from None


def _ids(text: str) -> dict[int | str, int]:
    try:
        return read_ids(text)
    except ValueError:
        raise typer.BadParameter(
            f"must be such as 255=1 or roof=2, with commas, not {text!r}",
            param_hint="--map",
        ) from None


def read_palette(palette: str) -> "Palette | str":
    """Return a `Palette` from a JSON file, or by the name of a data set.

    Args:
        palette: path of the file, the name, or `"ids"`, which stays.

    Raises:
        ArgumentError: if the file holds no palette.
    """
    if palette == IDS:
        return palette

    from keras_rsseg.datasets.palettes import as_named_palette

    return as_named_palette(palette)


def _find(images, masks, dataset, split, data_dir):
    """A function that loads what to score, and its class names if known."""
    if dataset is None:
        from keras_rsseg.data.sources import as_lists

        # A wrong path should not cost the seconds that loading takes.
        as_lists(images, masks)
        return lambda: (images, masks), None
    from keras_rsseg import datasets

    facts = datasets.facts(re.split("[/:]", dataset)[0])
    load = functools.partial(_load_records, dataset, facts, split, data_dir)
    return load, facts.class_names


def _load_records(name, facts, split, data_dir):
    """Records of a data set of TFDS, which are made where there are none."""
    # Imported before TFDS or after, it makes its data sets known to it.
    import tensorflow_datasets as tfds

    from keras_rsseg import datasets
    from keras_rsseg.datasets import general_datasets

    with _explained(name, ValueError, AssertionError):
        builder = tfds.builder(name, data_dir=data_dir)
    # Without the files to download by hand. Its ValueErrors are our builders'.
    with _explained(name, AssertionError):
        builder.download_and_prepare()
    with _explained(name, ValueError):
        records = builder.as_dataset(split=split)
    if facts in general_datasets.FACTS:
        records = datasets.as_records(records, facts.name)
    return records


@contextlib.contextmanager
def _explained(name, *kinds):
    """Turn what TFDS raises for a wrong name or split into `DatasetError`."""
    try:
        yield
    except kinds as error:
        # After that it lists the hundreds of data sets it has.
        message = str(error).partition("\nAvailable datasets")[0]
        raise DatasetError(f"{name}: {message}") from error
