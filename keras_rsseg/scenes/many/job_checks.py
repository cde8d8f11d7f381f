"""What is wrong with a scene's job, found before its map is made."""

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

# Of a model that does not state one.
_BYTES = (0.0, 255.0)


def drawing_checks(
    job: SceneJob, options: ScenesOptions
) -> Iterator[tuple[pathlib.Path, Callable[[], object]]]:
    """Yield the checks of the files that are drawn from a finished map.

    Args:
        job: a `SceneJob`.
        options: those of all scenes.

    Yields:
        `(path, check)`; the check raises what is wrong with the path.
    """
    # Only beside a map of before lies what was made of it.
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
    """Raise what would go wrong when the finished map is drawn.

    Args:
        job: a `SceneJob`; its folders exist.
        options: those of all scenes; the job's own come first.

    Raises:
        OSError, ValueError: as what draws it.
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
    """Raise where polygons need a place that the scene does not have.

    Args:
        dataset: the scene, opened by `open_as`.
        job: its `SceneJob`.
        options: those of the scene.

    Raises:
        ArgumentError: if it has none.
    """
    if job.polygons is not None:
        sized = bool(options.minimum_area or options.simplify)
        check_grid(dataset, pathlib.Path(job.polygons), sized)


def check_reading(
    dataset: DatasetReader, model: Any, options: SceneOptions
) -> None:
    """Raise where a model could not take a scene.

    What costs a reading of the whole scene is left to the run.

    Args:
        dataset: the scene, opened by `open_as`.
        model: what has the attributes of a model; it is not called.
        options: those of the scene.

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
    """Keep back warnings: the run will tell them."""
    logger = logging.getLogger("keras_rsseg")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
