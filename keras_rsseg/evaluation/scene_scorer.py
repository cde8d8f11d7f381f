"""Counts and scores scene by scene."""

import dataclasses
from collections.abc import Iterable
from collections.abc import Iterator
from typing import TYPE_CHECKING
from typing import Any
from typing import cast

import numpy as np

from keras_rsseg.data.boundaries import near_boundary
from keras_rsseg.data.protocols import TilingProtocol
from keras_rsseg.data.tiling import tile_windows
from keras_rsseg.evaluation.labelled_scene import LabelledScene
from keras_rsseg.scenes.maps.map_products import likeliest
from keras_rsseg.scenes.predicting.blending import RowBlender
from keras_rsseg.scenes.predicting.tile_predictor import Tile
from keras_rsseg.scenes.predicting.tile_predictor import read_tiles
from keras_rsseg.void import VOID

if TYPE_CHECKING:
    from keras_rsseg.metrics.boundary_f1 import BoundaryF1


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
        wrong: number of pixels that got a wrong class.
        labelled: number of pixels that have a class.

    Example:

    ```python
    truth = np.zeros((8, 8), "uint8")
    report = keras_rsseg.evaluate(
        lambda tiles: np.eye(2)[np.ones(tiles.shape[:3], int)],
        ([np.zeros((8, 8, 3), "uint8")], [truth]),
        class_names=["ground", "roof"],
        progress=False,
    )
    report.worst_tiles[0].wrong  # 64
    ```
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
    def pixel_accuracy(self) -> float:
        """Share of the labelled pixels that are right."""
        return 1 - self.wrong / self.labelled


class WorstTiles:
    """Keeps the tiles with the most wrong pixels.

    Tiles are ranked by the number of wrong pixels, which is what lowers a
    score; by their share, tiles with a handful of labelled pixels would come
    first. Void pixels are not wrong, and a tile without a wrong pixel is not
    kept. Of overlapping tiles only the worst is kept, or one bad spot would
    fill the list.

    Args:
        count: largest number of tiles to keep.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self.tiles: list[WorstTile] = []

    def add(
        self,
        scene: str,
        row: int,
        col: int,
        image: np.ndarray,
        truth: np.ndarray,
        prediction: np.ndarray,
    ) -> None:
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
        # A stable sort: of equals the first comes first.
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


class Tally:
    """Cuts scenes into tiles and counts what a model makes of them.

    Tiles of one scene and the next may share a batch, so that small scenes
    also fill batches. Each scene is released after its last tile.

    Args:
        protocol: `TilingProtocol`.
        num_classes: int.
        eroded: radius of the erosion of boundaries, pixels, or `None`.
        num_worst_tiles: number of tiles to keep for the report.
        boundary_f1: `keras_rsseg.metrics.BoundaryF1`, updated by each tile,
            or `None`.

    Attributes:
        num_tiles: number of tiles of the scenes cut so far.
    """

    def __init__(
        self,
        protocol: TilingProtocol,
        num_classes: int,
        eroded: float | None,
        num_worst_tiles: int,
        boundary_f1: "BoundaryF1 | None" = None,
    ) -> None:
        self._protocol = protocol
        self._num_classes = num_classes
        self._eroded = eroded
        self.num_tiles = 0
        self._num_scenes = self._num_pixels = self._num_void_pixels = 0
        self._worst = WorstTiles(num_worst_tiles)
        self._boundary_f1 = boundary_f1
        self._open: SceneScorer | None = None
        shape = 2, num_classes, num_classes
        self._patch = np.zeros(shape, "int64")
        self._scene = np.zeros(shape, "int64")

    def tiles(self, scenes: Iterable[LabelledScene]) -> Iterator[Tile]:
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

    def add(self, tile: Tile, probabilities: np.ndarray) -> None:
        """Count a tile; tiles must come in the order of `tiles`."""
        scorer = cast("SceneScorer", tile.scene)
        if scorer is not self._open:
            self.finish()
            self._open = scorer
        truth, predicted = scorer.add(tile, probabilities)
        height, width = truth.shape
        pixels = cast(np.ndarray, tile.pixels)
        self._worst.add(
            scorer.name,
            tile.row,
            tile.col,
            pixels[:height, :width],
            truth,
            predicted,
        )
        if self._boundary_f1 is not None:
            self._add_boundaries(self._boundary_f1, truth, probabilities)

    def finish(self) -> None:
        """Close the scene whose tiles came last."""
        if self._open is not None:
            self._open.finish()
            self._patch += self._open.patch
            self._scene += self._open.scene
            self._open = None

    def results(self) -> dict[str, Any]:
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

    def _add_boundaries(
        self, metric: "BoundaryF1", truth: np.ndarray, probabilities: np.ndarray
    ) -> None:
        """Small tiles are padded: compiled code is compiled once."""
        missing = [
            (0, self._protocol.tile_size - length) for length in truth.shape
        ]
        truth = np.pad(truth, missing, constant_values=VOID)
        scores = np.pad(np.moveaxis(probabilities, 0, -1), (*missing, (0, 0)))
        metric.update_state(truth[None], scores[None])

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


class SceneScorer:
    """Confusion matrices of one scene by the patch and the scene protocol.

    Tiles come row by row, from the top. The scene's truth and one row of
    tiles are held in memory.

    Args:
        scene: `LabelledScene`.
        tile_size: length of a tile, pixels.
        num_classes: int.
        eroded: radius of the erosion of boundaries, pixels, or `None`.

    Attributes:
        patch: int64 array `(2, classes, classes)`: pixels of all tiles, rows
            truth, columns prediction; first those that erosion leaves, then
            those near boundaries.
        scene: the same for the blended scene, each pixel once.
    """

    def __init__(
        self,
        scene: LabelledScene,
        tile_size: int,
        num_classes: int,
        eroded: float | None,
    ) -> None:
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

    def __str__(self) -> str:
        return self.name

    def add(
        self, tile: Tile, probabilities: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
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

    def finish(self) -> None:
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
