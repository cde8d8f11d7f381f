"""The tiles with the most errors, kept while others pass by."""

import dataclasses

import numpy as np

from keras_rsseg.void import VOID


@dataclasses.dataclass(frozen=True, eq=False)
class WorstTile:
    """A tile and what the model made of it.

    Attributes:
        scene: the scene's name.
        row: first row in the scene.
        col: first column in the scene.
        image: array `(h, w, bands)`, of three bands at most.
        truth: uint8 array `(h, w)`, class ids, 255 void.
        prediction: uint8 array `(h, w)`, class ids.
        wrong: number of pixels that got another class than their own.
        labelled: number of pixels that have a class.
    """

    scene: str
    row: int
    col: int
    image: np.ndarray
    truth: np.ndarray
    prediction: np.ndarray
    wrong: int
    labelled: int

    @property
    def pixel_accuracy(self):
        """Share of the labelled pixels that are right."""
        return 1 - self.wrong / self.labelled


class WorstTiles:
    """Keeps the tiles with the most wrong pixels.

    Wrong pixels are counted, and not their share, as those of the first kind
    are what costs score: a share would bring up tiles with a handful of
    labelled pixels. Void pixels are not wrong, a tile without a wrong pixel
    is not kept. Of tiles that overlap only the worse one is kept, or one bad
    spot would fill the list.

    Args:
        count: number of tiles to keep at most.
    """

    def __init__(self, count):
        self.count = count
        self.tiles = []

    def add(self, scene, row, col, image, truth, prediction):
        """Take a tile into account; arrays are copied if it is kept.

        Args:
            scene: the scene's name.
            row: first row in the scene.
            col: first column in the scene.
            image: array `(h, w, bands)`.
            truth: uint8 array `(h, w)`.
            prediction: uint8 array `(h, w)`.
        """
        labelled = truth != VOID
        wrong = int(np.count_nonzero((prediction != truth) & labelled))
        full = len(self.tiles) == self.count
        if not wrong or full and (not self.count or wrong <= self._least()):
            return
        tile = WorstTile(
            scene,
            row,
            col,
            image[..., :3].copy(),
            truth.copy(),
            prediction.copy(),
            wrong,
            int(np.count_nonzero(labelled)),
        )
        overlapping = [kept for kept in self.tiles if _overlap(kept, tile)]
        if any(kept.wrong >= wrong for kept in overlapping):
            return
        tiles = [kept for kept in self.tiles if kept not in overlapping]
        # A stable sort: of two alike the first comes first.
        tiles = sorted([*tiles, tile], key=lambda kept: -kept.wrong)
        self.tiles = tiles[: self.count]

    def _least(self):
        return self.tiles[-1].wrong


def _overlap(one, other):
    return one.scene == other.scene and all(
        start < other_start + other_length and other_start < start + length
        for start, length, other_start, other_length in zip(
            (one.row, one.col),
            one.truth.shape,
            (other.row, other.col),
            other.truth.shape,
            strict=True,
        )
    )
