"""What the commands that map several scenes do before and after."""

import logging
import os
import pathlib
import textwrap

import typer

import keras_rsseg
from keras_rsseg.cli import predict_options as options
from keras_rsseg.cli.errors import INTERRUPTED
from keras_rsseg.cli.errors import log_level
from keras_rsseg.errors import ArgumentError
from keras_rsseg.tables import text_table

# Exit code, besides 0 (all is done), 1 (nothing is, or wrong arguments),
# 2 (usage) and 130 (interrupted): some scenes failed.
SOME_FAILED = 3

_RASTERS = "probabilities", "uncertainty"


def prepare(request):
    """Find the scenes, and what is wrong, before anything is loaded.

    Args:
        request: `Request`.

    Returns:
        `(jobs, path)`: list of `SceneJob`s, path of the report.

    Raises:
        typer.BadParameter: for wrong usage.
        OSError, ValueError: for wrong files.
    """
    from keras_rsseg.scenes.many.scene_list import list_scenes

    output, settings = request.output, request.settings
    for name, ending in request.files.items():
        options.check_ending(f"--{name}", ending)
    if output is not None and output.lower().endswith((".tif", ".tiff")):
        raise typer.BadParameter(
            f"of several scenes is a folder, not a file such as {output!r}",
            param_hint="--output",
        )
    jobs = [
        job.with_endings(request.style, **request.files)
        for job in list_scenes(request.scenes, output)
    ]
    path = _report_path(request)
    replace = settings["overwrite"] or settings["resume"]
    _check_report(path, request.scenes, replace)
    for message in check(jobs, settings).values():
        typer.echo(f"Will fail: {message}", err=True)
    return jobs, path


def check(jobs, settings, make_folders=True):
    """A wrong path should not cost the seconds that loading takes.

    Args:
        jobs: list of `SceneJob`s.
        settings: those of a `Request`.
        make_folders: whether folders that are missing will be made.

    Returns:
        What `check_scenes` does.
    """
    from keras_rsseg.scenes.many.scene_list import check_scenes

    return check_scenes(
        jobs, settings["overwrite"], settings["resume"], make_folders
    )


def finish(report, path, loud):
    """Print a report, if `loud`.

    Args:
        report: `SceneReport`.
        path: path of its CSV file.
        loud: bool.
    """
    if loud:
        typer.echo(report.to_text())
        typer.echo(f"Wrote {path}")


def exit_with(report):
    """Exit with the code that tells how it went.

    Args:
        report: `SceneReport`.
    """
    if report.bad:
        everything = len(report.bad) == len(report.outcomes)
        raise typer.Exit(1 if everything else SOME_FAILED)


def _report_path(request):
    """Where the report goes; without a folder, beside the manifest."""
    if request.report is not None:
        return pathlib.Path(request.report)
    if request.output is not None:
        return pathlib.Path(request.output) / "report.csv"
    manifest = pathlib.Path(request.scenes[0])
    return manifest.with_name(f"{manifest.stem}_report.csv")


def _check_report(path, sources, replace):
    from keras_rsseg.scenes.many.scene_list import check_folder

    check_folder(path.parent)
    if path.is_dir() or path.suffix.lower() != ".csv":
        raise ArgumentError(f"The report must be a CSV file, not {path}")
    if not path.exists():
        return
    for source in sources:
        if os.path.exists(source) and path.samefile(source):
            raise ArgumentError(f"The report would replace the manifest {path}")
    if not replace:
        raise FileExistsError(
            f"The report exists: {path}. Give --resume to go on with that "
            "run, --overwrite to replace it, or another with --report"
        )


def predict(
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
    resume: options.Resume = False,
    overwrite: options.Overwrite = False,
    quiet: options.Quiet = False,
):
    """Write maps of scenes: classes, and what is made of them.

    Exit code: 0 if all is done, 3 if some scenes failed, 1 if all did or
    nothing could begin, 2 for wrong usage, 130 if it was interrupted.
    """
    arguments = locals()
    with log_level(logging.ERROR if quiet else None):
        request = options.read_request(**arguments)
        if _is_one(request):
            _predict_one(request)
        else:
            _predict_several(request)


def _is_one(request):
    """Whether a file goes to a file, not scenes to a folder."""
    from keras_rsseg.scenes.many.scene_list import is_several

    scenes, output = request.scenes, request.output
    if len(scenes) > 1 or is_several(scenes[0]):
        return False
    if output is None:
        raise typer.BadParameter(
            "is missing: the GeoTIFF, or the folder, to write to",
            param_hint="--output",
        )
    return bool(os.path.splitext(output)[1]) and not os.path.isdir(output)


def _predict_one(request):
    from keras_rsseg.scenes.many.scene_list import SceneJob
    from keras_rsseg.scenes.predict_scenes import draw_job
    from keras_rsseg.scenes.predict_scenes import predict_job

    files = {
        name: path and pathlib.Path(path)
        for name, path in request.files.items()
    }
    rasters = {name: files.pop(name) for name in _RASTERS}
    job = SceneJob(
        request.scenes[0],
        pathlib.Path(request.output),
        rasters,
        style=request.style,
        **files,
    )
    settings = request.settings
    check([job], settings, make_folders=False)
    model = keras_rsseg.from_preset(request.preset)
    result, is_new = predict_job(model, job, **settings)
    overwrite = settings["overwrite"]
    draw_job(job, is_new, overwrite=overwrite, **request.outlines)
    if settings["progress"]:
        _print_result(result, job)


def _predict_several(request):
    from keras_rsseg.scenes.predict_scenes import ScenesInterrupted
    from keras_rsseg.scenes.predict_scenes import predict_scenes

    jobs, path = prepare(request)
    loud = request.settings["progress"]
    model = keras_rsseg.from_preset(request.preset)
    try:
        report = predict_scenes(
            model, jobs, report=path, **request.outlines, **request.settings
        )
    except ScenesInterrupted as error:
        finish(error.report, path, loud)
        typer.echo("Interrupted. Go on with --resume.", err=True)
        raise typer.Exit(INTERRUPTED) from error
    finish(report, path, loud)
    # Once more: should it have failed before, that is an error now.
    report.save(path)
    exit_with(report)


def _print_result(result, job):
    from keras_rsseg.scenes.many.scene_report import class_size

    typer.echo(
        f"Wrote {result.destination} in {result.seconds:.1f} s "
        f"({result.valid_share:.1%} of the scene is valid)"
    )
    for path in job.outputs()[1:]:
        typer.echo(f"Wrote {path}")
    total = sum(result.class_pixels.values()) or 1
    table = text_table(
        None,
        [
            [name, class_size(result, name), f"{pixels / total:.1%}"]
            for name, pixels in result.class_pixels.items()
        ],
    )
    typer.echo(textwrap.indent(table, "  "))
