"""Check a map's source and destination before anything is computed."""

import itertools
import os
import pathlib
from collections.abc import Mapping

import rasterio

from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import ArgumentTypeError
from keras_rsseg.files import link_target
from keras_rsseg.rasters.band_stack import open_source
from keras_rsseg.rasters.opener import is_path
from keras_rsseg.rasters.sources import is_virtual
from keras_rsseg.typing import PathLike


def check_paths(
    source: PathLike, destination: PathLike, overwrite: bool = False
) -> None:
    """Raise what `predict_scene` would raise about its two files.

    Args:
        source: path or URL of the scene.
        destination: path of the map, `.tif` or `.tiff`.
        overwrite: whether an existing map may be replaced.

    Raises:
        FileNotFoundError: if the scene or the destination's folder does
            not exist.
        FileExistsError: if the destination exists and `overwrite` is false.
        PermissionError: if the destination's folder is not writable.
        ValueError: if the scene is not a raster, the destination is the
            scene itself or a folder, or has another suffix.

    Example:

    ```python
    keras.utils.save_img("scene.png", np.zeros((8, 8, 3)))
    keras_rsseg.scenes.check_paths("scene.png", "classes.tif")
    ```
    """
    with open_source(source, "source") as dataset:
        check_destination(destination, dataset, overwrite)


def check_destinations(
    destinations: Mapping[str, PathLike | None],
    dataset: rasterio.DatasetReader,
    overwrite: bool = False,
) -> dict[str, pathlib.Path]:
    """Check the destinations of all rasters to write for a scene.

    Args:
        destinations: `{name of the argument: path}`; a path of `None` is
            left out.
        dataset: the scene, an open rasterio dataset.
        overwrite: whether existing files may be replaced.

    Returns:
        `{name of the argument: pathlib.Path}`.

    Raises:
        ValueError: if two are the same file; or as `check_destination`.
    """
    paths = {
        argument: check_destination(path, dataset, overwrite, argument)
        for argument, path in destinations.items()
        if path is not None
    }
    for one, other in itertools.combinations(paths, 2):
        if _are_same(paths[one], paths[other]):
            raise ArgumentError(
                f"`{one}` and `{other}` must be different files. Received: "
                f"{paths[one]}, {paths[other]}"
            )
    return paths


def check_destination(
    destination: PathLike,
    dataset: rasterio.DatasetReader,
    overwrite: bool = False,
    argument: str = "destination",
) -> pathlib.Path:
    """Check the destination of a map; see `check_paths`.

    Args:
        destination: path of the map.
        dataset: the scene, an open rasterio dataset.
        overwrite: whether an existing map may be replaced.
        argument: its name in errors.

    Returns:
        The destination as a `pathlib.Path`, with links resolved.
    """
    if not is_path(destination):
        raise ArgumentTypeError(
            f"`{argument}` must be a path. Received: "
            f"{type(destination).__name__}"
        )
    if is_virtual(os.fspath(destination)):
        raise ArgumentError(
            f"`{argument}` must be a path in the local file system. "
            f"Received: {destination}"
        )
    path = pathlib.Path(destination)
    if path.suffix.lower() not in (".tif", ".tiff"):
        raise ArgumentError(
            f"`{argument}` must end in .tif or .tiff: the map is a GeoTIFF. "
            f"Received: {path}"
        )
    path = link_target(path)
    if path.is_symlink():
        raise ArgumentError(f"`{argument}` is a link to itself: {path}")
    if path.is_dir():
        raise ArgumentError(f"`{argument}` is a folder: {path}")
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"`{argument}`: there is no folder {path.parent}"
        )
    if path.exists():
        # All files of the scene: it may be a VRT of several.
        if any(_are_same(path, name) for name in dataset.files):
            raise ArgumentError(
                f"`{argument}` is (a part of) the scene itself: {path}"
            )
        if not overwrite:
            raise FileExistsError(
                f"`{argument}` exists: {path}. Give `overwrite=True` to "
                "replace it"
            )
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise PermissionError(
            f"`{argument}`: the folder {path.parent} cannot be written to"
        )
    return path


def check_folder(folder: pathlib.Path) -> None:
    """Raise if a folder cannot be created or written to.

    Args:
        folder: `pathlib.Path`.

    Raises:
        NotADirectoryError: if it, or a folder above it, is a file.
        PermissionError: if it is not writable.
    """
    place = folder
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    if not place.is_dir():
        raise NotADirectoryError(f"{place} is a file, not a folder")
    if not os.access(place, os.W_OK | os.X_OK):
        raise PermissionError(f"The folder {place} cannot be written to")


def _are_same(path: PathLike, other: PathLike) -> bool:
    """Whether two paths are, or would be, the same file."""
    if os.path.exists(path) and os.path.exists(other):
        return os.path.samefile(path, other)
    return os.path.realpath(path) == os.path.realpath(other)
