"""Run a pipeline from scenes to maps, and read its report."""

import pathlib

import apache_beam as beam

from keras_rsseg.beam.predict_scenes import PredictScenes
from keras_rsseg.beam.predict_scenes import WriteReport
from keras_rsseg.scenes.many.scene_list import absolute
from keras_rsseg.scenes.many.scene_list import check_outputs
from keras_rsseg.scenes.many.scene_report import SceneReport


def run_scenes(load_model, jobs, report, pipeline_options=None, **options):
    """Predict maps of many scenes with a Beam pipeline, and wait for them.

    Args:
        load_model: callable without arguments that returns the model; see
            `PredictScenes`.
        jobs: list of `SceneJob`s, such as `list_scenes` returns. All paths
            are of a file system that all machines share.
        report: path of a CSV file for the report, on that file system, too;
            replaced if it exists.
        pipeline_options: `apache_beam` `PipelineOptions`: which runner, and
            how. Defaults to Beam's, which is this machine.
        **options: arguments of `PredictScenes`, and of `predict_scene`.

    Returns:
        A `SceneReport`. Its seconds are those of all machines together.

    Raises:
        ValueError: if files would be written twice.

    Example:

    ```python
    load = functools.partial(keras_rsseg.from_preset, "pfnet_r50_isaid")
    jobs = list_scenes(["/shared/list.csv"], "/shared/maps")
    options = PipelineOptions(["--runner=FlinkRunner"])
    report = run_scenes(load, jobs, "/shared/report.csv", options)
    print(report.to_text())
    ```
    """
    # Workers may have another working directory.
    jobs = [job.absolute() for job in jobs]
    if options.get("area") is not None:
        options["area"] = absolute(options["area"])
    path = pathlib.Path(report).absolute()
    check_outputs(jobs)
    path.parent.mkdir(parents=True, exist_ok=True)
    # One of a run before would be taken for this one's.
    path.unlink(missing_ok=True)
    with beam.Pipeline(options=pipeline_options) as pipeline:
        outcomes = (
            pipeline
            | "Scenes" >> beam.Create(jobs)
            | PredictScenes(load_model, **options)
        )
        _ = outcomes | WriteReport(path, [job.destination for job in jobs])
    return SceneReport.read(path)
