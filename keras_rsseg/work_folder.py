"""A hidden folder beside a file, in which one run makes it."""

import contextlib
import os
import pathlib
import re
from collections.abc import Collection
from collections.abc import Iterator

import filelock

from keras_rsseg.errors import AlreadyRunningError
from keras_rsseg.files import hidden_path

LOCK = "lock"
_ATTEMPTS = 5


class WorkFolder:
    """A hidden folder of one run at a time.

    It survives whatever ends the run; the next one finds what is left in it.
    Only files with names of its own are ever deleted: someone may have put
    others there.

    Args:
        path: `pathlib.Path` of the folder.
        destination: path of what is made in it, for errors.
        names: regular expression of the names of its files.
    """

    def __init__(
        self, path: pathlib.Path, destination: pathlib.Path, names: str
    ) -> None:
        self.path = path
        self._destination = destination
        self._names = re.compile(names)
        self._lock: filelock.BaseFileLock

    def acquire(self) -> None:
        """Create the folder, or enter the one that an earlier run left.

        Raises:
            AlreadyRunningError: if another run is in it.
            NotADirectoryError: if a link or a file has its name.
        """
        for _ in range(_ATTEMPTS):
            with contextlib.suppress(FileExistsError):
                self.path.mkdir()
            self._check_kind()
            lock = filelock.FileLock(self.path / LOCK, thread_local=False)
            try:
                lock.acquire(timeout=0)
            except filelock.Timeout:
                break
            except (FileNotFoundError, FileExistsError):
                # The earlier run is just removing the folder.
                continue
            self._lock = lock
            return
        raise AlreadyRunningError(
            f"Another run is writing {self._destination}: its folder "
            f"{self.path} is locked. Wait until it has finished, or end it; "
            "then `resume=True` continues with what it has done"
        )

    def check_free(self) -> None:
        """Raise if another run is in it; leave it as it is.

        Raises:
            AlreadyRunningError: if there is one.
            NotADirectoryError: if a link or a file has the folder's name.
        """
        self._check_kind()
        if not (self.path / LOCK).exists():
            return
        self.acquire()
        self.release()

    def empty(self, keep: Collection[str] = ()) -> None:
        """Remove what is left in it of a run, except these names."""
        for path in list(self.path.iterdir()):
            if path.name not in keep and self._names.fullmatch(path.name):
                path.unlink()

    def release(self) -> None:
        """Leave the folder, and remove it if nothing is kept in it."""
        with contextlib.suppress(OSError):
            if set(os.listdir(self.path)) <= {LOCK}:
                # Still locked: whoever waits for it sees that it is gone.
                (self.path / LOCK).unlink()
        self._lock.release()
        with contextlib.suppress(OSError):
            self.path.rmdir()

    def _check_kind(self) -> None:
        for path in (self.path, self.path / LOCK):
            if path.is_symlink():
                raise NotADirectoryError(
                    f"{path} is a link. What it leads to may not belong to "
                    "this package: remove the link, and start again"
                )
        if self.path.exists() and not self.path.is_dir():
            raise NotADirectoryError(
                f"{self.path} is a file; a folder of this name is needed to "
                f"make {self._destination}"
            )


@contextlib.contextmanager
def working_folder(
    destination: pathlib.Path, names: str
) -> Iterator[pathlib.Path]:
    """Yield a hidden folder beside a file; nothing in it is kept.

    What a killed run left there is removed first.

    Args:
        destination: path of the file.
        names: regular expression of the names of files in the folder.
    """
    folder = hidden_path(destination, ".writing")
    work = WorkFolder(folder, destination, names)
    work.acquire()
    try:
        work.empty()
        yield folder
    finally:
        work.empty()
        work.release()
