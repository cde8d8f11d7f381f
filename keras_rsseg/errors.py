"""What a caller may want to catch.

All of these are `ValueError`s: something that was given is wrong, and the
message says what, and what is accepted. Errors of the system keep their own
classes (`FileNotFoundError`, `FileExistsError`, `PermissionError`), and so do
wrong types (`TypeError`).
"""


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

    # TensorFlow makes the error of an input pipeline anew, with the place
    # added, for classes that it knows to be made from a text alone.
    __init__ = Exception.__init__


class ArgumentError(KerasRssegError):
    """An argument is out of range, or two do not go together."""


class RasterError(KerasRssegError):
    """A file is no raster, breaks off, or lacks what was asked of it."""


class SceneError(RasterError):
    """A scene, or the map made of one, cannot be read as asked."""


class MaskError(RasterError):
    """A mask does not fit its image, or holds ids or colours of no class."""


class DatasetError(KerasRssegError):
    """A data set lacks files, or its records are not as stated."""


class PresetError(KerasRssegError):
    """A preset cannot be had, read or published."""


class CheckpointError(KerasRssegError):
    """A released checkpoint does not fit the network it is converted to."""
