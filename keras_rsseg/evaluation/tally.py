"""Adds up what the tiles of all scenes show."""

import numpy as np

from keras_rsseg.data.tiling import tile_windows
from keras_rsseg.evaluation.scene_scorer import SceneScorer
from keras_rsseg.evaluation.worst_tiles import WorstTiles
from keras_rsseg.scenes.predicting.tile_predictor import read_tiles
from keras_rsseg.void import VOID


class Tally:
    """Cuts scenes into tiles and counts what a model makes of them.

    Tiles of one scene and the next may come in one batch, so that small
    scenes fill batches, too. Each scene is let go with its last tile.

    Args:
        protocol: `TilingProtocol`.
        num_classes: int.
        eroded: radius of the erosion of boundaries, pixels, or `None`.
        num_worst_tiles: number of tiles to keep for the report.
        boundary_f1: `keras_rsseg.metrics.BoundaryF1`, updated by each tile,
            or `None`.

    Attributes:
        num_tiles: number of tiles of the scenes that were cut so far.
    """

    def __init__(
        self,
        protocol,
        num_classes,
        eroded,
        num_worst_tiles,
        boundary_f1=None,
    ):
        self._protocol = protocol
        self._num_classes = num_classes
        self._eroded = eroded
        self.num_tiles = 0
        self._num_scenes = self._num_pixels = self._num_void_pixels = 0
        self._worst = WorstTiles(num_worst_tiles)
        self._boundary_f1 = boundary_f1
        self._open = None
        shape = 2, num_classes, num_classes
        self._patch = np.zeros(shape, "int64")
        self._scene = np.zeros(shape, "int64")

    def tiles(self, scenes):
        """Cut scenes into tiles; those without a labelled pixel are skipped.

        Args:
            scenes: iterable of `LabelledScene`s.

        Yields:
            `Tile`s, for `add`.
        """
        tiling = self._protocol.tile_size, self._protocol.stride
        for scene in scenes:
            self._num_scenes += 1
            self.num_tiles += len(
                tile_windows(scene.height, scene.width, *tiling)
            )
            self._num_pixels += scene.truth.size
            self._num_void_pixels += int(np.count_nonzero(scene.truth == VOID))
            scorer = SceneScorer(
                scene, tiling[0], self._num_classes, self._eroded
            )
            for tile in read_tiles(scene, *tiling):
                yield tile._replace(scene=scorer)

    def add(self, tile, probabilities):
        """Count a tile; tiles must come in the order of `tiles`."""
        if tile.scene is not self._open:
            self.finish()
            self._open = tile.scene
        truth, predicted = tile.scene.add(tile, probabilities)
        height, width = truth.shape
        self._worst.add(
            tile.scene.name,
            tile.row,
            tile.col,
            tile.pixels[:height, :width],
            truth,
            predicted,
        )
        if self._boundary_f1 is not None:
            self._add_boundaries(truth, probabilities)

    def finish(self):
        """Close the scene whose tiles came last."""
        if self._open is not None:
            self._open.finish()
            self._patch += self._open.patch
            self._scene += self._open.scene
            self._open = None

    def results(self):
        """Return what was found, as an `EvaluationReport` holds it."""
        matrices = {}
        for name, counts in (("patch", self._patch), ("scene", self._scene)):
            matrices[name] = counts.sum(axis=0)
            if self._eroded is not None:
                matrices[f"{name}_eroded"] = counts[0]
        return {
            "num_scenes": self._num_scenes,
            "num_tiles": self.num_tiles,
            "num_pixels": self._num_pixels,
            "num_void_pixels": self._num_void_pixels,
            "matrices": matrices,
            "boundary_f1": self._boundary_scores(),
            "worst_tiles": self._worst.tiles,
        }

    def _add_boundaries(self, truth, probabilities):
        """Small tiles are padded: compiled code is compiled once."""
        missing = [
            (0, self._protocol.tile_size - length) for length in truth.shape
        ]
        truth = np.pad(truth, missing, constant_values=VOID)
        scores = np.pad(np.moveaxis(probabilities, 0, -1), (*missing, (0, 0)))
        self._boundary_f1.update_state(truth[None], scores[None])

    def _boundary_scores(self):
        if self._boundary_f1 is None:
            return None
        scores = self._boundary_f1.result().values()
        return {
            tolerance: float(score)
            for tolerance, score in zip(
                self._boundary_f1.tolerances, scores, strict=True
            )
        }
