"""From files, folders, patterns and manifests to scenes and their maps."""

import contextlib
import glob
import logging
import os
import pathlib
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any

from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import MissingPackageError
from keras_rsseg.rasters.band_stack import open_source
from keras_rsseg.rasters.opener import opens
from keras_rsseg.rasters.sources import absolute_source
from keras_rsseg.rasters.sources import is_virtual
from keras_rsseg.rasters.sources import missing_file
from keras_rsseg.rasters.sources import plain_name
from keras_rsseg.scenes.many.scene_job import SceneJob
from keras_rsseg.scenes.many.scene_job import check_outputs
from keras_rsseg.scenes.many.scene_manifest import read_manifest
from keras_rsseg.scenes.maps.polygons import check_polygons
from keras_rsseg.scenes.maps.preview import check_preview
from keras_rsseg.scenes.maps.qgis_style import check_qgis_style
from keras_rsseg.scenes.maps.scene_paths import check_destination
from keras_rsseg.scenes.maps.scene_paths import check_folder
from keras_rsseg.typing import PathLike

logger = logging.getLogger(__name__)

# What is taken for a scene in a folder; what may hold anything, and is taken
# if GDAL finds a raster in it; and what else a map's name leaves out.
_SUFFIXES = frozenset(
    ".asc .bil .bip .bmp .bsq .ecw .gif .hgt .img .j2k .jp2 .jpeg .jpg .kea "
    ".nitf .ntf .pix .png .sid .tif .tiff .vrt .webp".split()
)
_CONTAINERS = frozenset({".gpkg", ".mbtiles", ".zarr"})
_KNOWN = _SUFFIXES | _CONTAINERS | {".h5", ".hdf", ".nc", ".safe"}
_SHOWN = 5
_SHOWN_PROBLEMS = 8


def list_scenes(
    sources: Iterable[PathLike], output: PathLike | None = None
) -> list[SceneJob]:
    """Find scenes, and name their maps.

    A source is one of:

    - a file or URL: its map is `output`/name.tif.
    - a folder, or a pattern such as `"2024/**/*.jp2"`: all rasters in it,
      whose maps keep its sub-folders. What is hidden, no raster by its
      suffix, or lies in `output`, is passed over.
    - a manifest, see `read_manifest`: its column `output` is relative to
      `output`.

    Args:
        sources: list of paths, URLs, patterns.
        output: folder of the maps. Defaults to the manifest's.

    Returns:
        List of `SceneJob`s. A scene that was named twice is in it once.

    Raises:
        FileNotFoundError: if a file, or what matches a pattern, does not
            exist, or a folder holds no raster.
        ValueError: if scenes would have one map, or `output` is missing.

    Example:

    ```python
    import pathlib

    pathlib.Path("flights/2024").mkdir(parents=True)
    pathlib.Path("flights/2024/north.jp2").touch()
    jobs = keras_rsseg.scenes.list_scenes(["flights"], "maps")
    str(jobs[0].destination)  # 'maps/2024/north.tif'
    ```
    """
    jobs: dict[tuple[str, str], SceneJob] = {}
    for source in sources:
        for scene, destination, options in _expand(os.fspath(source), output):
            place = absolute_source(scene)
            job = SceneJob(scene, pathlib.Path(destination), options)
            jobs.setdefault((place, os.path.abspath(destination)), job)
    found = list(jobs.values())
    if not found:
        raise ArgumentError("`sources` names no scene")
    check_outputs(found)
    return found


def is_several(source: str) -> bool:
    """Return whether a source is a folder, a pattern or a manifest."""
    return (
        (os.path.isdir(source) and not opens(source))
        or _is_manifest(source)
        or (
            glob.has_magic(source)
            and missing_file(source) is not None
            and not is_virtual(source)
        )
    )


def _is_manifest(source: str) -> bool:
    return source.lower().endswith(".csv") and not is_virtual(source)


def _expand(
    source: str, output: PathLike | None
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield `(scene, destination, options)` for each scene of a source."""
    if _is_manifest(source):
        folder = os.path.dirname(source) if output is None else output
        for scene, name, options in read_manifest(source):
            name = name or _map_name(plain_name(scene))
            yield scene, os.path.join(folder, name), options
        return
    if output is None:
        raise ArgumentError(
            "`output` must be a folder for the maps, is missing"
        )
    if not is_several(source):
        missing = missing_file(source)
        if missing is not None:
            raise FileNotFoundError(f"`source`: there is no file {missing}")
        yield source, os.path.join(output, _map_name(plain_name(source))), {}
        return
    if os.path.isdir(source):
        top, suffix, paths = source, "", list(_walk(source))
    else:
        top, suffix = _fixed_part(source), os.path.splitext(source)[1]
        paths = sorted(glob.glob(source, recursive=True))
    # Maps of a run before are no scenes.
    paths = [path for path in paths if not _is_inside(path, output, top)]
    for path in _rasters(source, paths, suffix):
        name = _map_name(os.path.relpath(path, top))
        yield path, os.path.join(output, name), {}


def _walk(folder: str) -> Iterator[str]:
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name[0] != ".")
        rasters = [name for name in folders if opens(os.path.join(place, name))]
        folders[:] = [name for name in folders if name not in rasters]
        for name in sorted(files + rasters):
            if name[0] != ".":
                yield os.path.join(place, name)


def _is_inside(path: PathLike, output: PathLike, top: PathLike) -> bool:
    """Whether a path lies in `output`, a folder within `top`."""
    folder, above = os.path.abspath(output), os.path.abspath(top)
    return folder.startswith(above + os.sep) and (
        os.path.abspath(path).startswith(folder + os.sep)
    )


def _rasters(source: str, paths: Iterable[str], suffix: str) -> list[str]:
    """Those of some paths that are rasters; a line tells of others."""
    named = suffix and not glob.has_magic(suffix)
    taken: list[str] = []
    others: list[str] = []
    for path in paths:
        if os.path.isdir(path) and not opens(path):
            continue
        (taken if named or _is_raster(path) else others).append(path)
    if others:
        more = len(others) - _SHOWN
        logger.warning(
            "Passed over in %s, no rasters by their suffix: %s%s",
            source,
            ", ".join(map(os.path.basename, others[:_SHOWN])),
            f" and {more} more" if more > 0 else "",
        )
    if not taken:
        raise FileNotFoundError(f"There is no raster in {source}")
    return taken


def _is_raster(path: str) -> bool:
    """Whether a file or a folder is a raster, by its suffix if that tells."""
    suffix = os.path.splitext(path)[1].lower()
    if suffix in _SUFFIXES:
        return True
    if suffix in _CONTAINERS or os.path.isdir(path):
        return opens(path)
    # ENVI's files may have any suffix, or none: a header lies beside.
    headers = (path + ".hdr", os.path.splitext(path)[0] + ".hdr")
    beside = suffix != ".hdr" and any(map(os.path.isfile, headers))
    return beside and opens(path)


def _fixed_part(pattern: str) -> str:
    """The folder of a pattern, up to its first wildcard."""
    parts = pathlib.Path(pattern).parts[:-1]
    magic = [bool(glob.has_magic(part)) for part in parts] + [True]
    return os.path.join("", *parts[: magic.index(True)])


def _map_name(name: str) -> str:
    stem, suffix = os.path.splitext(name)
    return (stem if suffix.lower() in _KNOWN else name) + ".tif"


def check_scenes(
    jobs: list[SceneJob],
    overwrite: bool = False,
    resume: bool = False,
    make_folders: bool = True,
) -> dict[int, str]:
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
    from keras_rsseg.scenes.many.scene_list import check_scenes

    keras.utils.save_img("scene.png", np.zeros((8, 8, 3)))
    jobs = keras_rsseg.scenes.list_scenes(["scene.png"], "maps")
    check_scenes(jobs)  # {}
    ```
    """
    check_outputs(jobs)
    errors: list[Exception] = []
    unreadable: dict[int, str] = {}
    for index, job in enumerate(jobs):
        try:
            message = _check_scene(job, overwrite, resume, make_folders)
        except MissingPackageError:
            # The same of all scenes.
            raise
        except (OSError, ValueError) as error:
            errors.append(error)
            continue
        if message is not None:
            unreadable[index] = message
    if len(errors) == 1:
        raise errors[0]
    if errors:
        more = len(errors) - _SHOWN_PROBLEMS
        raise ArgumentError(
            f"{len(errors)} of {len(jobs)} scenes cannot be done:\n"
            + "\n".join(map(str, errors[:_SHOWN_PROBLEMS]))
            + (f"\nand {more} more" if more > 0 else "")
        )
    if len(unreadable) == len(jobs):
        raise ArgumentError(
            "\n".join(list(unreadable.values())[:_SHOWN_PROBLEMS])
        )
    return unreadable


def _check_scene(
    job: SceneJob, overwrite: bool, resume: bool, make_folders: bool
) -> str | None:
    """Raise what is wrong with the request, return what with the scene."""
    missing = missing_file(job.source)
    if missing is not None:
        raise FileNotFoundError(f"`source`: there is no file {missing}")
    with contextlib.ExitStack() as stack:
        try:
            dataset = stack.enter_context(open_source(job.source, "source"))
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
def _missing_folder(path: pathlib.Path, made: bool) -> Iterator[None]:
    """A folder that is missing is no error where it can be made."""
    try:
        yield
    except FileNotFoundError:
        if not made or path.parent.is_dir():
            raise
        check_folder(path.parent)
