"""Check many scenes and where their maps go, before a model is loaded."""

import contextlib
import os

from keras_rsseg.scenes.many.scene_list import check_outputs
from keras_rsseg.scenes.pictures.preview import check_preview
from keras_rsseg.scenes.pictures.qgis_style import check_qgis_style
from keras_rsseg.scenes.reading.scene_source import is_virtual
from keras_rsseg.scenes.reading.scene_source import open_scene
from keras_rsseg.scenes.vectors.polygons import check_polygons
from keras_rsseg.scenes.writing.scene_paths import check_destination

_SHOWN = 8


def check_scenes(jobs, overwrite=False, resume=False, make_folders=True):
    """Find what is wrong with the files of some scenes.

    A file that is missing or in the way is an error of the request. One
    that is no raster, or damaged, is that scene's own: others need not wait.

    Args:
        jobs: list of `SceneJob`s.
        overwrite: whether existing files may be replaced.
        resume: whether maps may have been finished before.
        make_folders: whether folders that are missing will be made.

    Returns:
        `{index of a job: message}`, the scenes that cannot be read.

    Raises:
        FileNotFoundError: if a named scene does not exist.
        FileExistsError: if a file to write exists, without `overwrite` and
            `resume`.
        PermissionError: if a folder cannot be written.
        ValueError: if files would be written twice or over a scene, have a
            wrong suffix, for several of these errors, or if no scene can be
            read.

    Example:

    ```python
    jobs = list_scenes(["flights"], "maps")
    unreadable = check_scenes(jobs)
    ```
    """
    check_outputs(jobs)
    errors, unreadable = [], {}
    for index, job in enumerate(jobs):
        try:
            message = _check_scene(job, overwrite, resume, make_folders)
        except (OSError, ValueError) as error:
            errors.append(error)
            continue
        if message is not None:
            unreadable[index] = message
    if len(errors) == 1:
        raise errors[0]
    if errors:
        more = len(errors) - _SHOWN
        raise ValueError(
            f"{len(errors)} of {len(jobs)} scenes cannot be done:\n"
            + "\n".join(map(str, errors[:_SHOWN]))
            + (f"\nand {more} more" if more > 0 else "")
        )
    if len(unreadable) == len(jobs):
        raise ValueError("\n".join(list(unreadable.values())[:_SHOWN]))
    return unreadable


def check_folder(folder):
    """Raise where a folder cannot be written, or made.

    Args:
        folder: `pathlib.Path`.

    Raises:
        NotADirectoryError: if it, or what should hold it, is a file.
        PermissionError: if it cannot be written.
    """
    place = folder
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    if not place.is_dir():
        raise NotADirectoryError(f"{place} is a file, not a folder")
    if not os.access(place, os.W_OK | os.X_OK):
        raise PermissionError(f"The folder {place} cannot be written")


def _check_scene(job, overwrite, resume, make_folders):
    """Raise what is wrong with the request, return what with the scene."""
    if not is_virtual(job.source) and not os.path.exists(job.source):
        raise FileNotFoundError(f"`source`: there is no file {job.source}")
    with contextlib.ExitStack() as stack:
        try:
            dataset = stack.enter_context(open_scene(job.source))
        except ValueError as error:
            return str(error)
        for path in job.rasters():
            with _missing_folder(path, make_folders):
                check_destination(path, dataset, overwrite or resume)
    # Only beside a map of before lies what was made of it.
    replace = overwrite or (resume and job.destination.exists())
    if job.polygons is not None:
        with _missing_folder(job.polygons, make_folders):
            check_polygons(job.polygons, replace)
    if job.style:
        with _missing_folder(job.destination, make_folders):
            check_qgis_style(job.destination, replace)
    if job.preview is not None:
        with _missing_folder(job.preview, make_folders):
            check_preview(job.preview)
    return None


@contextlib.contextmanager
def _missing_folder(path, made):
    """A folder that is missing is no error where it can be made."""
    try:
        yield
    except FileNotFoundError:
        if not made or path.parent.is_dir():
            raise
        check_folder(path.parent)
