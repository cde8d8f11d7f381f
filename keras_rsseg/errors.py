"""What a caller may want to catch.

All of these are `ValueError`s: something that was given is wrong, and the
message says what, and what is accepted. System errors keep their own classes
(`FileNotFoundError`, `FileExistsError`, `PermissionError`), and so do wrong
types (`TypeError`).
"""

import re
import sys


class KerasRssegError(ValueError):
    """Base of the package's own errors.

    Example:

    ```python
    try:
        keras_rsseg.from_preset("no_such_preset")
    except keras_rsseg.errors.KerasRssegError as error:
        print(error)
    ```
    """

    # TensorFlow re-creates the error of an input pipeline, with its place
    # added, for classes that it knows to take only a text.
    __init__ = Exception.__init__


class ArgumentError(KerasRssegError):
    """An argument is out of range, or two do not go together."""


class ArgumentTypeError(ArgumentError, TypeError):
    """An argument is of a kind that is not accepted."""


class AlreadyRunningError(KerasRssegError, RuntimeError):
    """Another run is writing the same file."""


class RasterError(KerasRssegError):
    """A file is not a raster, is truncated, or lacks what was asked for."""


class SceneError(RasterError):
    """A scene, or the map made of one, cannot be read as asked."""


class MaskError(RasterError):
    """A mask does not fit its image, or holds ids or colours of no class."""


class DatasetError(KerasRssegError):
    """A data set lacks files, or its records are not as stated."""


class MissingFilesError(DatasetError, FileNotFoundError):
    """Files of a data set are not where they were looked for."""


class PresetError(KerasRssegError):
    """A preset cannot be obtained, read or published."""


class ExportError(KerasRssegError):
    """A model cannot be exported, or its file gives different results."""


class CheckpointError(KerasRssegError):
    """A released checkpoint does not fit the network it is converted to."""


class MissingPackageError(KerasRssegError, ImportError):
    """What was asked for needs a package that is not installed."""


# By name, so that no framework is loaded for an error of another one.
_OUT_OF_MEMORY = ("OutOfMemoryError", "ResourceExhaustedError")
_FILE = re.compile(r"\S/\S|\w\.\w")


def is_expected(error: BaseException) -> bool:
    """Return whether an error comes from the input or from the machine.

    These are the package's own errors, those of the system (a file that is
    missing, in the way or not writable, a full disk) and running out of
    memory. Everything else, including a `ValueError` of NumPy or Keras, is a
    fault of this package, which should have checked before. So is an error
    of rasterio that names no file.

    Args:
        error: an exception.

    Example:

    ```python
    keras_rsseg.errors.is_expected(FileNotFoundError("no scene.tif"))  # True
    keras_rsseg.errors.is_expected(ValueError("shapes differ"))  # False
    ```
    """
    # rasterio's errors are looked up only if it was loaded.
    rasterio = sys.modules.get("rasterio.errors")
    if rasterio is not None and isinstance(error, rasterio.RasterioIOError):
        return _FILE.search(str(error)) is not None
    if isinstance(error, KerasRssegError | OSError | MemoryError):
        return True
    return type(
        error
    ).__name__ in _OUT_OF_MEMORY or "RESOURCE_EXHAUSTED" in str(error)


def one_line(error: BaseException) -> str:
    """Return what an error says, in one line.

    Args:
        error: an exception.

    Example:

    ```python
    full = OSError(28, "No space left on device", "map.tif")
    keras_rsseg.errors.one_line(full)  # "map.tif: No space left on device"
    ```
    """
    message = str(error)
    if isinstance(error, OSError) and error.strerror:
        message = error.strerror
        if error.filename is not None:
            message = f"{error.filename}: {message}"
    return " ".join(message.split()) or type(error).__name__
