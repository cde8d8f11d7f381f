"""Files that break off where GDAL's drivers do not notice.

Most drivers fail where they come to the end of a file too early. These take
what is missing for zeros, or for the end of a list: PCIDSK, PCRaster, classic
netCDF, the databases GeoPackage and MBTiles, and TIFF for whatever stands in
its last directories, which may be the mask. Each of their files says how long
it is.
"""

import os
import struct
from collections.abc import Callable
from typing import BinaryIO

import numpy as np
from rasterio.enums import MaskFlags
from rasterio.io import DatasetReader

# Where the pixels of a PCRaster map begin, bytes.
_PCRASTER_HEADER = 256
_PCIDSK_BLOCK = 512
# Bytes of a value of netCDF's types 1 (byte) to 11 (64 bits, unsigned).
_NETCDF_SIZES = (0, 1, 1, 2, 4, 4, 8, 1, 2, 4, 8, 8)
_NETCDF_VARIABLES = 11


def find_missing(dataset: DatasetReader, path: str) -> str | None:
    """Say what a raster's file lacks that reading it would not tell.

    Args:
        dataset: the raster, opened.
        path: its path; only files of the local file system are looked at.

    Returns:
        What is missing, in words, or `None`.
    """
    if not os.path.isfile(path):
        return None
    if os.path.isfile(f"{path}.msk") and not any(
        MaskFlags.per_dataset in flags for flags in dataset.mask_flag_enums
    ):
        return f"its mask {path}.msk cannot be read"
    extent_of = _EXTENTS.get(dataset.driver)
    if extent_of is None:
        return None
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        try:
            extent = extent_of(file, dataset)
        except (struct.error, IndexError):
            # Its header alone is longer than what is there.
            return f"it breaks off at byte {size}, in its header"
    if size < extent:
        return f"it breaks off at byte {size} of {extent}"
    return None


def _tiff_extent(file: BinaryIO, dataset: DatasetReader) -> int:
    """Bytes up to the end of the directory that lies furthest back."""
    del dataset
    order = {b"II": "<", b"MM": ">"}.get(file.read(2))
    if order is None:
        return 0
    (version,) = _unpack(file, f"{order}H")
    big = version == 43
    if big:
        file.seek(8)
    count_format, link_format, entry = ("Q", "Q", 20) if big else ("H", "I", 12)
    size = os.fstat(file.fileno()).st_size
    (place,) = _unpack(file, f"{order}{link_format}")
    extent, seen = 0, set()
    while place and place not in seen:
        seen.add(place)
        if place >= size:
            return place + 1
        file.seek(place)
        (count,) = _unpack(file, f"{order}{count_format}")
        file.seek(count * entry, os.SEEK_CUR)
        extent = max(extent, file.tell() + struct.calcsize(link_format))
        if extent > size:
            return extent
        (place,) = _unpack(file, f"{order}{link_format}")
    return extent


def _pcidsk_extent(file: BinaryIO, dataset: DatasetReader) -> int:
    """The length that the header states in blocks, as text."""
    del dataset
    file.seek(16)
    blocks = file.read(16).strip()
    return int(blocks) * _PCIDSK_BLOCK if blocks.isdigit() else 0


def _pcraster_extent(file: BinaryIO, dataset: DatasetReader) -> int:
    """Rows one after the other behind a header of fixed size."""
    del file
    value = np.dtype(dataset.dtypes[0]).itemsize
    return _PCRASTER_HEADER + dataset.height * dataset.width * value


def _sqlite_extent(file: BinaryIO, dataset: DatasetReader) -> int:
    """Pages, as the header of a database counts them."""
    del dataset
    file.seek(16)
    (page,) = _unpack(file, ">H")
    file.seek(24)
    changes, count = _unpack(file, ">II")
    file.seek(92)
    (valid_for,) = _unpack(file, ">I")
    # Old versions of SQLite do not keep the count.
    return count * (65536 if page == 1 else page) * (changes == valid_for)


def _netcdf_extent(file: BinaryIO, dataset: DatasetReader) -> int:
    """Bytes up to the end of the variable that lies furthest back."""
    del dataset
    magic = file.read(4)
    if magic[:3] != b"CDF":
        # The newer format is HDF5, which looks itself.
        return 0
    return _NetcdfHeader(file, version=magic[3]).extent()


class _NetcdfHeader:
    """The header of a classic netCDF file, read from its begin."""

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
            # Of a single variable, records are not padded to four bytes.
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
    """The largest number of a format, which says that none were counted."""
    return (1 << 8 * struct.calcsize(form)) - 1


_EXTENTS: dict[str, Callable[[BinaryIO, DatasetReader], int]] = {
    "GTiff": _tiff_extent,
    "PCIDSK": _pcidsk_extent,
    "PCRaster": _pcraster_extent,
    "GPKG": _sqlite_extent,
    "MBTiles": _sqlite_extent,
    "netCDF": _netcdf_extent,
}
