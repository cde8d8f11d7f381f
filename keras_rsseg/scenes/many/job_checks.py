"""Find what is wrong with a scene's job before its map is made."""

import contextlib
import functools
import logging
import pathlib
import warnings
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

from rasterio.io import DatasetReader

from keras_rsseg.option_values import as_percentages
from keras_rsseg.rasters.validity import BORDER
from keras_rsseg.scene_options import SceneOptions
from keras_rsseg.scene_options import ScenesOptions
from keras_rsseg.scenes.many.scene_job import SceneJob
from keras_rsseg.scenes.maps.attribute_table import check_attribute_table
from keras_rsseg.scenes.maps.polygon_files import check_polygons
from keras_rsseg.scenes.maps.polygons import check_grid
from keras_rsseg.scenes.maps.preview import check_preview
from keras_rsseg.scenes.maps.qgis_style import check_qgis_style
from keras_rsseg.scenes.predicting.scene_run import open_reader
from keras_rsseg.scenes.predicting.scene_run import told_by
from keras_rsseg.scenes.reading.scene_file import open_as

# The range of a model that does not state one.
_BYTES = (0.0, 255.0)


def drawing_checks(
    job: SceneJob, options: ScenesOptions
) -> Iterator[tuple[pathlib.Path, Callable[[], object]]]:
    """Yield the checks of the files drawn from a finished map.

    Args:
        job: a `SceneJob`.
        options: options of all scenes.

    Yields:
        `(path, check)`; the check raises an error if the path is wrong.
    """
    # Files made from an earlier map exist only beside it.
    replace = options.overwrite or (options.resume and job.destination.exists())
    if job.polygons is not None:
        check = functools.partial(check_polygons, job.polygons, replace)
        yield job.polygons, check
    if job.style:
        style = functools.partial(check_qgis_style, job.destination, replace)
        yield job.destination, style
    if job.attribute_table:
        table = functools.partial(
            check_attribute_table, job.destination, replace
        )
        yield job.destination, table
    if job.preview is not None:
        yield job.preview, functools.partial(check_preview, job.preview)


def check_drawings(job: SceneJob, options: ScenesOptions) -> None:
    """Raise the errors that drawing the finished map would raise.

    Args:
        job: a `SceneJob`; its folders exist.
        options: options of all scenes; the job's own override them.

    Raises:
        OSError, ValueError: as the drawing functions.
    """
    for _, check in drawing_checks(job, options):
        check()
    if job.polygons is not None:
        given = options.changed(job.options)
        with open_as(job.source, given) as dataset:
            check_place(dataset, job, given)


def check_place(
    dataset: DatasetReader, job: SceneJob, options: ScenesOptions
) -> None:
    """Raise if polygons need a place that the scene does not have.

    Args:
        dataset: the scene, opened by `open_as`.
        job: its `SceneJob`.
        options: the scene's options.

    Raises:
        ArgumentError: if it has none.
    """
    if job.polygons is not None:
        sized = bool(options.minimum_area or options.simplify)
        check_grid(dataset, pathlib.Path(job.polygons), sized)


def check_reading(
    dataset: DatasetReader, model: Any, options: SceneOptions
) -> None:
    """Raise if a model cannot take a scene.

    Checks that would read the whole scene are left to the run.

    Args:
        dataset: the scene, opened by `open_as`.
        model: any object with the attributes of a model; it is not called.
        options: the scene's options.

    Raises:
        ValueError: as `predict_scene` before its model runs.
    """
    facts, _, _ = told_by(model, options)
    cheaper: dict[str, Any] = {}
    if options.nodata == BORDER:
        cheaper["nodata"] = None
    if as_percentages(options.value_range) is not None:
        cheaper["value_range"] = facts.value_range or _BYTES
    with _silence():
        open_reader(dataset, facts, options.changed(cheaper))


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Suppress warnings, which the run will show."""
    logger = logging.getLogger("keras_rsseg")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
