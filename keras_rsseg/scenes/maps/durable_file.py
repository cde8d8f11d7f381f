"""Small files that appear whole, and stay."""

import contextlib
import os

from keras_rsseg.scenes.maps.scene_paths import partial_path


def write_durably(path, data):
    """Write a file that is whole on the disk when this returns, or absent.

    Args:
        path: `pathlib.Path` of the file; replaced if it exists.
        data: bytes.
    """
    partial = partial_path(path)
    try:
        with open(partial, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder):
    """Make renames in a folder durable, where the system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
