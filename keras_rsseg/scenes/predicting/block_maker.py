"""Make the blocks of a map from the model's outputs for tiles."""

from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import NamedTuple
from typing import Protocol

import numpy as np

from keras_rsseg.scenes.maps.map_products import Product
from keras_rsseg.scenes.predicting.blending import RowBlender
from keras_rsseg.scenes.predicting.blending import RowResampler
from keras_rsseg.scenes.predicting.block_reader import BlockBegin
from keras_rsseg.scenes.predicting.block_reader import BlockEmpty
from keras_rsseg.scenes.predicting.block_reader import BlockEnd
from keras_rsseg.scenes.predicting.block_reader import Event
from keras_rsseg.scenes.predicting.scene_plan import Block
from keras_rsseg.scenes.predicting.scene_plan import ScenePlan
from keras_rsseg.scenes.predicting.tile_predictor import Tile
from keras_rsseg.scenes.predicting.tile_predictor import TileView
from keras_rsseg.scenes.predicting.tile_predictor import tile_probabilities

# The events of a `Batch`. With tiles among them: once per view, with its
# number and logits; else once, with `None`.
Answer = tuple[list[Event], int | None, np.ndarray | None]


class Store(Protocol):
    """Where blocks are stored: a `BlockStore`, or a part of one."""

    @property
    def products(self) -> Sequence[Product]: ...

    @property
    def done(self) -> Collection[int]: ...

    def write(
        self,
        block: Block,
        rasters: dict[str, np.ndarray] | None,
        num_classes: int | None,
    ) -> None: ...


class BlockMaker:
    """Blends tiles, resamples the result, and stores blocks.

    Args:
        plan: `ScenePlan`.
        views: list of `TileView`s, whose outputs are averaged.
        store: `BlockStore`, entered.
    """

    def __init__(
        self, plan: ScenePlan, views: list[TileView], store: Store
    ) -> None:
        self._plan = plan
        self._views = views
        self._store = store
        self._has_variance = any(
            product.kind == "variance" for product in store.products
        )
        self._num_classes: int | None = None
        self._rows: _Rows | None = None
        self._block: Block
        self._valid: np.ndarray | None = None
        self._rasters: dict[str, np.ndarray] | None = None
        self._row = 0

    def consume(self, answers: Iterable[Answer]) -> None:
        """Take answers, in order, until there are no more.

        Args:
            answers: iterable of `Answer`s.
        """
        mean = _ViewMean(self._has_variance)
        for events, number, logits in answers:
            if logits is None or number is None:
                self._handle(events, iter(()))
                continue
            tiles = [event for event in events if isinstance(event, Tile)]
            if number == 0:
                mean = _ViewMean(self._has_variance)
            mean.add(tiles, logits, self._views[number])
            # A batch of logits is large.
            del logits
            if number == len(self._views) - 1:
                self._num_classes = mean.num_classes
                self._handle(events, mean.results(len(self._views)))

    def _handle(
        self, events: list[Event], results: Iterator[np.ndarray]
    ) -> None:
        for event in events:
            if isinstance(event, Tile):
                result = next(results)
                rows = self._rows or self._begin_rows(len(result))
                self._take(rows, event.row)
                rows.blender.add(event.row, event.col, result, event.valid)
            elif isinstance(event, BlockBegin):
                self._begin(event)
            elif isinstance(event, BlockEnd):
                self._end(event)
            elif isinstance(event, BlockEmpty):
                self._store.write(event.block, None, self._num_classes)

    def _begin(self, event: BlockBegin) -> None:
        self._block, self._valid = event.block, event.valid
        self._row = event.block.row
        self._rasters = None
        if not event.continues:
            self._rows = None

    def _begin_rows(self, channels: int) -> "_Rows":
        """The first tile of a column of blocks has arrived."""
        block, plan = self._block, self._plan
        place, window = plan.place(block), plan.window
        left, right = plan.columns(block)
        top, _ = plan.rows(block)
        blender = RowBlender(right - left, plan.tile_size, channels, top, left)
        resampler = RowResampler(
            plan.grid_size,
            plan.size,
            (place.row, window.row + window.height),
            (place.col, place.col + place.width),
        )
        self._rows = _Rows(blender, resampler)
        return self._rows

    def _take(self, rows: "_Rows", stop: int) -> None:
        """Render the rows above row `stop` of the model's grid."""
        for blended in rows.blender.take(stop):
            rows.resampler.push(blended)
            self._render_ready(rows)

    def _render_ready(self, rows: "_Rows") -> None:
        stop = self._plan.window.row + self._block.stop
        for resampled in rows.resampler.take(stop):
            self._render(resampled)

    def _render(self, rows: np.ndarray) -> None:
        """Convert rows of probabilities and variance to the map's rasters."""
        first = self._row - self._block.row
        place = slice(first, first + rows.shape[1])
        if self._valid is not None:
            bits = np.unpackbits(
                self._valid[place], axis=1, count=self._block.width
            )
            rows = rows * bits
        probabilities = rows[: self._num_classes]
        variance = rows[-1] if self._has_variance else None
        if self._rasters is None:
            self._rasters = self._new_rasters(len(probabilities))
        for product in self._store.products:
            raster = product.render(probabilities, variance)
            self._rasters[product.name][:, place] = raster
        self._row += rows.shape[1]

    def _new_rasters(self, num_classes: int) -> dict[str, np.ndarray]:
        height, width = self._block.height, self._block.width
        return {
            product.name: np.empty(
                (product.bands(num_classes), height, width), product.dtype
            )
            for product in self._store.products
        }

    def _end(self, event: BlockEnd) -> None:
        block = event.block
        if self._rows is not None:
            self._take(self._rows, self._plan.rows(block)[1])
            # These rows arrived with the block above.
            self._render_ready(self._rows)
        if self._rasters is not None and self._row != block.stop:
            raise RuntimeError(f"{block} has no rows from {self._row} on")
        self._store.write(block, self._rasters, self._num_classes)
        self._rasters = None


class _Rows(NamedTuple):
    """Rows on their way from tiles to a column of blocks."""

    blender: RowBlender
    resampler: RowResampler


class _ViewMean:
    """Mean and variance over the views of the tiles of a batch."""

    def __init__(self, has_variance: bool) -> None:
        self._has_variance = has_variance
        self._sums: list[np.ndarray] = []
        self._squares: list[np.ndarray] = []

    @property
    def num_classes(self) -> int:
        return len(self._sums[0])

    def add(
        self, tiles: list[Tile], logits: np.ndarray, view: TileView
    ) -> None:
        first = not self._sums
        for index, tile in enumerate(tiles):
            found = tile_probabilities(logits[index], tile, view)
            if first:
                self._sums.append(found)
                if self._has_variance:
                    self._squares.append(found**2)
                continue
            self._sums[index] += found
            if self._has_variance:
                self._squares[index] += found**2

    def results(self, count: int) -> Iterator[np.ndarray]:
        """Yield arrays `(classes, h, w)`, with variance `(classes + 1, ..)`.

        The variance is of all classes together, from 0 to 1.
        """
        for index, mean in enumerate(self._sums):
            if count > 1:
                mean /= count
            if self._has_variance:
                squares = self._squares[index]
                squares /= count
                squares -= mean**2
                variance = np.maximum(squares, 0).sum(axis=0, keepdims=True)
                mean = np.concatenate([mean, variance])
            yield mean
