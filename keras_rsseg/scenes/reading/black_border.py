"""Find the black corners of a mosaic that states no nodata value."""

import logging
from typing import TYPE_CHECKING

import numpy as np

from keras_rsseg.rasters.windows import Window
from keras_rsseg.rasters.windows import reading_windows

if TYPE_CHECKING:
    from keras_rsseg.scenes.reading.scene_reader import SceneReader

logger = logging.getLogger(__name__)

# As GDAL's nearblack: lossy compression leaves noise beside the imagery.
_TOLERANCE = 15


class BlackBorder:
    """What is black from a scene's border inwards.

    A pixel belongs to it if all bands are near 0 (15 at most where the scene
    is 8-bit, exactly 0 else) and so are all others between it and the
    scene's border, in its row or its column, on one side. So black corners
    of any outline are found, but not the shadows and holes inside, nor what
    the border can only be reached from around a corner. Beside four numbers
    a row and column nothing is kept.

    Args:
        left: int array `(height,)`, number of black pixels at the left of
            each row.
        right: likewise at the right.
        top: int array `(width,)`, likewise at the top of each column.
        bottom: likewise at the bottom.
    """

    def __init__(
        self,
        left: np.ndarray,
        right: np.ndarray,
        top: np.ndarray,
        bottom: np.ndarray,
    ):
        self._left, self._right = left, right
        self._top, self._bottom = top, bottom

    @classmethod
    def find(cls, reader: "SceneReader") -> "BlackBorder":
        """Read a scene and return its border.

        Args:
            reader: `SceneReader`. What its dataset calls invalid counts as
                black.

        Returns:
            A `BlackBorder`.
        """
        height, width = reader.height, reader.width
        left, right = np.zeros(height, int), np.full(height, width)
        top, bottom = np.zeros(width, int), np.full(width, height)
        for window in reading_windows(height, width):
            black = _is_black(reader, window)
            down, along = window.slices
            _extend(left[down], right[down], black, window.col, width)
            _extend(top[along], bottom[along], black.T, window.row, height)
        border = cls(left, right, top, bottom)
        logger.info(
            "Black at the border of %s is taken for no data: up to %d, %d, "
            "%d, %d pixels from the left, the right, the top, the bottom.",
            reader.dataset.name,
            *(side.max() for side in (left, right, top, bottom)),
        )
        return border

    def read(self, row: int, col: int, height: int, width: int) -> np.ndarray:
        """Return which pixels of a window belong to the border.

        Args:
            row: first row.
            col: first column.
            height: number of rows.
            width: number of columns.

        Returns:
            A boolean array `(height, width)`.
        """
        rows, columns = Window(row, col, height, width).slices
        down = np.arange(row, row + height)[:, None]
        along = np.arange(col, col + width)
        return (
            (along < self._left[rows, None])
            | (along >= len(self._top) - self._right[rows, None])
            | (down < self._top[columns])
            | (down >= len(self._left) - self._bottom[columns])
        )


def _is_black(reader: "SceneReader", window: Window) -> np.ndarray:
    tolerance = _TOLERANCE if reader.dtype == np.uint8 else 0
    pixels, valid = reader.read_stored(*window)
    near = (pixels <= tolerance) & (pixels >= -tolerance)
    return near.all(axis=0) | ~valid


def _extend(
    first: np.ndarray,
    last: np.ndarray,
    black: np.ndarray,
    start: int,
    size: int,
) -> None:
    """Go on along lines of `size` pixels by what begins at `start`.

    `first` and `last` hold how many are black at the lines' ends, as far as
    is known, and are changed in place.
    """
    shown = ~black.all(axis=1)
    length = black.shape[1]
    leading = np.where(shown, (~black).argmax(axis=1), length)
    first += np.where(first == start, leading, 0)
    trailing = (~black[:, ::-1]).argmax(axis=1)
    last[shown] = size - start - length + trailing[shown]
