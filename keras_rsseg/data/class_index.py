"""Where in the images of a data set each class lies. NumPy alone."""

import numpy as np

from keras_rsseg.data.tiling import Window
from keras_rsseg.void import VOID

_LARGEST_CELL = 64
_STRIP_ROWS = 1024


class ClassIndex:
    """The pixels of each class, counted in the cells of a coarse grid.

    Args:
        pairs: `ImageMaskPairs` with masks.
        tile: `(height, width)` of the crops to be drawn. Cells are at most
            64 pixels wide and a quarter of that, a power of two.

    Attributes:
        cell: width of a cell, pixels.
        cells: int32 `(n, 3)`: image, first row, first column; those of a
            class stand together.
        counts: int64 `(n,)`: pixels of the class in the cell.
        classes: int64 `(n,)`: the class.
    """

    def __init__(self, pairs, tile):
        fits = min(_LARGEST_CELL, max(min(tile) // 4, 1))
        self.cell = 1 << (fits.bit_length() - 1)
        parts = [
            self._count(pairs, index, Window(row, 0, rows, width))
            for index, (height, width) in enumerate(pairs.sizes)
            for row, rows in _strips(height)
        ]
        found = np.concatenate(parts)
        found = found[np.argsort(found[:, 0], kind="stable")]
        self.classes, self.counts = found[:, 0], found[:, 1]
        self.cells = found[:, 2:].astype("int32")

    def _count(self, pairs, index, window):
        """Return rows of class, pixels, image, row, column."""
        ids = pairs.read_mask(index, window)
        across = -(-window.width // self.cell)
        codes = np.arange(window.width) // self.cell * (VOID + 1)
        counts = np.array(
            [
                np.bincount(
                    (ids[row : row + self.cell] + codes).ravel(),
                    minlength=across * (VOID + 1),
                )
                for row in range(0, window.height, self.cell)
            ]
        ).reshape(-1, across, VOID + 1)
        row, col, class_id = np.nonzero(counts[..., :VOID])
        return np.stack(
            [
                class_id,
                counts[row, col, class_id],
                np.full(row.shape, index),
                row * self.cell + window.row,
                col * self.cell,
            ],
            axis=1,
        )


def _strips(height):
    return [
        (row, min(_STRIP_ROWS, height - row))
        for row in range(0, height, _STRIP_ROWS)
    ]
