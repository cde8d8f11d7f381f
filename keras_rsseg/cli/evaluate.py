"""`keras-rsseg evaluate`: the scores of a model on a data set."""

import contextlib
import functools
import re
from typing import TYPE_CHECKING
from typing import Annotated
from typing import Any

import typer

import keras_rsseg
from keras_rsseg.cli.loading import load_framework
from keras_rsseg.cli.loading import load_model
from keras_rsseg.cli.loading import talkative
from keras_rsseg.cli.option_flags import takes_options
from keras_rsseg.cli.terminal import quiet_flag
from keras_rsseg.cli.terminal import verbose_flag
from keras_rsseg.errors import DatasetError
from keras_rsseg.evaluation_options import GROUPS
from keras_rsseg.evaluation_options import REPORT
from keras_rsseg.evaluation_options import SCORES
from keras_rsseg.evaluation_options import EvaluationOptions

if TYPE_CHECKING:
    from keras_rsseg.data.palette import Palette

# Repeated here, and tested to be complete: loading them takes a second, too
# long for help and usage errors.
PROTOCOL_NAMES = ("isaid", "isprs_768", "isprs_896", "ifwm", "released")

# Headings in the help, before those of the options.
DATA = "Data: what to score, with which model"

EXAMPLES = (
    "keras-rsseg evaluate images/ masks/ --preset my_preset",
    "keras-rsseg evaluate images/ masks/ --output report --leave-out clutter",
    "keras-rsseg evaluate --dataset vaihingen/ifwm --protocol ifwm",
)

# --- What is scored

Images = Annotated[
    str | None,
    typer.Argument(help="Folder or pattern of images, or one image."),
]
Masks = Annotated[
    str | None,
    typer.Argument(
        help="Folder or pattern of their masks, with the same names, or one "
        "mask: class ids (255 is void) or colours; or polygons (GeoPackage, "
        "GeoJSON, shapefile, FlatGeobuf)."
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(
        help="Preset name or folder. Default: the small model that comes with "
        "the package.",
        rich_help_panel=DATA,
    ),
]
Dataset = Annotated[
    str | None,
    typer.Option(
        help="TFDS data set, instead of images and masks: isaid, "
        "vaihingen/ifwm, potsdam, cityscapes ...",
        rich_help_panel=DATA,
    ),
]
Split = Annotated[
    str,
    typer.Option(help="Split of that data set.", rich_help_panel=DATA),
]
DataDir = Annotated[
    str | None,
    typer.Option(
        help="Folder where TFDS keeps its data sets.", rich_help_panel=DATA
    ),
]

# --- How it is scored

Protocol = Annotated[
    str,
    typer.Option(
        help=f"How scenes are tiled: {', '.join(PROTOCOL_NAMES)}.",
        rich_help_panel=SCORES,
    ),
]
TileSize = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Length of a tile in pixels, instead of the protocol's.",
        rich_help_panel=SCORES,
    ),
]
Stride = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Distance between tiles in pixels, instead of the protocol's. "
        "Default with --tile-size: the length of a tile.",
        rich_help_panel=SCORES,
    ),
]
LeaveOut = Annotated[
    list[str] | None,
    typer.Option(
        help="Class to exclude from the means, such as clutter. Can be "
        "repeated.",
        rich_help_panel=SCORES,
    ),
]
Quiet = Annotated[bool, quiet_flag(REPORT)]
Verbose = Annotated[bool, verbose_flag(REPORT)]


@takes_options(EvaluationOptions, (DATA, *GROUPS))
def evaluate(
    images: Images = None,
    masks: Masks = None,
    preset: Preset = None,
    dataset: Dataset = None,
    split: Split = "test",
    data_dir: DataDir = None,
    protocol: Protocol = PROTOCOL_NAMES[0],
    tile_size: TileSize = None,
    stride: Stride = None,
    leave_out: LeaveOut = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    *,
    options: dict[str, Any],
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

    with talkative(quiet, verbose) as status:
        output, overwrite = (
            options.pop("output", None),
            options.pop("overwrite", False),
        )
        # A wrong path should be reported before the seconds of loading.
        if output is not None:
            evaluation.check_output(output, overwrite)
        options |= {
            "protocol": _tiling(protocol, tile_size, stride),
            "left_out": leave_out or (),
            "progress": not quiet,
        }
        if "palette" in options:
            options["palette"] = read_palette(options["palette"])
        load, class_names = _find(images, masks, dataset, split, data_dir)
        load_framework(status, with_tensorflow=dataset is not None)
        model = load_model(preset, status)
        report = keras_rsseg.evaluate(
            model, load(), class_names=class_names, **options
        )
        # Printed first, in case the disk is full.
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


def read_palette(palette: str) -> "Palette | str":
    """Return a `Palette` from a JSON file, or by the name of a data set.

    Args:
        palette: path of the file, the name, or `"ids"`, returned unchanged.

    Raises:
        ArgumentError: if the file is not a palette.
    """
    if palette == "ids":
        return palette

    from keras_rsseg.datasets.palettes import as_named_palette

    return as_named_palette(palette)


def _find(images, masks, dataset, split, data_dir):
    """A function that loads what to score, and its class names if known."""
    if dataset is None:
        from keras_rsseg.data.sources import as_lists

        # A wrong path should be reported before the seconds of loading.
        as_lists(images, masks)
        return lambda: (images, masks), None
    from keras_rsseg import datasets

    facts = datasets.facts(re.split("[/:]", dataset)[0])
    load = functools.partial(_load_records, dataset, facts, split, data_dir)
    return load, facts.class_names


def _load_records(name, facts, split, data_dir):
    """Records of a TFDS data set, which are made if there are none."""
    # The package registers its data sets, whichever is imported first.
    import tensorflow_datasets as tfds

    from keras_rsseg import datasets
    from keras_rsseg.datasets import general_datasets

    with _explained(name, ValueError, AssertionError):
        builder = tfds.builder(name, data_dir=data_dir)
    # Raised without the manual downloads. ValueErrors are our builders' own.
    with _explained(name, AssertionError):
        builder.download_and_prepare()
    with _explained(name, ValueError):
        records = builder.as_dataset(split=split)
    if facts in general_datasets.FACTS:
        records = datasets.as_records(records, facts.name)
    return records


@contextlib.contextmanager
def _explained(name, *kinds):
    """Turn TFDS's errors for a wrong name or split into `DatasetError`."""
    try:
        yield
    except kinds as error:
        # What follows lists hundreds of data sets.
        message = str(error).partition("\nAvailable datasets")[0]
        raise DatasetError(f"{name}: {message}") from error
