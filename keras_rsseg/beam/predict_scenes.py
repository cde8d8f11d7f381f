"""A Beam transform from scenes to maps."""

import dataclasses
import logging
import pathlib
import time
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Annotated
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.utils.shared import Shared

from keras_rsseg.beam.held_model import HeldModel
from keras_rsseg.beam.shared_run import SharedRun
from keras_rsseg.beam.shared_run import open_shared_run
from keras_rsseg.checks import check_positive
from keras_rsseg.options import Option
from keras_rsseg.options import takes
from keras_rsseg.scene_options import RUN
from keras_rsseg.scene_options import ScenesOptions
from keras_rsseg.scenes.many.job_checks import check_drawings
from keras_rsseg.scenes.many.scene_job import SceneJob
from keras_rsseg.scenes.many.scene_job import absolute
from keras_rsseg.scenes.many.scene_job import check_outputs
from keras_rsseg.scenes.many.scene_report import FAILED
from keras_rsseg.scenes.many.scene_report import SceneOutcome
from keras_rsseg.scenes.many.scene_report import SceneReport
from keras_rsseg.scenes.many.scene_report import error_line
from keras_rsseg.scenes.predict_scenes import attempt_job
from keras_rsseg.typing import PathLike

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, kw_only=True)
class BeamOptions(ScenesOptions):
    """The options of `run_scenes`: those of scenes, and how they are cut.

    A pipeline always resumes, and the runner shows its progress.
    """

    unit_blocks: Annotated[
        int,
        Option(
            "Maximum number of strips that a machine does at a time",
            in_python="Where two such units meet, tiles are predicted twice; "
            "a unit lost with its machine is done again.",
            unit="strips",
            check=check_positive,
            group=RUN,
        ),
    ] = 8
    resume: bool = dataclasses.field(default=True, init=False)
    progress: bool = dataclasses.field(default=False, init=False)


class PredictScenes(beam.PTransform):
    """From `SceneJob`s to `SceneOutcome`s, on as many machines as there are.

    A unit of work is a number of blocks of a scene, one below the other.
    Finished blocks and maps are kept in a file system that all machines
    share, under the same paths; so are the scenes, unless they have URLs.
    When the last block of a scene is finished, one of the machines assembles
    its maps. They are identical to the last byte to those of
    `predict_scene`, if the model gives the same results on all machines.

    If a scene fails, its outcome says why, and the others continue. Run a
    killed pipeline again to resume it: blocks and maps finished with equal
    settings are kept. Two pipelines must not make the same maps at the same
    time.

    A process loads the model once, and its threads take turns with it.

    Args:
        load_model: callable without arguments that returns the model; it is
            sent to the machines, so it should not contain a model.
        **options: options of `run_scenes`, for all scenes. A job's own
            override them.

    Example:

    ```python
    import apache_beam as beam

    keras.utils.save_img("scene.png", np.zeros((8, 8, 3)))
    jobs = keras_rsseg.scenes.list_scenes(["scene.png"], "maps")

    # In place of functools.partial(keras_rsseg.from_preset, "name").
    def load():
        return lambda tiles: tiles / 25.0

    with beam.Pipeline() as pipeline:
        outcomes = (
            pipeline
            | beam.Create(jobs)
            | keras_rsseg.beam.PredictScenes(load, tile_size=8)
        )
    ```
    """

    def __init__(self, load_model: Callable[[], Any], **options: Any) -> None:
        super().__init__()
        given = BeamOptions.of(options, type(self).__name__)
        self._work = _Work(load_model, given)

    def expand(self, jobs: beam.PCollection) -> beam.PCollection:
        return (
            jobs
            | "Spread scenes" >> beam.Reshuffle()
            | "Cut scenes" >> beam.ParDo(_CutScene(self._work))
            | "Spread units" >> beam.Reshuffle()
            | "Predict units" >> beam.ParDo(_PredictUnit(self._work))
            | "Gather scenes" >> beam.GroupByKey()
            | "Publish maps" >> beam.ParDo(_PublishScene(self._work))
        )


class WriteReport(beam.PTransform):
    """Writes the CSV file of a `SceneReport` when all outcomes are known.

    Args:
        path: path of the file.
        destinations: paths of the maps, in the order of the report's rows.

    Example:

    ```python
    import pathlib
    import apache_beam as beam
    from keras_rsseg.scenes import SceneJob, SceneOutcome, SceneReport

    job = SceneJob("scene.tif", pathlib.Path("maps/scene.tif"))
    with beam.Pipeline() as pipeline:
        outcomes = pipeline | beam.Create([SceneOutcome(job, "done")])
        outcomes | keras_rsseg.beam.WriteReport("r.csv", [job.destination])
    SceneReport.read("r.csv").summary()  # "1 scene: 1 done"
    ```
    """

    def __init__(
        self, path: PathLike, destinations: Iterable[PathLike]
    ) -> None:
        super().__init__()
        self._path = pathlib.Path(path)
        self._order = {str(path): i for i, path in enumerate(destinations)}

    def expand(self, outcomes: beam.PCollection) -> beam.PCollection:
        return (
            outcomes
            | beam.WithKeys(lambda outcome: "report")
            | beam.GroupByKey()
            | "Write report" >> beam.Map(self._write)
        )

    def _write(self, element: tuple[str, Iterable[SceneOutcome]]) -> None:
        def place(outcome: SceneOutcome) -> int:
            return self._order[str(outcome.job.destination)]

        SceneReport(sorted(element[1], key=place)).save(self._path)


@dataclasses.dataclass(frozen=True)
class _Unit:
    """Blocks to predict and, on the way back, the outcome."""

    job: SceneJob
    numbers: tuple[int, ...] = ()
    seconds: float = 0.0
    error: str | None = None


class _Work:
    """What all steps share, and the model of a process."""

    def __init__(
        self, load_model: Callable[[], Any], options: BeamOptions
    ) -> None:
        self.options = options
        self._load_model = load_model
        self._shared = Shared()

    def acquire(self) -> "HeldModel":
        """Return the `HeldModel` of this process."""
        return self._shared.acquire(lambda: HeldModel(self._load_model()))

    def open_run(
        self, model: Any, job: SceneJob
    ) -> AbstractContextManager[SharedRun]:
        options = self.options.changed(job.options)
        return open_shared_run(model, job.source, job.destination, options)


class _Step(beam.DoFn):
    """A step that needs the model."""

    _held: HeldModel

    def __init__(self, work: _Work) -> None:
        super().__init__()
        self._work = work

    def setup(self) -> None:
        self._held = self._work.acquire()
        self._held.enter()

    def teardown(self) -> None:
        self._held.leave()


class _CutScene(_Step):
    """From jobs to `(path of the map, unit)`s."""

    def process(self, job: SceneJob) -> Iterator[tuple[str, _Unit]]:
        start = time.perf_counter()
        units, error = [], None
        try:
            with self._held.warnings.about(job.source):
                units = self._cut(job)
        except Exception as problem:
            error = _told(job, problem)
        key = str(job.destination)
        # A unit without blocks, so that each scene comes out at the end.
        seconds = time.perf_counter() - start
        yield key, _Unit(job, (), seconds, error)
        for numbers in units:
            yield key, _Unit(job, tuple(numbers))

    def _cut(self, job: SceneJob) -> list[list[int]]:
        for path in job.outputs():
            path.parent.mkdir(parents=True, exist_ok=True)
        check_drawings(job, self._work.options)
        with self._work.open_run(self._held.model, job) as run:
            if run.finished_counts() is not None:
                return []
            try:
                done = run.open_store().prepare()
            except ValueError:
                if not self._work.options.overwrite:
                    raise
                # Blocks of another run, which may be deleted.
                done = run.open_store(resume=False).prepare()
            return run.units(done, self._work.options.unit_blocks)


class _PredictUnit(_Step):
    """Predicts units that hold blocks, and passes all units on."""

    def process(
        self, element: tuple[str, _Unit]
    ) -> Iterator[tuple[str, _Unit]]:
        key, unit = element
        if unit.numbers:
            start = time.perf_counter()
            error = None
            try:
                self._predict(unit)
            except Exception as problem:
                error = _told(unit.job, problem)
            seconds = time.perf_counter() - start
            unit = _Unit(unit.job, (), seconds, error)
        yield key, unit

    def _predict(self, unit: _Unit) -> None:
        held = self._held
        with (
            held.lock,
            held.warnings.about(unit.job.source),
            self._work.open_run(held.model, unit.job) as run,
        ):
            store = run.open_store()
            store.check()
            run.predict_unit(store, unit.numbers)


class _PublishScene(_Step):
    """From `(path, units)` to the outcome of their scene."""

    def process(
        self, element: tuple[str, Iterable[_Unit]]
    ) -> Iterator[SceneOutcome]:
        units = list(element[1])
        job = units[0].job
        spent = sum(unit.seconds for unit in units)
        errors = [unit.error for unit in units if unit.error is not None]
        if errors:
            yield SceneOutcome(job, FAILED, spent, None, errors[0])
            return
        start = time.perf_counter()
        with self._held.lock, self._held.warnings.about(job.source):
            # All blocks are done: assemble the maps.
            outcome = attempt_job(self._held.model, job, self._work.options)
        seconds = spent + time.perf_counter() - start
        yield dataclasses.replace(outcome, seconds=seconds)


def _told(job: SceneJob, problem: Exception) -> str:
    """Log what is wrong with a scene, and return it as one line."""
    message, expected = error_line(problem)
    logger.error("%s failed: %s", job.source, message, exc_info=not expected)
    return message


@takes(BeamOptions)
def run_scenes(
    load_model: Callable[[], Any],
    jobs: Iterable[SceneJob],
    report: PathLike,
    pipeline_options: PipelineOptions | None = None,
    *,
    options: BeamOptions,
) -> SceneReport:
    """Predict maps of many scenes with a Beam pipeline, and wait for them.

    Args:
        load_model: callable without arguments that returns the model; see
            `PredictScenes`.
        jobs: list of `SceneJob`s, such as `list_scenes` returns. All paths
            must be in a file system that all machines share.
        report: path of a CSV file for the report, in the same file system;
            an existing one is replaced, except its rows about other maps.
        pipeline_options: `apache_beam` `PipelineOptions`: which runner, and
            how. Defaults to Beam's, which is this machine.
        options: keyword arguments for all scenes. A job's own override them.

    Returns:
        A `SceneReport`. Its seconds are those of all machines together.

    Raises:
        ValueError: if a file would be written twice.

    Example:

    ```python
    keras.utils.save_img("scene.png", np.zeros((8, 8, 3)))
    jobs = keras_rsseg.scenes.list_scenes(["scene.png"], "maps")

    # In place of functools.partial(keras_rsseg.from_preset, "name").
    def load():
        return lambda tiles: tiles / 25.0

    report = keras_rsseg.beam.run_scenes(
        load, jobs, "report.csv", tile_size=8
    )
    report.summary()  # "1 scene: 1 done"
    ```
    """
    # Workers may have a different working directory.
    jobs = [job.absolute() for job in jobs]
    options = options.changed({"area": absolute(options.area)})
    path = pathlib.Path(report).absolute()
    check_outputs(jobs)
    path.parent.mkdir(parents=True, exist_ok=True)
    _keep_others(path, jobs)
    with beam.Pipeline(options=pipeline_options) as pipeline:
        outcomes = (
            pipeline
            | "Scenes" >> beam.Create(jobs)
            | PredictScenes(load_model, **options.arguments(BeamOptions))
        )
        _ = outcomes | WriteReport(path, [job.destination for job in jobs])
    own = {str(job.destination) for job in jobs}
    return SceneReport(
        outcome
        for outcome in SceneReport.read(path).outcomes
        if str(outcome.job.destination) in own
    )


def _keep_others(path: pathlib.Path, jobs: list[SceneJob]) -> None:
    """Keep only a report's rows about other maps.

    Rows of an earlier run about these maps would be taken for this run's.
    """
    others = SceneReport(map(SceneOutcome, jobs)).others(path)
    path.unlink(missing_ok=True)
    if others:
        SceneReport(others).save(path)
