"""Which errors are the user's or the machine's, and which are ours."""

import errno

import numpy as np
import pytest
import rasterio
from rasterio.errors import CRSError
from rasterio.errors import RasterioIOError
from rasterio.errors import WindowError

from keras_rsseg import errors

NAMED = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, Exception)
]


@pytest.mark.parametrize("kind", NAMED)
def test_every_named_error_can_be_caught_as_one_and_as_before(kind):
    with pytest.raises(errors.KerasRssegError):
        raise kind("no")
    assert issubclass(kind, ValueError)
    assert errors.is_expected(kind("no"))
    assert str(kind("no")) == "no"


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError("there is no file a.tif"),
        FileExistsError("the map exists"),
        PermissionError(errno.EACCES, "Permission denied", "a.tif"),
        OSError(errno.ENOSPC, "No space left on device", "a.tif"),
        OSError("a.tif could not be written completely"),
        MemoryError(),
        RasterioIOError("a.tif: No such file or directory"),
        RasterioIOError("'/maps/a' not recognized as being in a format"),
        type("OutOfMemoryError", (RuntimeError,), {})("CUDA out of memory"),
        RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 4 bytes."),
    ],
)
def test_files_disks_and_memory_are_not_our_fault(error):
    assert errors.is_expected(error)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("operands could not be broadcast"),
        KeyError("weights"),
        TypeError("not callable"),
        AssertionError(),
        ImportError("cannot import name"),
        RasterioIOError("Read failed. See previous exception for details."),
        CRSError("no CRS"),
        WindowError("outside"),
    ],
)
def test_everything_else_is(error):
    assert not errors.is_expected(error)


def test_what_the_libraries_raise(tmp_path):
    """Check the errors that libraries actually raise."""
    text = tmp_path / "notes.tif"
    text.write_text("not a raster")
    with pytest.raises(RasterioIOError) as caught:
        rasterio.open(text)
    assert errors.is_expected(caught.value)
    with pytest.raises(OSError) as caught:
        (tmp_path / "no" / "file").write_bytes(b"")
    assert errors.one_line(caught.value) == (
        f"{tmp_path / 'no' / 'file'}: No such file or directory"
    )
    with pytest.raises(ValueError) as caught:
        np.zeros(2) + np.zeros(3)
    assert not errors.is_expected(caught.value)


@pytest.mark.parametrize(
    "error, line",
    [
        (ValueError("  two\n  lines \n"), "two lines"),
        (MemoryError(), "MemoryError"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (OSError(28, "Disk full", "a.tif"), "a.tif: Disk full"),
        (FileNotFoundError("there is no file a.tif"), "there is no file a.tif"),
    ],
)
def test_one_line(error, line):
    assert errors.one_line(error) == line
