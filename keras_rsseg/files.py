"""Files that appear whole, and stay."""

import contextlib
import os
import pathlib
import uuid
from collections.abc import Iterator


def write_durably(path: str | os.PathLike, data: bytes) -> None:
    """Write a file that is whole on the disk when this returns, or absent.

    A crash in the middle leaves what was there before.

    Args:
        path: path of the file; replaced if it exists.
        data: what it shall hold, bytes or a buffer.

    Raises:
        OSError: if it cannot be written.
    """
    path = pathlib.Path(path)
    partial = partial_path(path)
    try:
        with naming(path):
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


@contextlib.contextmanager
def naming(path: str | os.PathLike) -> Iterator[None]:
    """Name a file in an error of the system that names none.

    A disk that is full, or a quota, is found out where bytes are written:
    the system says that, but not of which file.

    Args:
        path: path of the file that is written.
    """
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno is not None:
            error.filename = os.fspath(path)
        raise


def replace_durably(
    source: str | os.PathLike, destination: str | os.PathLike
) -> None:
    """Put a finished file in the place of another, and make that last.

    Args:
        source: path of the file, in the same file system.
        destination: the path that it gets; replaced if it exists.

    Raises:
        OSError: if it cannot be moved.
    """
    sync_file(source)
    os.replace(source, destination)
    sync_folder(pathlib.Path(destination).parent)


def partial_path(destination: pathlib.Path) -> pathlib.Path:
    """Create an empty file beside `destination` and return its path.

    Creating it shows that the folder can be written. The name is hidden,
    and unique, so that two runs do not meet in one file.

    Args:
        destination: path of the file that it will become.
    """
    name = f".{destination.name}.{uuid.uuid4().hex[:8]}.partial"
    path = destination.with_name(name)
    path.touch(exist_ok=False)
    return path


def sync_file(path: str | os.PathLike) -> None:
    """Make what was written to a file durable.

    Args:
        path: path of the file.

    Raises:
        OSError: if what was written did not reach the disk.
    """
    with naming(path), open(path, "rb+") as file:
        os.fsync(file.fileno())


def sync_folder(folder: str | os.PathLike) -> None:
    """Make renames in a folder durable, where the system can.

    Args:
        folder: path of the folder.
    """
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
