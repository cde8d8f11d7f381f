"""Writing files atomically and durably, and naming those that are missing."""

import contextlib
import difflib
import errno
import itertools
import os
import pathlib
import re
import shutil
import uuid
import zlib
from collections.abc import Iterator

# Bytes of a name, of 255 in all, that leave room for what GDAL adds to it.
_LONGEST_NAME = 230
# Most names of a folder to compare with one that is not in it.
_COMPARED = 10_000


def write_durably(path: str | os.PathLike, data: bytes) -> None:
    """Write a file that is complete on disk when this returns, or absent.

    A crash in the middle leaves what was there before.

    Args:
        path: path of the file; replaced if it exists. A link stays, and
            what it points to is written.
        data: its content, bytes or a buffer.

    Raises:
        OSError: if it cannot be written.
    """
    path = link_target(path)
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
    """Name a file in a system error that names none.

    A full disk or quota is noticed when bytes are written: the system says
    so, but not for which file.

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
    """Replace a file by a finished one, durably.

    Args:
        source: path of the file, in the same file system.
        destination: its new path; replaced if it exists. A link
            stays, and what it points to is replaced.

    Raises:
        OSError: if it cannot be moved.
    """
    destination = link_target(destination)
    sync_file(source)
    os.replace(source, destination)
    sync_folder(destination.parent)


def partial_path(destination: pathlib.Path) -> pathlib.Path:
    """Create an empty file beside `destination` and return its path.

    Creating it shows that the folder can be written. The name is hidden,
    and unique, so that two runs do not write to one file.

    Args:
        destination: path of the file that it will become.
    """
    path = hidden_path(destination, f".{uuid.uuid4().hex[:8]}.partial")
    path.touch(exist_ok=False)
    return path


def hidden_path(path: pathlib.Path, ending: str) -> pathlib.Path:
    """Return a hidden path beside another, `.NAME` and an ending.

    Args:
        path: the other one. A name that is too long to extend is cut.
        ending: what the name ends in.

    Example:

    ```python
    import pathlib
    from keras_rsseg.files import hidden_path

    hidden_path(pathlib.Path("map.tif"), ".blocks").name  # '.map.tif.blocks'
    ```
    """
    name = os.fsencode(path.name)
    room = _LONGEST_NAME - len(os.fsencode(ending))
    if len(name) > room:
        check = f"~{zlib.crc32(name):08x}"
        cut = name[: room - len(check)].decode("utf-8", "ignore")
        return path.with_name(f".{cut}{check}{ending}")
    return path.with_name(f".{path.name}{ending}")


def remove_partials(path: str | os.PathLike) -> None:
    """Remove what killed runs left unfinished of a file or folder.

    Call it only while no other run can write there.

    Args:
        path: its path. What is left lies beside it and, for files in a
            folder, in it, with names such as `.card.json.1a2b3c4d.partial`.

    Example:

    ```python
    import pathlib
    from keras_rsseg.files import remove_partials

    pathlib.Path(".map.tif.0123abcd.partial").touch()
    remove_partials("map.tif")
    list(pathlib.Path().iterdir())  # []
    ```
    """
    path = link_target(path)
    if path.is_dir():
        _remove_partials(path, r"\..+")
    if path.parent.is_dir():
        ending = f".{'0' * 8}.partial"
        name = hidden_path(path, ending).name.removesuffix(ending)
        _remove_partials(path.parent, re.escape(name))


def _remove_partials(folder: pathlib.Path, start: str) -> None:
    pattern = re.compile(rf"{start}\.[0-9a-f]{{8}}\.partial")
    for path in list(folder.iterdir()):
        if not pattern.fullmatch(path.name):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            remove_file(path)


def check_free(path: pathlib.Path, overwrite: bool) -> None:
    """Raise if a file is in the way of one to write.

    Args:
        path: path of the one to write.
        overwrite: whether an existing file may be replaced; a folder may not.

    Raises:
        FileExistsError: if it exists.
    """
    if path.is_dir() or (path.exists() and not overwrite):
        raise FileExistsError(
            f"{path} exists. Give `overwrite=True` to replace it"
        )


def link_target(path: str | os.PathLike) -> pathlib.Path:
    """Return the path of the file that a link points to, existing or not.

    Args:
        path: path of a link; any other path is returned as it is.
    """
    path = pathlib.Path(path)
    return pathlib.Path(os.path.realpath(path)) if path.is_symlink() else path


def remove_file(path: pathlib.Path) -> None:
    """Remove a file, if it is there.

    Args:
        path: path of the file. A name that is too long has none.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise


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
    """Make renames in a folder durable, if the system can.

    Args:
        folder: path of the folder.
    """
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def no_file(path: str | os.PathLike) -> str:
    """Return what to say about a missing file.

    Args:
        path: its path.

    Returns:
        A text such as "there is no file harbor.tif. Did you mean
        harbour.tif?", with a name that is nearly the same if there is one.

    Example:

    ```python
    import pathlib
    from keras_rsseg.files import no_file

    pathlib.Path("harbour.tif").touch()
    no_file("harbor.tif")
    # "there is no file harbor.tif. Did you mean harbour.tif?"
    ```
    """
    near = _near(os.fspath(path))
    text = f"there is no file {os.fspath(path)}"
    return f"{text}. Did you mean {near}?" if near else text


def _near(path: str) -> str | None:
    """An existing path that differs by a slip in one name."""
    home = os.path.expanduser(path)
    if home != path and os.path.exists(home):
        return home
    folder, rest = path, ""
    while folder and not os.path.isdir(folder):
        folder, name = os.path.split(folder)
        rest = os.path.join(name, rest) if rest else name
    name, _, below = rest.partition(os.sep)
    try:
        with os.scandir(folder or os.curdir) as entries:
            listed = [
                entry.name for entry in itertools.islice(entries, _COMPARED)
            ]
    except OSError:
        return None
    names = {each.casefold(): each for each in sorted(listed, reverse=True)}
    for each in difflib.get_close_matches(name.casefold(), names, 3, 0.75):
        found = os.path.join(folder, names[each])
        if not below:
            return found
        if os.path.exists(os.path.join(found, below)):
            return os.path.join(found, below)
    return None
