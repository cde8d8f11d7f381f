"""Truncated files that GDAL's drivers do not notice.

Most drivers fail when a file ends too early. These take what is missing as
zeros, or as the end of a list: PCIDSK, PCRaster, classic netCDF, the databases
GeoPackage and MBTiles, and TIFF for what its last directories hold, which may
be the mask. Their files all state their own length. Raw formats such as ENVI
do not, but have as many bytes as their pixels take.

Not noticed: a cut in the last number of a text (AAIGrid, XYZ), a missing end
of a raw file that is no longer than the header in it, and raw files that a
virtual raster is made of.
"""

import functools
import os
import struct
from collections.abc import Callable
from typing import BinaryIO

import numpy as np
from rasterio.enums import MaskFlags
from rasterio.io import DatasetReader

from keras_rsseg.rasters.tiff_directories import DamagedIndexError
from keras_rsseg.rasters.tiff_directories import tiff_extent

# Drivers of formats that hold nothing but pixels and a header.
_RAW = frozenset(
    "EHdr ENVI ERS GTX ISCE ISIS2 ISIS3 PAux PDS4 ROI_PAC VICAR".split()
)
# Unless one of these marks them, or a file that belongs to them.
_PACKED_TAGS = {"COMPRESS", "COMPRESSION", "NBITS"}
_PACKED_SUFFIXES = (".gz", ".tif", ".tiff", ".zip")
# Where the pixels of a PCRaster map begin, bytes.
_PCRASTER_HEADER = 256
_PCIDSK_BLOCK = 512
# Bytes of a value of netCDF's types 1 (byte) to 11 (64 bits, unsigned).
_NETCDF_SIZES = (0, 1, 1, 2, 4, 4, 8, 1, 2, 4, 8, 8)
_NETCDF_VARIABLES = 11


def find_missing(dataset: DatasetReader, path: str) -> str | None:
    """Return what a raster's files lack that reading them would not show.

    Args:
        dataset: the raster, opened.
        path: its path. Only local files are checked, including those that a
            virtual raster is made of.

    Returns:
        What is missing, in words, or `None`.
    """
    if os.path.isfile(f"{path}.msk") and not any(
        MaskFlags.per_dataset in flags for flags in dataset.mask_flag_enums
    ):
        return f"its mask {path}.msk cannot be read"
    if dataset.driver in _RAW:
        return _find_missing_pixels(dataset)
    sources = dataset.files if dataset.driver == "VRT" else ()
    for file in dict.fromkeys([path, *sources]):
        if os.path.isfile(file):
            status = os.stat(file)
            size = status.st_size
            try:
                extent = _extent(file, size, status.st_mtime_ns)
            except DamagedIndexError as error:
                return f"{file} is damaged, {error}"
            if size < extent:
                return f"{file} is truncated at byte {size}"
    return None


def _find_missing_pixels(dataset: DatasetReader) -> str | None:
    files = [file for file in dataset.files if os.path.isfile(file)]
    if not files or _is_packed(dataset, files):
        return None
    value = sum(np.dtype(dtype).itemsize for dtype in dataset.dtypes)
    pixels = dataset.height * dataset.width * value
    file = max(files, key=os.path.getsize)
    size = os.path.getsize(file)
    if size < pixels:
        return f"{file} has {size} bytes, but its pixels alone take {pixels}"
    return None


def _is_packed(dataset: DatasetReader, files: list[str]) -> bool:
    """Whether pixels may take fewer bytes than their dtype."""
    said = {*dataset.tags(ns="IMAGE_STRUCTURE")}
    said |= {*dataset.tags(1, ns="IMAGE_STRUCTURE")}
    return (
        bool(said & _PACKED_TAGS)
        or dataset.tags(ns="ENVI").get("file_compression") == "1"
        or any(file.lower().endswith(_PACKED_SUFFIXES) for file in files)
    )


# A mosaic is opened for each window, and may have thousands of sources.
@functools.lru_cache(maxsize=1 << 16)
def _extent(path: str, size: int, changed: int) -> int:
    """Fewest bytes that a file of this size and age should have."""
    del changed
    with open(path, "rb") as file:
        begin = file.read(_LONGEST)
        for magic, extent_of in _EXTENTS.items():
            if begin.startswith(magic):
                file.seek(0)
                try:
                    return extent_of(file)
                except (struct.error, IndexError):
                    # Its header alone is longer than the file.
                    return size + 1
    return 0


def _pcidsk_extent(file: BinaryIO) -> int:
    """The length that the header states in blocks, as text."""
    file.seek(16)
    blocks = file.read(16).strip()
    return int(blocks) * _PCIDSK_BLOCK if blocks.isdigit() else 0


def _pcraster_extent(file: BinaryIO) -> int:
    """Consecutive rows after a header of fixed size."""
    file.seek(46)
    order = "<" if file.read(4) == b"\1\0\0\0" else ">"
    file.seek(66)
    (kind,) = _unpack(file, f"{order}H")
    file.seek(100)
    height, width = _unpack(file, f"{order}II")
    # Two bits of the number that stands for the values' type are their size.
    return _PCRASTER_HEADER + (height * width << (kind & 3))


def _sqlite_extent(file: BinaryIO) -> int:
    """Pages, as the header of a database counts them."""
    file.seek(16)
    (page,) = _unpack(file, ">H")
    file.seek(24)
    changes, count = _unpack(file, ">II")
    file.seek(92)
    (valid_for,) = _unpack(file, ">I")
    # Old versions of SQLite do not keep the count.
    return count * (65536 if page == 1 else page) * (changes == valid_for)


def _netcdf_extent(file: BinaryIO) -> int:
    """Bytes up to the end of the last variable in the file."""
    (version,) = file.read(4)[3:]
    return _NetcdfHeader(file, version).extent()


class _NetcdfHeader:
    """The header of a classic netCDF file, read from its start."""

    def __init__(self, file: BinaryIO, version: int):
        self._file = file
        self._count = ">Q" if version == 5 else ">I"
        self._place = ">I" if version == 1 else ">Q"

    def extent(self) -> int:
        records = self._number()
        lengths = self._dimensions()
        self._attributes()
        (tag,), count = _unpack(self._file, ">I"), self._number()
        ends, growing = [0], []
        for _ in range(count if tag == _NETCDF_VARIABLES else 0):
            size, place, grows = self._variable(lengths)
            if grows:
                growing.append((size, place))
            else:
                ends.append(place + size)
        if growing and 0 < records < _largest(self._count):
            # The records of a single variable are not padded to four bytes.
            step = sum(-(-size // 4) * 4 for size, _ in growing)
            step = growing[0][0] if len(growing) == 1 else step
            ends.append(max(map(sum, growing)) + step * (records - 1))
        return max(ends)

    def _variable(self, lengths: list[int]) -> tuple[int, int, bool]:
        """Bytes (of one record), place, and whether it has records."""
        self._skip(self._number())
        shape = [lengths[self._number()] for _ in range(self._number())]
        self._attributes()
        (kind,) = _unpack(self._file, ">I")
        self._number()
        (place,) = _unpack(self._file, self._place)
        grows = bool(shape) and shape[0] == 0
        size = _NETCDF_SIZES[kind]
        for length in shape[grows:]:
            size *= length
        return size, place, grows

    def _dimensions(self) -> list[int]:
        _unpack(self._file, ">I")
        lengths = []
        for _ in range(self._number()):
            self._skip(self._number())
            lengths.append(self._number())
        return lengths

    def _attributes(self) -> None:
        _unpack(self._file, ">I")
        for _ in range(self._number()):
            self._skip(self._number())
            (kind,) = _unpack(self._file, ">I")
            self._skip(self._number() * _NETCDF_SIZES[kind])

    def _number(self) -> int:
        return _unpack(self._file, self._count)[0]

    def _skip(self, size: int) -> None:
        """Pass over something that is padded to four bytes."""
        self._file.seek(-(-size // 4) * 4, os.SEEK_CUR)


def _unpack(file: BinaryIO, form: str) -> tuple[int, ...]:
    return struct.unpack(form, file.read(struct.calcsize(form)))


def _largest(form: str) -> int:
    """The largest number of a format, which means not counted."""
    return (1 << 8 * struct.calcsize(form)) - 1


# By what a file begins with.
_EXTENTS: dict[bytes, Callable[[BinaryIO], int]] = {
    b"II*\0": tiff_extent,
    b"MM\0*": tiff_extent,
    b"II+\0": tiff_extent,
    b"MM\0+": tiff_extent,
    b"PCIDSK": _pcidsk_extent,
    b"RUU CROSS SYSTEM MAP FORMAT": _pcraster_extent,
    b"SQLite format 3\0": _sqlite_extent,
    b"CDF\1": _netcdf_extent,
    b"CDF\2": _netcdf_extent,
    b"CDF\5": _netcdf_extent,
}
_LONGEST = max(map(len, _EXTENTS))
