"""Predict maps of many scenes with one model, one after the other."""

import dataclasses
import logging
import pathlib
import sys
import time
from collections.abc import Callable
from collections.abc import Iterable
from typing import Any
from typing import ParamSpec
from typing import Protocol

from tqdm import tqdm

from keras_rsseg.options import takes
from keras_rsseg.scene_options import SceneOptions
from keras_rsseg.scene_options import ScenesOptions
from keras_rsseg.scenes.many.job_checks import check_drawings
from keras_rsseg.scenes.many.scene_job import SceneJob
from keras_rsseg.scenes.many.scene_job import check_outputs
from keras_rsseg.scenes.many.scene_report import DONE
from keras_rsseg.scenes.many.scene_report import FAILED
from keras_rsseg.scenes.many.scene_report import INTERRUPTED
from keras_rsseg.scenes.many.scene_report import SKIPPED
from keras_rsseg.scenes.many.scene_report import SceneOutcome
from keras_rsseg.scenes.many.scene_report import SceneReport
from keras_rsseg.scenes.many.scene_report import error_line
from keras_rsseg.scenes.many.scene_warnings import one_of_a_kind
from keras_rsseg.scenes.maps.attribute_table import write_attribute_table
from keras_rsseg.scenes.maps.polygons import write_polygons
from keras_rsseg.scenes.maps.preview import write_preview
from keras_rsseg.scenes.maps.qgis_style import write_qgis_style
from keras_rsseg.scenes.predict_scene import SceneResult
from keras_rsseg.scenes.predict_scene import predict_scene
from keras_rsseg.typing import PathLike

P = ParamSpec("P")

logger = logging.getLogger(__name__)


class ScenesInterrupted(KeyboardInterrupt):
    """`predict_scenes` was interrupted; its `report` says where."""

    def __init__(self, report: SceneReport) -> None:
        super().__init__("Some scenes are not finished")
        self.report = report


class PredictScenes(Protocol[P]):
    """`predict_scenes` as editors see it, with options `P`."""

    def __call__(
        self,
        model: Any,
        jobs: Iterable[SceneJob],
        report: PathLike | None = None,
        *args: P.args,
        **options: P.kwargs,
    ) -> SceneReport:
        """Predict maps of many scenes."""


def _takes(
    options: Callable[P, ScenesOptions],
) -> Callable[[Callable[..., SceneReport]], PredictScenes[P]]:
    return takes(options)


@_takes(ScenesOptions)
def predict_scenes(
    model: Any,
    jobs: Iterable[SceneJob],
    report: PathLike | None = None,
    *,
    options: ScenesOptions,
) -> SceneReport:
    """Predict maps of many scenes.

    If a scene fails, the report says why and the next scene begins. The
    report is written after each scene, so it survives whatever ends the run.
    A repeated warning is shown for the first scene only; the other scenes
    that had it are listed at the end.

    With `resume`, finished maps are kept if they were made with the same
    model and options from scenes that have not changed since, and an
    interrupted scene is resumed.

    Args:
        model: as for `predict_scene`.
        jobs: list of `SceneJob`s, such as `list_scenes` returns. Missing
            folders are created.
        report: path of a CSV file for the report, `None` for none; an
            existing one is replaced, except its rows about other maps.
        options: keyword arguments for all scenes. A job's own override them.

    Returns:
        A `SceneReport`.

    Raises:
        ValueError: if a file would be written twice.
        ScenesInterrupted: a `KeyboardInterrupt`, with the report.

    Example:

    ```python
    import pathlib

    pathlib.Path("flights").mkdir()
    for name in ("flights/a.png", "flights/b.png"):
        keras.utils.save_img(name, np.zeros((8, 8, 3)))

    # In place of keras_rsseg.from_preset(keras_rsseg.DEFAULT_PRESET).
    def model(tiles):
        return tiles / 25.0

    report = keras_rsseg.predict_scenes(
        model,
        keras_rsseg.scenes.list_scenes(["flights"], "maps"),
        "report.csv",
        tile_size=8,
        progress=False,
    )
    report.summary()  # "2 scenes: 2 done"
    ```
    """
    jobs = list(jobs)
    check_outputs(jobs)
    outcomes = SceneReport([SceneOutcome(job) for job in jobs])
    with one_of_a_kind(len(jobs) > 1) as warnings:
        for index, job in enumerate(jobs):
            if options.progress and len(jobs) > 1:
                line = f"[{index + 1}/{len(jobs)}] {job.source}"
                tqdm.write(line, file=sys.stderr)
            warnings.scene = job.source
            start = time.perf_counter()
            outcome = SceneOutcome(job, INTERRUPTED)
            try:
                outcome = attempt_job(model, job, options)
            except KeyboardInterrupt as error:
                raise ScenesInterrupted(outcomes) from error
            finally:
                seconds = time.perf_counter() - start
                outcome = dataclasses.replace(outcome, seconds=seconds)
                outcomes.outcomes[index] = outcome
                _save(outcomes, report)
    return outcomes


def predict_job(
    model: Any, job: SceneJob, options: ScenesOptions
) -> tuple[SceneResult, bool]:
    """Make the map of a scene, unless drawing it is bound to fail.

    Args:
        model: as for `predict_scene`.
        job: a `SceneJob`. Missing folders are created.
        options: options of all scenes; the job's own override them.

    Returns:
        `(result, is_new)`: a `SceneResult`, and whether the map was made
        now rather than found finished.
    """
    before = _identity(job.destination)
    for path in job.outputs():
        path.parent.mkdir(parents=True, exist_ok=True)
    check_drawings(job, options)
    arguments = options.changed(job.options).arguments(SceneOptions)
    result = predict_scene(model, job.source, job.destination, **arguments)
    return result, before is None or before != _identity(job.destination)


def draw_job(job: SceneJob, is_new: bool, options: ScenesOptions) -> None:
    """Write what derives from a finished map: style, tables, polygons, preview.

    Args:
        job: a `SceneJob`.
        is_new: whether the map was made now. If not, files newer than the
            map are kept and older ones replaced.
        options: options of all scenes.
    """
    overwrite = options.overwrite or not is_new
    if job.style:
        write_qgis_style(job.destination, overwrite=overwrite)
    if job.attribute_table:
        write_attribute_table(job.destination, overwrite=overwrite)
    if job.polygons and (is_new or not _is_newer(job.polygons, job)):
        write_polygons(
            job.destination,
            job.polygons,
            minimum_area=options.minimum_area,
            simplify=options.simplify,
            overwrite=overwrite,
        )
    if job.preview and (is_new or not _is_newer(job.preview, job)):
        write_preview(job.destination, job.preview, job.source)


def attempt_job(
    model: Any, job: SceneJob, options: ScenesOptions
) -> SceneOutcome:
    """Do everything for a scene, whatever goes wrong.

    Args:
        model: as for `predict_scene`.
        job: a `SceneJob`.
        options: options of all scenes.

    Returns:
        A `SceneOutcome`, without seconds.
    """
    result = None
    try:
        result, is_new = predict_job(model, job, options)
        draw_job(job, is_new, options)
    except Exception as error:
        message, expected = error_line(error)
        if result is not None:
            message = f"The map is finished, but the rest is not: {message}"
        logger.error(
            "%s failed: %s", job.source, message, exc_info=not expected
        )
        return SceneOutcome(job, FAILED, 0.0, result, message)
    return SceneOutcome(job, DONE if is_new else SKIPPED, 0.0, result)


def _is_newer(path: pathlib.Path, job: SceneJob) -> bool:
    made = job.destination.stat().st_mtime_ns
    return path.exists() and path.stat().st_mtime_ns >= made


def _identity(path: pathlib.Path) -> tuple[int, int, int] | None:
    """Values that change when a file is replaced; `None` if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def _save(outcomes: SceneReport, path: PathLike | None) -> None:
    """Write the report; a failure here must not stop the maps."""
    if path is None:
        return
    try:
        outcomes.save(pathlib.Path(path))
    except OSError as error:
        logger.error("The report %s cannot be written: %s", path, error)
