"""Where the parts of a TIFF file lie, as its directories say.

GDAL takes a block that is missing from the index as never written, and shows
no data there. So a scene with an unreadable index would become an empty map;
anything else that GDAL cannot read, such as the nodata value, it leaves out
with a warning.
"""

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO
from typing import NamedTuple

import numpy as np

from keras_rsseg.errors import RasterError

# Bytes of a value of each type.
_SIZES = {
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


class DamagedIndexError(RasterError):
    """The index of a TIFF's blocks cannot be read."""


class _Entry(NamedTuple):
    """A tag: its type, number of values, and where these lie."""

    kind: int
    length: int
    place: int

    @property
    def end(self) -> int:
        return self.place + _SIZES.get(self.kind, 0) * self.length


def tiff_extent(file: BinaryIO) -> int:
    """Return the fewest bytes that a TIFF file should have.

    That is, up to the end of its last directory or tag value.

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
            fits = _SIZES.get(kind, 0) * values <= room
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
