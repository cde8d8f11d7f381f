"""`keras-rsseg predict`: map one scene or many."""

import dataclasses
import os
import pathlib
import sys
import typing
from collections.abc import Sequence
from typing import Any

import typer

from keras_rsseg.checks import Color
from keras_rsseg.cli.dry_run import print_dry_run
from keras_rsseg.cli.errors import INTERRUPTED
from keras_rsseg.cli.loading import load_model
from keras_rsseg.cli.loading import read_facts
from keras_rsseg.cli.loading import talkative
from keras_rsseg.cli.predict_options import Request
from keras_rsseg.cli.predict_options import check_ending
from keras_rsseg.cli.predict_options import in_flags
from keras_rsseg.cli.predict_options import takes_flags
from keras_rsseg.cli.terminal import Status
from keras_rsseg.cli.terminal import is_colored
from keras_rsseg.cli.terminal import screen_size
from keras_rsseg.cli.terminal import swatch
from keras_rsseg.errors import ArgumentError
from keras_rsseg.scene_options import ScenesOptions
from keras_rsseg.tables import text_table
from keras_rsseg.typing import PathLike

if typing.TYPE_CHECKING:
    from keras_rsseg.scenes.many.scene_job import SceneJob
    from keras_rsseg.scenes.many.scene_report import SceneReport
    from keras_rsseg.scenes.predict_scene import SceneResult

# Exit code if some scenes failed; the others are 0 (all done), 1 (none done, or
# wrong arguments), 2 (usage) and 130 (interrupted).
SOME_FAILED = 3

# For the command's help; each line works in a clone of the repository.
EXAMPLES = (
    "keras-rsseg predict examples/data/harbour.tif --output harbour.tif",
    'keras-rsseg predict "examples/data/*.tif" --output maps --style --resume',
    "keras-rsseg predict examples/data/harbour.tif --output best.tif --tta d4",
)


def prepare(
    request: Request,
) -> "tuple[list[SceneJob], pathlib.Path, dict[str, Any]]":
    """Find the scenes, and what is wrong, before anything is loaded.

    Args:
        request: the request of the command line.

    Returns:
        `(jobs, path, options)`: a list of `SceneJob`s, the path of the
        report, and the options of all scenes as keyword arguments.

    Raises:
        typer.BadParameter: for wrong usage.
        OSError, ValueError: for wrong files.
    """
    from keras_rsseg.scenes.many.scene_job import RASTERS
    from keras_rsseg.scenes.many.scene_list import list_scenes
    from keras_rsseg.scenes.maps.mosaic import check_mosaic

    output, options = request.output, request.options
    endings = {
        "polygons": request.polygons,
        "preview": request.preview,
        **{name: getattr(options, name) for name in RASTERS},
    }
    for name, ending in endings.items():
        check_ending(f"--{name}", ending)
    if output is not None and output.lower().endswith((".tif", ".tiff")):
        raise typer.BadParameter(
            f"must be a folder for several scenes, not a file such as "
            f"{output!r}",
            param_hint="--output",
        )
    jobs = [
        job.with_endings(request.style, request.attribute_table, **endings)
        for job in list_scenes(request.scenes, output)
    ]
    path = _report_path(request)
    replace = options.overwrite or options.resume
    if request.mosaic is not None:
        # It may be among the maps, whose folders are yet to be created.
        folder = os.path.abspath(os.path.dirname(request.mosaic))
        made = any(
            pathlib.Path(os.path.abspath(job.destination)).is_relative_to(
                folder
            )
            for job in jobs
        )
        check_mosaic(
            request.mosaic, replace, [job.source for job in jobs], made
        )
    _check_report(path, request.scenes, jobs, replace)
    for message in check(jobs, options, request.preset).values():
        typer.echo(in_flags(f"Will fail: {message}"), err=True)
    arguments = options.arguments(type(options))
    # Each job has paths of its own.
    return jobs, path, {**arguments, **dict.fromkeys(RASTERS)}


def check(
    jobs: "list[SceneJob]",
    options: ScenesOptions,
    preset: str | None = None,
    make_folders: bool = True,
) -> dict[int, str]:
    """Find what is wrong before a model is loaded, which takes seconds.

    Args:
        jobs: list of `SceneJob`s.
        options: options of all scenes.
        preset: the model's name or folder, `None` for the default.
        make_folders: whether missing folders will be created.

    Returns:
        As `check_scenes`.
    """
    from keras_rsseg.scenes.many.scene_list import check_scenes
    from keras_rsseg.scenes.reading.area_of_interest import AreaOfInterest
    from keras_rsseg.scenes.reading.scene_file import as_crs

    own_areas = any("area" in key for job in jobs for key in job.options)
    if options.area is not None:
        area = AreaOfInterest.of(
            options.area, options.area_crs, options.area_layer
        )
        if not own_areas:
            # Read once for all.
            options = options.changed(
                {"area": area, "area_crs": None, "area_layer": None}
            )
    if options.crs is not None:
        as_crs("crs", options.crs)
    return check_scenes(
        jobs, make_folders, _facts(preset), **options.arguments(ScenesOptions)
    )


def _facts(preset: str | None) -> Any:
    """What is known of a model before it is loaded, `None` if that fails.

    Loading the model will then raise the error.
    """
    from keras_rsseg.errors import KerasRssegError

    try:
        return read_facts(preset)
    except KerasRssegError:
        return None


def show(report: "SceneReport", path: pathlib.Path, quiet: bool) -> None:
    """Print a report, and where it is.

    Args:
        report: the outcomes of the scenes.
        path: path of its CSV file.
        quiet: whether to print nothing.
    """
    if not quiet:
        width, height = screen_size()
        text = report.to_text(max(10, height - 10), width)
        typer.echo(in_flags(text))
        typer.echo(f"Wrote {path}")


def join(report: "SceneReport", request: Request) -> None:
    """Join the finished maps in a mosaic, if one was requested.

    Args:
        report: the outcomes of the scenes.
        request: the request of the command line.
    """
    from keras_rsseg.scenes.maps.mosaic import write_mosaic

    maps = [o.job.destination for o in report.outcomes if o.result is not None]
    if request.mosaic is None or not maps:
        return
    path = write_mosaic(maps, request.mosaic, overwrite=True)
    if not request.quiet:
        typer.echo(f"Wrote {path}")


def exit_from_dry_run(request: Request, jobs: "list[SceneJob]") -> None:
    """Print what several scenes would cost, and exit.

    Args:
        request: the request of the command line.
        jobs: list of `SceneJob`s.
    """
    failing = print_dry_run(request, jobs, request.options)
    if not failing:
        raise typer.Exit()
    raise typer.Exit(1 if failing == len(jobs) else SOME_FAILED)


def exit_with(report: "SceneReport") -> None:
    """Exit with the code for these outcomes.

    Args:
        report: the outcomes of the scenes.
    """
    if report.bad:
        everything = len(report.bad) == len(report.outcomes)
        raise typer.Exit(1 if everything else SOME_FAILED)


def _report_path(request: Request) -> pathlib.Path:
    """Where the report goes; beside the manifest if there is no folder."""
    if request.report is not None:
        return pathlib.Path(request.report)
    if request.output is not None:
        return pathlib.Path(request.output) / "report.csv"
    manifest = pathlib.Path(request.scenes[0])
    return manifest.with_name(f"{manifest.stem}_report.csv")


def _check_report(
    path: pathlib.Path,
    sources: list[str],
    jobs: "list[SceneJob]",
    replace: bool,
) -> None:
    from keras_rsseg.scenes.many.scene_report import SceneOutcome
    from keras_rsseg.scenes.many.scene_report import SceneReport
    from keras_rsseg.scenes.maps.map_products import check_folder

    check_folder(path.parent)
    if path.is_dir() or path.suffix.lower() != ".csv":
        raise ArgumentError(f"The report must be a CSV file, not {path}")
    if not path.exists():
        return
    for source in sources:
        if os.path.exists(source) and path.samefile(source):
            raise ArgumentError(f"The report would replace the manifest {path}")
    report = SceneReport(map(SceneOutcome, jobs))
    if not replace and not report.is_added_to(path):
        raise FileExistsError(
            f"The report exists: {path}. Give --resume to continue that run, "
            "--overwrite to replace it, or --report with another path"
        )


@takes_flags(ScenesOptions)
def predict(request: Request) -> None:
    """Map scenes: classes and, on request, probabilities, polygons, styles.

    Exit code: 0 if everything is done, 3 if some scenes failed, 1 if all
    failed or nothing could start, 2 for wrong usage, 130 if interrupted.
    """
    with talkative(request.quiet, request.verbose, in_flags) as status:
        options = request.options.changed({"progress": not request.quiet})
        request = dataclasses.replace(request, options=options)
        if "://" in (request.output or ""):
            raise typer.BadParameter(
                f"must be a local path, not a URL such as {request.output!r}",
                param_hint="--output",
            )
        if _is_one(request):
            _predict_one(request, status)
        else:
            _predict_several(request, status)


def _is_one(request: Request) -> bool:
    """Whether to map one file to a file, rather than scenes to a folder."""
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


def _predict_one(request: Request, status: Status) -> None:
    from keras_rsseg.scenes.many.scene_job import RASTERS
    from keras_rsseg.scenes.many.scene_job import SceneJob
    from keras_rsseg.scenes.predict_scenes import draw_job
    from keras_rsseg.scenes.predict_scenes import predict_job

    def path(given: PathLike | None) -> pathlib.Path | None:
        return None if given is None else pathlib.Path(given)

    options = request.options
    if request.mosaic is not None:
        raise typer.BadParameter(
            "joins the maps of several scenes in a folder",
            param_hint="--mosaic",
        )
    if request.report is not None:
        raise typer.BadParameter(
            "is for several scenes, whose maps go to a folder",
            param_hint="--report",
        )
    job = SceneJob(
        request.scenes[0],
        pathlib.Path(request.output or ""),
        {name: path(getattr(options, name)) for name in RASTERS},
        path(request.polygons),
        path(request.preview),
        request.style,
        request.attribute_table,
    )
    check([job], options, request.preset, make_folders=False)
    if request.dry_run:
        print_dry_run(request, [job], options)
        return
    model = load_model(request.preset, status)
    result, is_new = predict_job(model, job, options)
    draw_job(job, is_new, options)
    if not request.quiet:
        is_part = options.area is not None and options.crop
        _print_result(result, job, "map" if is_part else "scene")


def _predict_several(request: Request, status: Status) -> None:
    from keras_rsseg.scenes.predict_scenes import ScenesInterrupted
    from keras_rsseg.scenes.predict_scenes import predict_scenes

    jobs, path, options = prepare(request)
    if request.dry_run:
        exit_from_dry_run(request, jobs)
    model = load_model(request.preset, status)
    try:
        report = predict_scenes(model, jobs, path, **options)
    except ScenesInterrupted as error:
        show(error.report, path, request.quiet)
        typer.echo("Interrupted. Resume with --resume.", err=True)
        raise typer.Exit(INTERRUPTED) from error
    show(report, path, request.quiet)
    # Saved again, so that a failure is now an error.
    report.save(path)
    join(report, request)
    exit_with(report)


def _print_result(result: "SceneResult", job: "SceneJob", whole: str) -> None:
    from keras_rsseg.scenes.many.scene_report import class_size

    typer.echo(
        f"Wrote {result.destination} in {result.seconds:.1f} s "
        f"({result.valid_share:.1%} of the {whole} is valid)"
    )
    for path in job.outputs()[1:]:
        typer.echo(f"Wrote {path}")
    total = sum(result.class_pixels.values()) or 1
    rows = [
        [name, class_size(result, name), f"{pixels / total:.1%}"]
        for name, pixels in result.class_pixels.items()
    ]
    lines = text_table(None, rows).splitlines()
    for line, color in zip(lines, _colors(result), strict=True):
        typer.echo(f"  {swatch(color)}{line}")


def _colors(result: "SceneResult") -> Sequence[Color | None]:
    """The colours of a map's classes, for a terminal that shows them."""
    from keras_rsseg.scenes.maps.class_map import open_class_map
    from keras_rsseg.scenes.maps.class_map import read_legend

    nothing = [None] * len(result.class_pixels)
    if not is_colored(sys.stdout):
        return nothing
    with open_class_map(result.destination) as classes:
        return read_legend(classes).colors or nothing
