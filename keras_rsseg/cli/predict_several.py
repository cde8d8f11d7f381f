"""What the commands that map several scenes do before and after."""

import os
import pathlib

import typer

from keras_rsseg.cli import predict_options as options

# Exit codes, besides 0 (all is done), 1 (nothing is, or wrong arguments)
# and 2 (usage): some scenes failed, or the user stopped it.
SOME_FAILED = 3
INTERRUPTED = 130


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
    from keras_rsseg.scenes.many.check_scenes import check_scenes

    try:
        return check_scenes(
            jobs, settings["overwrite"], settings["resume"], make_folders
        )
    except ImportError as error:
        raise ValueError(str(error)) from error


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
    from keras_rsseg.scenes.many.check_scenes import check_folder

    check_folder(path.parent)
    if path.is_dir() or path.suffix.lower() != ".csv":
        raise ValueError(f"The report must be a CSV file, not {path}")
    if not path.exists():
        return
    for source in sources:
        if os.path.exists(source) and path.samefile(source):
            raise ValueError(f"The report would replace the manifest {path}")
    if not replace:
        raise FileExistsError(
            f"The report exists: {path}. Give --resume to go on with that "
            "run, --overwrite to replace it, or another with --report"
        )
