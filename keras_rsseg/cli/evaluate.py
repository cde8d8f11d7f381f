"""`keras-rsseg evaluate`: the scores of a model on a data set."""

import json
import logging
import os
from typing import Annotated

import typer

import keras_rsseg
from keras_rsseg.cli.errors import log_level
from keras_rsseg.cli.errors import plain_errors
from keras_rsseg.cli.errors import plain_warnings
from keras_rsseg.errors import ArgumentError


def evaluate(
    images: Annotated[
        str | None, typer.Argument(help="Folder of images, or one image.")
    ] = None,
    masks: Annotated[
        str | None,
        typer.Argument(
            help="Folder of their masks, of the same names, or one mask: "
            "class ids (255 void) or colours."
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            help="Preset name or folder. Default: the small model that "
            "comes with the package."
        ),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            help="Data set of TFDS, in place of images and masks: isaid, "
            "vaihingen/ifwm, potsdam, cityscapes ..."
        ),
    ] = None,
    split: Annotated[str, typer.Option(help="Its split.")] = "test",
    data_dir: Annotated[
        str | None, typer.Option(help="Folder of TFDS's data sets.")
    ] = None,
    protocol: Annotated[
        str,
        typer.Option(
            help="Tiling: isaid, isprs_768, isprs_896, ifwm, released."
        ),
    ] = "isaid",
    tile_size: Annotated[
        int | None,
        typer.Option(
            min=1, help="Length of a tile, pixels, not the protocol's."
        ),
    ] = None,
    stride: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Distance between tiles, pixels, not the protocol's. "
            "Default with --tile-size: its length.",
        ),
    ] = None,
    eroded: Annotated[
        float,
        typer.Option(
            min=0,
            help="Pixels to leave out along class boundaries for the eroded "
            "scores, 0 for none.",
        ),
    ] = 3,
    leave_out: Annotated[
        list[str] | None,
        typer.Option(
            help="Class that means leave out, such as clutter. May be repeated."
        ),
    ] = None,
    boundary_f1: Annotated[
        bool,
        typer.Option(
            "--boundary-f1", help="Score the boundaries of each tile, too."
        ),
    ] = False,
    palette: Annotated[
        str | None,
        typer.Option(
            help="What colours in masks mean: a data set's name, or a JSON "
            'file such as {"colors": [[255, 0, 0], ...], "void_colors": '
            "[[0, 0, 0]]}; ids where a colour map is for show. Default: the "
            "model's."
        ),
    ] = None,
    bands: Annotated[
        str | None,
        typer.Option(help="Band numbers (from 1) to read, with commas."),
    ] = None,
    batch_size: Annotated[
        int, typer.Option(min=1, help="Tiles in a batch.")
    ] = 4,
    output: Annotated[
        str | None,
        typer.Option(
            help="Folder for the report: tables, JSON, confusion matrix, "
            "worst tiles."
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an older report.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Print nothing but errors.")
    ] = False,
):
    """Score a model tile by tile and on whole scenes."""
    with (
        plain_errors(),
        plain_warnings(quiet),
        log_level(logging.ERROR if quiet else None),
    ):
        # A wrong path should not cost the seconds that loading takes.
        if output is not None:
            _check_output(output, overwrite)
        tiling = _tiling(protocol, tile_size, stride)
        colors = None if palette is None else _read_palette(palette)
        numbers = None if bands is None else _numbers(bands)
        facts = None
        if dataset is None:
            data = _pair(images, masks)
        else:
            facts = _facts(dataset, images)

        model = keras_rsseg.from_preset(preset or keras_rsseg.DEFAULT_PRESET)
        if facts is not None:
            data = _load_dataset(dataset, facts, split, data_dir)
        report = keras_rsseg.evaluate(
            model,
            data,
            tiling,
            eroded=eroded or None,
            left_out=leave_out or (),
            batch_size=batch_size,
            bands=numbers,
            class_names=facts and facts.class_names,
            palette=colors,
            boundary_f1=boundary_f1,
            progress=not quiet,
        )
        # First on the screen, should the disk be full.
        if not quiet:
            typer.echo(report.to_markdown(), nl=False)
        if output is not None:
            folder = report.save(output, overwrite)
    if output is not None and not quiet:
        typer.echo(f"\nWrote {folder}")


def _check_output(output, overwrite):
    from keras_rsseg import evaluation

    try:
        evaluation.check_output(output, overwrite)
    except ImportError as error:
        raise ArgumentError(str(error)) from error


def _tiling(protocol, tile_size, stride):
    from keras_rsseg.data import TilingProtocol
    from keras_rsseg.data import as_protocol

    protocol = as_protocol(protocol)
    if tile_size is None and stride is None:
        return protocol
    if stride is None:
        stride = tile_size
    return TilingProtocol("custom", tile_size or protocol.tile_size, stride)


def _pair(images, masks):
    from keras_rsseg import evaluation

    if images is None or masks is None:
        raise typer.BadParameter("give IMAGES and MASKS, or --dataset")
    return evaluation.matching_files(images, masks)


def _facts(dataset, images):
    from keras_rsseg import datasets

    if images is not None:
        raise typer.BadParameter(
            "give IMAGES and MASKS or --dataset, not both",
            param_hint="--dataset",
        )
    return datasets.facts(dataset.partition("/")[0])


def _numbers(bands):
    try:
        return [int(band) for band in bands.split(",")]
    except ValueError:
        raise typer.BadParameter(
            f"must be numbers with commas, not {bands!r}", param_hint="--bands"
        ) from None


def _read_palette(palette):
    """A `Palette` from a JSON file, or by the name of a data set."""
    from keras_rsseg.data import Palette

    if palette == "ids":
        return palette

    if not os.path.isfile(palette):
        from keras_rsseg import datasets

        return datasets.facts(palette).to_palette()
    try:
        with open(palette) as file:
            content = json.load(file)
        if isinstance(content, list):
            content = {"colors": content}
        return Palette(**content)
    except (TypeError, ValueError) as error:
        raise ArgumentError(
            f'{palette} must hold JSON such as {{"colors": [[255, 0, 0]], '
            f'"void_colors": [[0, 0, 0]]}}: {error}'
        ) from error


def _load_dataset(name, facts, split, data_dir):
    """Records of a data set of TFDS, which are made where there are none."""
    import tensorflow_datasets as tfds

    # Imported, it registers the builders.
    from keras_rsseg import datasets
    from keras_rsseg.datasets import general_datasets

    records = tfds.load(name, split=split, data_dir=data_dir)
    if facts in general_datasets.FACTS:
        records = datasets.as_records(records, facts.name)
    return records
