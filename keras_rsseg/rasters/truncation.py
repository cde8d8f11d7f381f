"""Truncated files that GDAL's drivers do not notice.

Most drivers fail when a file ends too early. These take what is missing as
zeros, or as the end of a list: PCIDSK, PCRaster, classic netCDF, the databases
GeoPackage and MBTiles, and TIFF for what its last directories hold, which may
be the mask. Their files all state their own length. Raw formats such as ENVI
do not, but have as many bytes as their pixels take.

Not noticed: a cut in the last number of a text (AAIGrid, XYZ), a missing end
of a raw file that is no longer than the header in it, and raw files that a
virtual raster is made of.

GDAL shows no data where the index of a TIFF lacks a block, as never written: a
scene with an unreadable index would become an empty map.
"""

import functools
import os
import struct
from collections.abc import Callable
from collections.abc import Iterator
from typing import BinaryIO
from typing import NamedTuple

import numpy as np
from rasterio.enums import MaskFlags
from rasterio.io import DatasetReader

from keras_rsseg.errors import RasterError

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
# Bytes of a value of each of TIFF's types.
_TIFF_SIZES = {
    **{1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8},
    **{11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8},
}
_INTEGERS = {1: "u1", 3: "u2", 4: "u4", 13: "u4", 16: "u8", 18: "u8"}
# Tags of the blocks' offsets and lengths, for strips and for tiles.
_STRIPS, _TILES = (273, 279), (324, 325)
_WIDTH, _HEIGHT, _SAMPLES, _STRIP_ROWS, _PLANES = 256, 257, 277, 278, 284
_TILE_WIDTH, _TILE_HEIGHT = 322, 323
# Tags up to here say how to read the pixels. So do GDAL's own, those that give
# a place, and polynomials; any others, such as EXIF, may be damaged.
_LAST_OF_TIFF = 699
_OTHERS = frozenset(
    (33550, 33922, 34264, 34735, 34736, 34737, 42112, 42113, 50844)
)
_ONE_PER_BAND = 2


def find_missing(dataset: DatasetReader, path: str) -> str | None:
    """Return what a raster's files lack that reading them would not show.

    Args:
        dataset: the raster, opened.
        path: its path. Only local files are checked, also those of a VRT.

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


def _largest(form: str) -> int:
    """The largest number of a format, which means not counted."""
    return (1 << 8 * struct.calcsize(form)) - 1


class DamagedIndexError(RasterError):
    """The index of a TIFF's blocks cannot be read."""


class _Entry(NamedTuple):
    """A tag: its type, number of values, and where these lie."""

    kind: int
    length: int
    place: int

    @property
    def end(self) -> int:
        return self.place + _TIFF_SIZES.get(self.kind, 0) * self.length


def tiff_extent(file: BinaryIO) -> int:
    """Return where the last directory or tag value of a TIFF file ends.

    Args:
        file: the file, at its start.

    Raises:
        DamagedIndexError: if an index lists fewer blocks than there are, or
            offsets without lengths.
        struct.error: if it ends within a directory.
    """
    size = os.fstat(file.fileno()).st_size
    extent = 0
    for entries, end, order in _directories(file, size):
        values = max(
            (entry.end for tag, entry in entries.items() if _counts(tag)),
            default=0,
        )
        extent = max(extent, end, values)
        if extent > size:
            break
        _check_index(file, entries, order)
    return extent


def _directories(
    file: BinaryIO, size: int
) -> Iterator[tuple[dict[int, _Entry], int, str]]:
    """Yield each directory's tags, its end, and the order of bytes."""
    order = "<" if file.read(2) == b"II" else ">"
    (version,) = _unpack(file, f"{order}H")
    big = version == 43
    if big:
        file.seek(8)
    number, link = ("Q", "Q") if big else ("H", "I")
    # A value no longer than a link is stored in the entry itself.
    form = f"{order}HH{link}"
    room = struct.calcsize(f"{order}{link}")
    (place,) = _unpack(file, f"{order}{link}")
    seen = set()
    while place and place not in seen:
        seen.add(place)
        if place >= size:
            yield {}, place + 1, order
            return
        file.seek(place)
        (count,) = _unpack(file, f"{order}{number}")
        begin, length = file.tell(), struct.calcsize(form) + room
        end = begin + count * length + room
        if end > size:
            yield {}, end, order
            return
        entries = {}
        for index in range(count):
            file.seek(begin + index * length)
            tag, kind, values = _unpack(file, form)
            inside = file.tell()
            (far,) = _unpack(file, f"{order}{link}")
            fits = _TIFF_SIZES.get(kind, 0) * values <= room
            entries[tag] = _Entry(kind, values, inside if fits else far)
        (place,) = _unpack(file, f"{order}{link}")
        yield entries, end, order


def _check_index(
    file: BinaryIO, entries: dict[int, _Entry], order: str
) -> None:
    """Raise if blocks would be taken as never written."""
    for tags in (_STRIPS, _TILES):
        if not entries.keys() & set(tags):
            continue
        blocks = _count_blocks(file, entries, order, tags == _TILES)
        parts = [entries[tag] for tag in tags if tag in entries]
        # A single strip may lack its length: GDAL does without.
        if not blocks or len(parts) < len(tags):
            continue
        places, lengths = (
            _integers(file, part, order, blocks) for part in parts
        )
        if min(len(places), len(lengths)) < blocks:
            raise DamagedIndexError(
                f"its index lists {min(len(places), len(lengths))} of "
                f"{blocks} blocks"
            )
        if ((places == 0) != (lengths == 0)).any():
            raise DamagedIndexError("its index is incomplete for some blocks")


def _counts(tag: int) -> bool:
    """Whether a map would differ without a tag."""
    return tag <= _LAST_OF_TIFF or tag in _OTHERS


def _count_blocks(
    file: BinaryIO, entries: dict[int, _Entry], order: str, tiled: bool
) -> int | None:
    """How many blocks an image has; `None` if unknown."""

    def value(tag: int, otherwise: int | None = None) -> int | None:
        if tag not in entries:
            return otherwise
        found = _integers(file, entries[tag], order, 1)
        return int(found[0]) if len(found) else None

    width, height = value(_WIDTH), value(_HEIGHT)
    samples, planes = value(_SAMPLES, 1), value(_PLANES, 1)
    across = value(_TILE_WIDTH) if tiled else width
    down = value(_TILE_HEIGHT) if tiled else value(_STRIP_ROWS, height)
    if not (width and height and samples and planes and across and down):
        return None
    count = -(-width // across) * -(-height // down)
    return count * samples if planes == _ONE_PER_BAND else count


def _integers(
    file: BinaryIO, entry: _Entry, order: str, count: int
) -> np.ndarray:
    """The first values of a tag, none if they are not integers."""
    if entry.kind not in _INTEGERS:
        return np.zeros(0, "u8")
    file.seek(entry.place)
    dtype = np.dtype(order + _INTEGERS[entry.kind])
    length = min(entry.length, count) * dtype.itemsize
    return np.frombuffer(file.read(length), dtype)


def _unpack(file: BinaryIO, form: str) -> tuple[int, ...]:
    return struct.unpack(form, file.read(struct.calcsize(form)))


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
