"""`python -m keras_rsseg.beam`: map scenes with Apache Beam."""

import functools
import sys

import typer
from apache_beam.options.pipeline_options import PipelineOptions

from keras_rsseg.beam.predict_scenes import BeamOptions
from keras_rsseg.beam.predict_scenes import run_scenes
from keras_rsseg.cli.loading import load_model
from keras_rsseg.cli.loading import talkative
from keras_rsseg.cli.predict import exit_from_dry_run
from keras_rsseg.cli.predict import exit_with
from keras_rsseg.cli.predict import join
from keras_rsseg.cli.predict import prepare
from keras_rsseg.cli.predict import show
from keras_rsseg.cli.predict_options import Request
from keras_rsseg.cli.predict_options import in_flags
from keras_rsseg.cli.predict_options import takes_flags

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
@takes_flags(BeamOptions)
def predict(context: typer.Context, request: Request) -> None:
    """Write maps of scenes on as many machines as a Beam runner has.

    As `keras-rsseg predict SCENE... --output FOLDER`, with all paths in a
    file system that all machines share. Options of Beam follow after --:
    `python -m keras_rsseg.beam list.csv -- --runner=FlinkRunner ...`. Run
    the same command again to resume a run that was killed.

    Exit code: 0 if everything is done, 3 if some scenes failed, 1 if all
    failed or nothing could start, 2 for wrong usage.
    """
    with talkative(request.quiet, request.verbose, in_flags):
        jobs, path, options = prepare(request)
        if request.dry_run:
            exit_from_dry_run(request, jobs)
        report = run_scenes(
            functools.partial(load_model, request.preset),
            jobs,
            path,
            PipelineOptions(context.obj or []),
            **options,
        )
    show(report, path, request.quiet)
    join(report, request)
    exit_with(report)


def main(arguments: list[str]) -> None:
    """Run the command; arguments after `--` are Beam's."""
    place = len(arguments)
    if "--" in arguments:
        place = arguments.index("--")
    app(arguments[:place], obj=arguments[place + 1 :])


if __name__ == "__main__":
    main(sys.argv[1:])
