"""`python -m keras_rsseg.beam`: maps of scenes with Apache Beam."""

import functools
import sys

import typer
from apache_beam.options.pipeline_options import PipelineOptions

import keras_rsseg
from keras_rsseg.beam.predict_scenes import run_scenes
from keras_rsseg.cli import predict as several
from keras_rsseg.cli import predict_options as options
from keras_rsseg.cli.errors import plain_errors

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def predict(
    context: typer.Context,
    scenes: options.Scenes,
    output: options.Output = None,
    preset: options.Preset = None,
    probabilities: options.Probabilities = None,
    uncertainty: options.Uncertainty = None,
    uncertainty_kind: options.UncertaintyKind = "entropy",
    raster_dtype: options.RasterDtype = "uint8",
    polygons: options.Polygons = None,
    minimum_area: options.MinimumArea = 0.0,
    simplify: options.Simplify = 0.0,
    style: options.Style = False,
    preview: options.Preview = None,
    report: options.Report = None,
    bands: options.Bands = None,
    nodata: options.Nodata = None,
    area: options.Area = None,
    gsd: options.GroundSampleDistance = "auto",
    resample: options.Resample = "auto",
    value_range: options.ValueRange = None,
    tile_size: options.TileSize = 512,
    overlap: options.Overlap = None,
    batch_size: options.BatchSize = 4,
    tta: options.Augmentation = None,
    scales: options.Scales = "1",
    strip_height: options.StripHeight = 1024,
    unit_blocks: options.UnitBlocks = 8,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
):
    """Write maps of scenes on as many machines as a Beam runner has.

    As `keras-rsseg predict SCENE... --output FOLDER`, where all paths are of
    a file system that all machines share. Options of Beam follow after --:
    `python -m keras_rsseg.beam list.csv -- --runner=FlinkRunner ...`. A run
    that was killed goes on where it was when it is started again.

    Exit code: 0 if all is done, 3 if some scenes failed, 1 if all did or
    nothing could begin, 2 for wrong usage.
    """
    arguments = locals()
    del arguments["context"], arguments["unit_blocks"]
    with plain_errors():
        request = options.read_request(resume=True, **arguments)
        jobs, path = several.prepare(request)
        outcomes = _run(request, jobs, path, unit_blocks, context.obj or [])
        several.finish(outcomes, path, loud=not quiet)
        several.exit_with(outcomes)


def _run(request, jobs, path, unit_blocks, beam_options):
    settings = dict(request.settings)
    for name in ("resume", "progress"):
        del settings[name]
    return run_scenes(
        functools.partial(_load_model, request.preset),
        jobs,
        path,
        PipelineOptions(beam_options),
        unit_blocks=unit_blocks,
        **request.outlines,
        **settings,
    )


def _load_model(preset):
    return keras_rsseg.from_preset(preset)


def main(arguments):
    """Run the command; what follows after `--` is Beam's."""
    place = len(arguments)
    if "--" in arguments:
        place = arguments.index("--")
    app(arguments[:place], obj=arguments[place + 1 :])


if __name__ == "__main__":
    main(sys.argv[1:])
