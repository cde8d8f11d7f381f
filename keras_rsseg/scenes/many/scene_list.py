"""Turn files, folders, patterns and manifests into scenes and their maps."""

import contextlib
import glob
import os
import pathlib
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any

from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import MissingPackageError
from keras_rsseg.errors import SceneError
from keras_rsseg.errors import one_line
from keras_rsseg.files import no_file
from keras_rsseg.options import takes
from keras_rsseg.rasters.opener import listed
from keras_rsseg.rasters.opener import opens
from keras_rsseg.rasters.output_files import is_own
from keras_rsseg.rasters.sources import absolute_source
from keras_rsseg.rasters.sources import is_virtual
from keras_rsseg.rasters.sources import missing_file
from keras_rsseg.rasters.sources import plain_name
from keras_rsseg.scene_options import ScenesOptions
from keras_rsseg.scenes.many.job_checks import check_place
from keras_rsseg.scenes.many.job_checks import check_reading
from keras_rsseg.scenes.many.job_checks import drawing_checks
from keras_rsseg.scenes.many.scene_folders import KNOWN
from keras_rsseg.scenes.many.scene_folders import find_rasters
from keras_rsseg.scenes.many.scene_folders import real_place
from keras_rsseg.scenes.many.scene_job import SceneJob
from keras_rsseg.scenes.many.scene_job import check_outputs
from keras_rsseg.scenes.many.scene_manifest import is_manifest
from keras_rsseg.scenes.many.scene_manifest import read_manifest
from keras_rsseg.scenes.maps.block_store import check_not_running
from keras_rsseg.scenes.maps.map_products import check_destination
from keras_rsseg.scenes.maps.map_products import check_folder
from keras_rsseg.scenes.reading.scene_file import open_as
from keras_rsseg.typing import PathLike

_SHOWN_PROBLEMS = 8


def list_scenes(
    sources: Iterable[PathLike] | PathLike, output: PathLike | None = None
) -> list[SceneJob]:
    """Find scenes, and name their maps.

    A source is one of:

    - a file or URL: its map is `output`/name.tif.
    - a folder, or a pattern such as `"2024/**/*.jp2"`: all rasters in it,
      with their sub-folders kept for the maps. Files that are hidden, not
      rasters by their suffix, maps of this package, pictures beside an image
      of the same name, or in `output` are skipped.
    - a manifest, see `read_manifest`: its column `output` is relative to
      `output`. Its scenes need not exist.

    Args:
        sources: list of paths, URLs or patterns, or one of these.
        output: folder of the maps. Defaults to the manifest's.

    Returns:
        List of `SceneJob`s. A scene named twice is listed once.

    Raises:
        FileNotFoundError: if a file does not exist, a pattern matches
            nothing, or a folder has no rasters.
        ValueError: if scenes would share a map, or `output` is missing.

    Example:

    ```python
    import pathlib

    pathlib.Path("flights/2024").mkdir(parents=True)
    pathlib.Path("flights/2024/north.jp2").touch()
    jobs = keras_rsseg.scenes.list_scenes(["flights"], "maps")
    str(jobs[0].destination)  # 'maps/2024/north.tif'
    ```
    """
    if isinstance(sources, str | os.PathLike):
        sources = [sources]
    names = [os.fspath(source) for source in sources]
    _check_exist(names)
    if len(names) > 1:
        names = [name for name in names if not _is_made_again(name, output)]
    jobs: dict[tuple[str, str], SceneJob] = {}
    for name in names:
        for scene, destination, options in _expand(name, output):
            place = real_place(scene) if os.path.exists(scene) else scene
            place = absolute_source(place)
            job = SceneJob(scene, pathlib.Path(destination), options)
            jobs.setdefault((place, os.path.abspath(destination)), job)
    found = list(jobs.values())
    if not found:
        raise ArgumentError("`sources` names no scenes")
    check_outputs(found)
    return found


def is_several(source: str) -> bool:
    """Return whether a source is a folder, a pattern or a manifest."""
    return (
        (os.path.isdir(source) and not opens(source))
        or is_manifest(source)
        or (
            glob.has_magic(source)
            and missing_file(source) is not None
            and not is_virtual(source)
        )
    )


def _check_exist(sources: list[str]) -> None:
    """Raise if files given by name do not exist."""
    files = (missing_file(name) for name in sources if not is_several(name))
    missing = [path for path in files if path is not None]
    if missing:
        more = len(missing) - _SHOWN_PROBLEMS
        raise FileNotFoundError(
            "`source`: "
            + "; ".join(map(no_file, missing[:_SHOWN_PROBLEMS]))
            + (f"; and {more} more" if more > 0 else "")
        )


def _is_made_again(source: str, output: PathLike | None) -> bool:
    """Whether a file is a map that the shell's `*` listed with the scenes."""
    if output is None or is_several(source) or is_virtual(source):
        return False
    made = os.path.join(output, _map_name(plain_name(source)))
    return real_place(made) == real_place(source) and is_own(source)


def _expand(
    source: str, output: PathLike | None
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield `(scene, destination, options)` for each scene of a source."""
    if is_manifest(source):
        folder = os.path.dirname(source) if output is None else output
        for scene, name, options in read_manifest(source):
            name = name or _map_name(plain_name(scene))
            yield scene, os.path.join(folder, name), options
        return
    if output is None:
        raise ArgumentError(
            "`output` must be a folder for the maps, but is missing"
        )
    if is_several(source):
        for path, name in find_rasters(source, output):
            yield path, os.path.join(output, _map_name(name)), {}
    else:
        yield source, os.path.join(output, _map_name(plain_name(source))), {}


def _map_name(name: str) -> str:
    stem, suffix = os.path.splitext(name)
    return (stem if suffix.lower() in KNOWN else name) + ".tif"


@takes(ScenesOptions)
def check_scenes(
    jobs: list[SceneJob],
    make_folders: bool = True,
    model: Any = None,
    *,
    options: ScenesOptions,
) -> dict[int, str]:
    """Find what is wrong with some scenes, before a model is loaded.

    A file in the way of a map, or another run making the map, is an error of
    the whole request. A scene that is missing, damaged, not a raster, or
    unsuitable for the model does not hold up the others.

    Args:
        jobs: list of `SceneJob`s.
        make_folders: whether missing folders will be created.
        model: any object with the attributes of the model, not called;
            without it, scenes are not compared with it.
        options: keyword arguments for all scenes. A job's own override them.

    Returns:
        `{index of a job: message}` for the scenes that cannot be done.

    Raises:
        FileExistsError: if a file to write exists, without `overwrite` and
            `resume`.
        PermissionError: if a folder cannot be written to.
        AlreadyRunningError: if another run is making one of the maps.
        ValueError: if files would be written twice or over a scene, or have a
            wrong suffix; for several of these errors; or if no scene can be
            done.

    Example:

    ```python
    from keras_rsseg.scenes.many.scene_list import check_scenes

    keras.utils.save_img("scene.png", np.zeros((8, 8, 3)))
    jobs = keras_rsseg.scenes.list_scenes(["scene.png"], "maps")
    check_scenes(jobs)  # {}
    ```
    """
    check_outputs(jobs)
    errors: dict[int, Exception] = {}
    unreadable: dict[int, str] = {}
    for index, job in enumerate(jobs):
        try:
            message = _check_scene(job, options, model, make_folders)
        except MissingPackageError:
            # The same of all scenes.
            raise
        except (OSError, ValueError) as error:
            errors[index] = error
            continue
        if message is not None:
            unreadable[index] = message
    if len(errors) == 1 and not unreadable:
        raise next(iter(errors.values()))
    if errors:
        every = {**errors, **unreadable}
        problems = {i: str(every[i]) for i in sorted(every)}
        raise ArgumentError(
            f"{len(problems)} of {len(jobs)} scenes cannot be done:\n"
            + _first_lines(problems, jobs)
        )
    if len(unreadable) == len(jobs):
        raise SceneError(_first_lines(unreadable, jobs))
    return unreadable


def _first_lines(problems: dict[int, str], jobs: list[SceneJob]) -> str:
    """A line for each kind of problem, with the scenes concerned."""
    kinds: dict[str, list[int]] = {}
    for index, problem in problems.items():
        kind = problem.replace(jobs[index].source, "")
        kinds.setdefault(kind, []).append(index)
    lines = []
    for first, *others in kinds.values():
        names = [jobs[index].source for index in others]
        also = f". Also for {listed(names)}" if names else ""
        lines.append(problems[first] + also)
    more = len(lines) - _SHOWN_PROBLEMS
    shown = lines[:_SHOWN_PROBLEMS]
    return "\n".join([*shown, f"and {more} more"] if more > 0 else shown)


def _check_scene(
    job: SceneJob, options: ScenesOptions, model: Any, make_folders: bool
) -> str | None:
    """Raise errors of the request, return those of the scene."""
    with contextlib.ExitStack() as stack:
        try:
            given = options.changed(job.options)
            dataset = stack.enter_context(open_as(job.source, given))
        except (OSError, ValueError) as error:
            return one_line(error)
        replace = options.overwrite or options.resume
        for path in job.rasters():
            with _missing_folder(path, make_folders):
                check_destination(path, dataset, replace)
        for path, check in drawing_checks(job, options):
            with _missing_folder(path, make_folders):
                check()
        check_not_running(job.destination)
        try:
            check_place(dataset, job, given)
            if model is not None:
                check_reading(dataset, model, given)
        except MissingPackageError:
            # The same of all scenes.
            raise
        except (OSError, ValueError) as error:
            return one_line(error)
    return None


@contextlib.contextmanager
def _missing_folder(path: pathlib.Path, made: bool) -> Iterator[None]:
    """Ignore a missing folder if it will be created."""
    try:
        yield
    except FileNotFoundError:
        if not made or path.parent.is_dir():
            raise
        check_folder(path.parent)
