"""Check where a map comes from and goes to, before anything is computed."""

import os
import pathlib
import uuid

from keras_rsseg.scenes.scene_source import is_virtual
from keras_rsseg.scenes.scene_source import open_scene


def check_paths(source, destination, overwrite=False):
    """Raise what `predict_scene` would raise about its two files.

    Args:
        source: path or URL of the scene.
        destination: path of the map, `.tif` or `.tiff`.
        overwrite: whether an existing map may be replaced.

    Raises:
        FileNotFoundError: if the scene or the destination's folder does
            not exist.
        FileExistsError: if the destination exists and `overwrite` is false.
        PermissionError: if the destination's folder cannot be written.
        ValueError: if the scene is not a raster, the destination is the
            scene itself or a folder, or has another suffix.
    """
    with open_scene(source) as dataset:
        check_destination(destination, dataset, overwrite)


def check_destination(destination, dataset, overwrite=False):
    """Check the destination of a map; see `check_paths`.

    Args:
        destination: path of the map.
        dataset: the scene, an open rasterio dataset.
        overwrite: whether an existing map may be replaced.

    Returns:
        The destination as a `pathlib.Path`.
    """
    if is_virtual(os.fspath(destination)):
        raise ValueError(
            "`destination` must be a path of the local file system. "
            f"Received: {destination}"
        )
    path = pathlib.Path(destination)
    if path.suffix.lower() not in (".tif", ".tiff"):
        raise ValueError(
            "`destination` must end in .tif or .tiff: the map is a GeoTIFF. "
            f"Received: {path}"
        )
    if path.is_dir():
        raise ValueError(f"`destination` is a folder: {path}")
    if not path.parent.is_dir():
        raise FileNotFoundError(
            f"`destination`: there is no folder {path.parent}"
        )
    if path.exists():
        # All files of the scene: it may be a VRT made of several.
        if any(_is_same(path, name) for name in dataset.files):
            raise ValueError(
                f"`destination` is (a part of) the scene itself: {path}"
            )
        if not overwrite:
            raise FileExistsError(
                f"`destination` exists: {path}. Give `overwrite` (on the "
                "command line --overwrite) to replace it"
            )
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise PermissionError(
            f"`destination`: the folder {path.parent} cannot be written"
        )
    return path


def partial_path(destination):
    """Create an empty file beside `destination` and return its path.

    Creating it shows that the folder can be written. The name is hidden,
    and unique, so that two runs do not meet in one file.
    """
    name = f".{destination.name}.{uuid.uuid4().hex[:8]}.partial"
    path = destination.with_name(name)
    path.touch(exist_ok=False)
    return path


def _is_same(path, name):
    return os.path.exists(name) and os.path.samefile(path, name)
