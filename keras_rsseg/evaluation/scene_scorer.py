"""Counts a scene tile by tile, alone and blended."""

import numpy as np

from keras_rsseg.evaluation.boundary_erosion import near_boundary
from keras_rsseg.scenes.predicting.blending import RowBlender
from keras_rsseg.scenes.writing.map_products import likeliest
from keras_rsseg.void import VOID


class SceneScorer:
    """Confusion matrices of one scene by the patch and the scene protocol.

    Tiles come row by row, from the top. Memory is that of the scene's truth
    and of one row of tiles.

    Args:
        scene: `LabelledScene`.
        tile_size: length of a tile, pixels.
        num_classes: int.
        eroded: radius of the erosion of boundaries, pixels, or `None`.

    Attributes:
        patch: int64 array `(2, classes, classes)`: pixels of all tiles, rows
            truth, columns prediction; first those that erosion leaves, then
            those near boundaries.
        scene: the same of the blended scene, each pixel once.
    """

    def __init__(self, scene, tile_size, num_classes, eroded):
        self.name = scene.name
        self._truth = scene.truth
        self._near = (
            np.zeros(scene.truth.shape, bool)
            if eroded is None
            else near_boundary(scene.truth, eroded)
        )
        self._blender = RowBlender(scene.width, tile_size, num_classes)
        self.patch = np.zeros((2, num_classes, num_classes), "int64")
        self.scene = np.zeros_like(self.patch)

    def __str__(self):
        return self.name

    def add(self, tile, probabilities):
        """Count a tile.

        Args:
            tile: `Tile`.
            probabilities: float32 array `(classes, h, w)`.

        Returns:
            `(truth, prediction)`: uint8 arrays `(h, w)`.
        """
        height, width = tile.valid.shape
        rows = slice(tile.row, tile.row + height)
        columns = slice(tile.col, tile.col + width)
        truth = self._truth[rows, columns]
        predicted = likeliest(probabilities)
        self.patch += _count(
            truth, self._near[rows, columns], predicted, len(probabilities)
        )
        self._take(tile.row)
        self._blender.add(tile.row, tile.col, probabilities, tile.valid)
        return truth, predicted

    def finish(self):
        """Count the rows of the scene that are left."""
        self._take(len(self._truth))

    def _take(self, stop):
        top = self._blender.top
        for block in self._blender.take(stop):
            rows = slice(top, top + block.shape[1])
            self.scene += _count(
                self._truth[rows],
                self._near[rows],
                likeliest(block),
                len(block),
            )
            top = rows.stop


def _count(truth, near, predicted, num_classes):
    labelled = truth != VOID
    cells = near[labelled].astype("int64")
    for ids in (truth, predicted):
        cells *= num_classes
        cells += ids[labelled]
    shape = 2, num_classes, num_classes
    return np.bincount(cells, minlength=2 * num_classes**2).reshape(shape)
