"""Predict maps of many scenes with one model, one after the other."""

import dataclasses
import logging
import pathlib
import sys
import time

from tqdm import tqdm

from keras_rsseg.scenes.many.scene_list import check_outputs
from keras_rsseg.scenes.many.scene_report import DONE
from keras_rsseg.scenes.many.scene_report import FAILED
from keras_rsseg.scenes.many.scene_report import INTERRUPTED
from keras_rsseg.scenes.many.scene_report import SKIPPED
from keras_rsseg.scenes.many.scene_report import SceneOutcome
from keras_rsseg.scenes.many.scene_report import SceneReport
from keras_rsseg.scenes.many.scene_report import error_line
from keras_rsseg.scenes.maps.polygons import write_polygons
from keras_rsseg.scenes.maps.preview import write_preview
from keras_rsseg.scenes.maps.qgis_style import write_qgis_style
from keras_rsseg.scenes.predict_scene import predict_scene

logger = logging.getLogger(__name__)


class ScenesInterrupted(KeyboardInterrupt):
    """`predict_scenes` was interrupted; its attribute `report` says where."""

    def __init__(self, report):
        super().__init__("Some scenes are not done")
        self.report = report


def predict_scenes(
    model,
    jobs,
    *,
    report=None,
    minimum_area=0.0,
    simplify=0.0,
    resume=False,
    overwrite=False,
    progress=True,
    **options,
):
    """Predict maps of many scenes.

    What goes wrong with a scene is reported, and the next one begins. The
    report is on the disk after each of them, whatever ends the run.

    With `resume`, maps that a run before finished with the same model and
    options, of scenes that have not changed since, are left as they are; a
    scene that it left in the middle is gone on with.

    Args:
        model: as for `predict_scene`.
        jobs: list of `SceneJob`s, such as `list_scenes` returns. Folders
            that they lack are made.
        report: path of a CSV file for the report, `None` for none; replaced
            if it exists.
        minimum_area: patches below so many square metres go to their
            neighbours, see `write_polygons`.
        simplify: metres of the corners that polygons may lose.
        resume: whether to go on with an earlier run.
        overwrite: whether existing files may be replaced.
        progress: whether to tell on stderr what is being done.
        **options: arguments of `predict_scene` for all scenes. A job's own
            come first.

    Returns:
        A `SceneReport`.

    Raises:
        ValueError: if files would be written twice.
        ScenesInterrupted: a `KeyboardInterrupt`, with the report.

    Example:

    ```python
    model = keras_rsseg.from_preset(keras_rsseg.DEFAULT_PRESET)
    jobs = keras_rsseg.scenes.list_scenes(["flights/2024"], "maps")
    report = keras_rsseg.predict_scenes(model, jobs, report="report.csv")
    print(report.to_text())
    ```
    """
    jobs = list(jobs)
    check_outputs(jobs)
    outcomes = SceneReport([SceneOutcome(job) for job in jobs])
    options = {
        **options,
        "resume": resume,
        "overwrite": overwrite,
        "progress": progress,
    }
    outlines = {"minimum_area": minimum_area, "simplify": simplify}
    for index, job in enumerate(jobs):
        if progress and len(jobs) > 1:
            line = f"[{index + 1}/{len(jobs)}] {job.source}"
            tqdm.write(line, file=sys.stderr)
        start = time.perf_counter()
        outcome = SceneOutcome(job, INTERRUPTED)
        try:
            outcome = attempt_job(model, job, options, outlines)
        except KeyboardInterrupt as error:
            raise ScenesInterrupted(outcomes) from error
        finally:
            seconds = time.perf_counter() - start
            outcome = dataclasses.replace(outcome, seconds=seconds)
            outcomes.outcomes[index] = outcome
            _save(outcomes, report)
    return outcomes


def predict_job(model, job, **options):
    """Make the map of a scene.

    Args:
        model: as for `predict_scene`.
        job: a `SceneJob`. Folders that it lacks are made.
        **options: arguments of `predict_scene`; the job's own come first.

    Returns:
        `(result, is_new)`: a `SceneResult`, and whether the map was made
        now, not found finished.
    """
    before = _identity(job.destination)
    for path in job.outputs():
        path.parent.mkdir(parents=True, exist_ok=True)
    options = {**options, **job.options}
    result = predict_scene(model, job.source, job.destination, **options)
    return result, before is None or before != _identity(job.destination)


def draw_job(job, is_new, *, minimum_area=0.0, simplify=0.0, overwrite=False):
    """Make what is made of a finished map: style, polygons, preview.

    Args:
        job: a `SceneJob`.
        is_new: whether the map was made now. If not, what is younger than
            the map stays as it is, and what is older is replaced.
        minimum_area: see `predict_scenes`.
        simplify: see `predict_scenes`.
        overwrite: whether existing files may be replaced.
    """
    overwrite = overwrite or not is_new
    if job.style:
        write_qgis_style(job.destination, overwrite=overwrite)
    if job.polygons and (is_new or not _is_newer(job.polygons, job)):
        write_polygons(
            job.destination,
            job.polygons,
            minimum_area=minimum_area,
            simplify=simplify,
            overwrite=overwrite,
        )
    if job.preview and (is_new or not _is_newer(job.preview, job)):
        write_preview(job.destination, job.preview, job.source)


def attempt_job(model, job, options, outlines):
    """Do all for a scene, whatever goes wrong with it.

    Args:
        model: as for `predict_scene`.
        job: a `SceneJob`.
        options: dict of arguments of `predict_scene`, with `overwrite`.
        outlines: dict of `minimum_area` and `simplify`.

    Returns:
        A `SceneOutcome`, without seconds.
    """
    result = None
    try:
        result, is_new = predict_job(model, job, **options)
        draw_job(job, is_new, overwrite=options["overwrite"], **outlines)
    except Exception as error:
        message, expected = error_line(error)
        if result is not None:
            message = f"The map is finished, but not all else: {message}"
        logger.error(
            "%s failed: %s", job.source, message, exc_info=not expected
        )
        return SceneOutcome(job, FAILED, 0.0, result, message)
    return SceneOutcome(job, DONE if is_new else SKIPPED, 0.0, result)


def _is_newer(path, job):
    made = job.destination.stat().st_mtime_ns
    return path.exists() and path.stat().st_mtime_ns >= made


def _identity(path):
    """What changes when a file is replaced; `None` for no file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def _save(outcomes, path):
    """Write the report; what is wrong with it must not stop the maps."""
    if path is None:
        return
    try:
        outcomes.save(pathlib.Path(path))
    except OSError as error:
        logger.error("The report %s cannot be written: %s", path, error)
