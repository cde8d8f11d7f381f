"""Find the plain corners of a mosaic that states no nodata value."""

import logging
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from keras_rsseg.rasters.windows import Window
from keras_rsseg.rasters.windows import reading_windows

if TYPE_CHECKING:
    from keras_rsseg.scenes.reading.scene_reader import SceneReader

logger = logging.getLogger(__name__)

# As in GDAL's nearblack: lossy compression leaves noise beside the imagery.
_TOLERANCE = 15
# Share of the sides: less may be a shadow or a roof.
_SIDE_SHARE = 0.05
# Sides longer than the first are sampled in this many parts.
_LONG_SIDE, _SIDE_PARTS = 1 << 15, 128
# Pixels, and length, of the steps in which pixels beyond a part are read.
_STEP, _LONGEST_STEP = 1 << 22, 512
# Squares at the corners that `plain_corner` looks at, and the side from which
# a scene is more than a corner or two, in pixels.
_CORNER = 32
_SMALLEST_SCENE = 256
# Share of a square that must be of one value: compression leaves noise.
_PLAIN_SHARE = 0.9


class PlainBorder:
    """Pixels of one plain colour from a scene's border inwards.

    The colour is black or white if a twentieth of the scene's four sides is;
    if both are, the one of more of the four corners, then of more of the
    sides. Else it is a colour that a twentieth has exactly, unlike calm water.

    A pixel belongs to it if all its bands are near that colour (within 15 if
    the scene is 8-bit, else exactly equal) and so are all pixels between it
    and the scene's border, along its row or its column, on one side. This
    finds corners of any outline, but neither shadows and holes inside, nor
    pixels that can reach the border only around a corner. Only four numbers
    per row and column are stored.

    Args:
        place: the part of the scene that it covers.
        left: int array `(height,)`, number of plain pixels at the left of
            each row, counted from that side of `place`.
        right: likewise at the right.
        top: int array `(width,)`, likewise at the top of each column.
        bottom: likewise at the bottom.
    """

    def __init__(
        self,
        place: Window,
        left: np.ndarray,
        right: np.ndarray,
        top: np.ndarray,
        bottom: np.ndarray,
    ):
        self._place = place
        self._left, self._right = left, right
        self._top, self._bottom = top, bottom

    @classmethod
    def find(
        cls, reader: "SceneReader", place: Window | None = None
    ) -> "PlainBorder":
        """Read a scene and return its border; warn if there is none.

        Args:
            reader: `SceneReader`. Pixels invalid in its dataset count as
                plain.
            place: the part of the scene that it will be used in, `None` for
                all. The rest is read only as far as plain pixels extend
                from there.

        Returns:
            A `PlainBorder`.
        """
        whole = Window(0, 0, reader.height, reader.width)
        place = place or whole
        row, col, height, width = place
        color, is_plain = _border_color(reader)
        left, right = np.zeros(height, int), np.full(height, width)
        top, bottom = np.zeros(width, int), np.full(width, height)
        for window in reading_windows(height, width):
            there = window._replace(row=row + window.row, col=col + window.col)
            plain = _is_near(reader, there, color)
            down, along = window.slices
            _extend(left[down], right[down], plain, window.col, width)
            _extend(top[along], bottom[along], plain.T, window.row, height)
        sides = left, right, top, bottom
        for counts, beyond in zip(sides, _beyond(place, whole), strict=True):
            counts[~_reaches_border(reader, color, counts > 0, *beyond)] = 0
        depths = [int(counts.max()) for counts in sides]
        if not any(depths) and (place == whole or not is_plain):
            warnings.warn(
                f"`nodata='border'` found no plain border in {reader.name}: "
                "all of its pixels are mapped.",
                stacklevel=2,
            )
        logger.info(
            "%s at the border of %s is taken as no data: up to %d, %d, "
            "%d, %d pixels from the left, right, top and bottom.",
            _as_text(color),
            reader.name,
            *depths,
        )
        return cls(place, *sides)

    def read(self, row: int, col: int, height: int, width: int) -> np.ndarray:
        """Return which pixels of a window belong to the border.

        Args:
            row: first row.
            col: first column.
            height: number of rows.
            width: number of columns.

        Returns:
            A boolean array `(height, width)`; `False` outside the part
            that it covers.
        """
        found = np.zeros((height, width), bool)
        place = self._place
        first = max(row, place.row), max(col, place.col)
        end = (
            min(row + height, place.row + place.height),
            min(col + width, place.col + place.width),
        )
        if first[0] >= end[0] or first[1] >= end[1]:
            return found
        rows = slice(first[0] - place.row, end[0] - place.row)
        columns = slice(first[1] - place.col, end[1] - place.col)
        down = np.arange(rows.start, rows.stop)[:, None]
        along = np.arange(columns.start, columns.stop)
        found[first[0] - row : end[0] - row, first[1] - col : end[1] - col] = (
            (along < self._left[rows, None])
            | (along >= place.width - self._right[rows, None])
            | (down < self._top[columns])
            | (down >= place.height - self._bottom[columns])
        )
        return found


def warn_of_plain_corner(reader: "SceneReader") -> None:
    """Warn if a corner probably has no data, though nothing says so.

    Args:
        reader: `SceneReader` without `nodata`.
    """
    color = plain_corner(reader)
    if color is not None:
        warnings.warn(
            f"A corner of {reader.name} is plain {color}, and nothing states "
            "that it holds no data, so it is mapped like the rest. If it "
            "shows nothing, give nodata='border' (--nodata border).",
            stacklevel=2,
        )


def plain_corner(reader: "SceneReader") -> str | None:
    """Return the colour of a corner of the scene that is of one colour.

    A square of 32 pixels is read at each corner.

    Args:
        reader: `SceneReader`. Corners with pixels invalid in its dataset do
            not count; with an area of interest, no corner does.

    Returns:
        Text, such as `"black"` or `"(17, 17, 17)"`, or `None`.
    """
    height, width = reader.height, reader.width
    if reader.area is not None or min(height, width) < _SMALLEST_SCENE:
        return None
    for row in (0, height - _CORNER):
        for col in (0, width - _CORNER):
            window = Window(row, col, _CORNER, _CORNER)
            pixels, valid = reader.read_stored(*window)
            colors = pixels[:, valid]
            if colors.shape[1] < _CORNER**2:
                continue
            color, share = _commonest(colors)
            if share >= _PLAIN_SHARE:
                return _as_text(color)
    return None


def _beyond(place: Window, whole: Window) -> Iterator[tuple[Window, int]]:
    """Windows to the left of a part, to its right, above and below.

    Each with the direction in which plain pixels continue: -1 or 1, backwards
    or forwards along columns; -2 or 2, along rows.
    """
    row, col, height, width = place
    right, below = col + width, row + height
    yield Window(row, 0, height, col), -1
    yield Window(row, right, height, whole.width - right), 1
    yield Window(0, col, row, width), -2
    yield Window(below, col, whole.height - below, width), 2


def _reaches_border(
    reader: "SceneReader",
    color: np.ndarray,
    waiting: np.ndarray,
    beyond: Window,
    direction: int,
) -> np.ndarray:
    """Return which lines are plain beyond a part, up to the scene's border.

    `waiting`: boolean array, the lines that are plain where they leave it.
    Pixels are read step by step, until no line is plain.
    """
    waiting = waiting.copy()
    down = abs(direction) == 2
    length = beyond.height if down else beyond.width
    done = 0
    while done < length and waiting.any():
        lines = np.flatnonzero(waiting)
        first, count = int(lines[0]), int(lines[-1] - lines[0]) + 1
        step = min(max(_STEP // count, 1), _LONGEST_STEP, length - done)
        start = done if direction > 0 else length - done - step
        if down:
            window = Window(beyond.row + start, beyond.col + first, step, count)
        else:
            window = Window(beyond.row + first, beyond.col + start, count, step)
        plain = _is_near(reader, window, color)
        waiting[first : first + count] &= plain.all(axis=0 if down else 1)
        done += step
    return waiting


def _border_color(reader: "SceneReader") -> tuple[np.ndarray, bool]:
    """Return black or another colour of the scene's sides, `(bands,)`.

    And whether enough of the sides have it.
    """
    height, width = reader.height, reader.width
    sides = []
    for window in (
        *(_along(0, 0, 1, width)),
        *(_along(height - 1, 0, 1, width)),
        *(_along(0, 0, height, 1)),
        *(_along(0, width - 1, height, 1)),
    ):
        pixels, valid = reader.read_stored(*window)
        sides.append(pixels[:, valid])
    colors = np.concatenate(sides, axis=1)
    black = np.zeros(len(colors), colors.dtype)
    if not colors.size:
        return black, True
    shares = {black.tobytes(): _near(reader, colors, black).mean()}
    if reader.dtype == np.uint8:
        white = np.full_like(black, 255)
        shares[white.tobytes()] = _near(reader, colors, white).mean()
    corners = _corners(reader)

    def weight(color: bytes) -> tuple[int, float]:
        plain = np.frombuffer(color, colors.dtype)
        return int(_near(reader, corners, plain).sum()), shares[color]

    likely = [color for color, share in shares.items() if share >= _SIDE_SHARE]
    if likely:
        return np.frombuffer(max(likely, key=weight), colors.dtype), True
    # Calm water has similar colours, not equal ones.
    other, share = _commonest(colors)
    return (other, True) if share >= _SIDE_SHARE else (black, False)


def _along(row: int, col: int, height: int, width: int) -> Iterator[Window]:
    """Windows along a side of a scene: all of it, or a sample if it is long."""
    length = max(height, width)
    parts, size = 1, length
    if length > _LONG_SIDE:
        parts, size = _SIDE_PARTS, _LONG_SIDE // _SIDE_PARTS
    for start in np.linspace(0, length - size, parts).astype(int):
        if height > width:
            yield Window(row + int(start), col, size, width)
        else:
            yield Window(row, col + int(start), height, size)


def _corners(reader: "SceneReader") -> np.ndarray:
    """Return the valid ones of the four corner pixels, `(bands, pixels)`."""
    found = []
    for row in (0, reader.height - 1):
        for col in (0, reader.width - 1):
            pixels, valid = reader.read_stored(row, col, 1, 1)
            found.append(pixels[:, valid])
    return np.concatenate(found, axis=1)


def _commonest(colors: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the commonest colour of `(bands, pixels)`, and its share."""
    found, counts = np.unique(colors, axis=1, return_counts=True)
    most = counts.argmax()
    return found[:, most], counts[most] / colors.shape[1]


def _as_text(color: np.ndarray) -> str:
    if not color.any():
        return "black"
    if color.dtype == np.uint8 and (color == 255).all():
        return "white"
    return str(tuple(color.tolist()))


def _is_near(
    reader: "SceneReader", window: Window, color: np.ndarray
) -> np.ndarray:
    pixels, valid = reader.read_stored(*window)
    return _near(reader, pixels, color) | ~valid


def _near(
    reader: "SceneReader", pixels: np.ndarray, color: np.ndarray
) -> np.ndarray:
    """Return which of `(bands, ...)` have a colour, up to noise."""
    if reader.dtype == np.uint8:
        tolerance, pixels = _TOLERANCE, pixels.astype("int16")
    else:
        tolerance = 0
    color = color.astype(pixels.dtype).reshape(-1, *[1] * (pixels.ndim - 1))
    near = (pixels <= color + tolerance) & (pixels >= color - tolerance)
    return np.asarray(near.all(axis=0))


def _extend(
    first: np.ndarray,
    last: np.ndarray,
    plain: np.ndarray,
    start: int,
    size: int,
) -> None:
    """Extend the plain ends of lines of `size` pixels by a block at `start`.

    `first` and `last` hold how many pixels are plain at the lines' ends, as
    far as is known, and are changed in place.
    """
    shown = ~plain.all(axis=1)
    length = plain.shape[1]
    leading = np.where(shown, (~plain).argmax(axis=1), length)
    first += np.where(first == start, leading, 0)
    trailing = (~plain[:, ::-1]).argmax(axis=1)
    last[shown] = size - start - length + trailing[shown]
