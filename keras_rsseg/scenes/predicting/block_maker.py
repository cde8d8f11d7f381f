"""How a map is cut into the blocks that it is computed and stored in."""

import numpy as np

from keras_rsseg.scenes.predicting.blending import RowBlender
from keras_rsseg.scenes.predicting.blending import RowResampler
from keras_rsseg.scenes.predicting.block_reader import BlockBegin
from keras_rsseg.scenes.predicting.block_reader import BlockEmpty
from keras_rsseg.scenes.predicting.block_reader import BlockEnd
from keras_rsseg.scenes.predicting.tile_predictor import Tile
from keras_rsseg.scenes.predicting.tile_predictor import tile_probabilities


class BlockMaker:
    """Blends tiles, resamples what comes out, and stores blocks.

    Args:
        plan: `ScenePlan`.
        views: list of `TileView`s, whose answers are averaged.
        store: `BlockStore`, entered.
    """

    def __init__(self, plan, views, store):
        self._plan = plan
        self._views = views
        self._store = store
        self._has_variance = any(
            product.kind == "variance" for product in store.products
        )
        self._num_classes = None
        self._blender = self._resampler = None
        self._block = self._valid = self._rasters = None
        self._row = 0

    def consume(self, answers):
        """Take answers, in their order, until there are no more.

        Args:
            answers: iterable of `(events, number, logits)`: the events of a
                `Batch`; with tiles among them once for each view, with its
                number and logits; else once, with `None`.
        """
        mean = None
        for events, number, logits in answers:
            if logits is None:
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

    def _handle(self, events, results):
        for event in events:
            if isinstance(event, Tile):
                result = next(results)
                if self._blender is None:
                    self._begin_rows(len(result))
                self._take(event.row)
                self._blender.add(event.row, event.col, result, event.valid)
            elif isinstance(event, BlockBegin):
                self._begin(event)
            elif isinstance(event, BlockEnd):
                self._end(event)
            elif isinstance(event, BlockEmpty):
                self._store.write(event.block, None, self._num_classes)

    def _begin(self, event):
        self._block, self._valid = event.block, event.valid
        self._row = event.block.row
        self._rasters = None
        if not event.continues:
            self._blender = self._resampler = None

    def _begin_rows(self, channels):
        """The first tile of blocks one below the other has come."""
        block, plan = self._block, self._plan
        left, right = plan.columns(block)
        top, _ = plan.rows(block)
        self._blender = RowBlender(
            right - left, plan.tile_size, channels, top, left
        )
        self._resampler = RowResampler(
            plan.grid_size,
            plan.size,
            (block.row, plan.size[0]),
            (block.col, block.col + block.width),
        )

    def _take(self, stop):
        """Render what lies above row `stop` of the model's grid."""
        for rows in self._blender.take(stop):
            self._resampler.push(rows)
            self._render_ready()

    def _render_ready(self):
        for rows in self._resampler.take(self._block.stop):
            self._render(rows)

    def _render(self, rows):
        """Turn rows of the map, probabilities and variance, into rasters."""
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
            self._rasters = self._new_rasters()
        for product in self._store.products:
            raster = product.render(probabilities, variance)
            self._rasters[product.name][:, place] = raster
        self._row += rows.shape[1]

    def _new_rasters(self):
        size = self._block.height, self._block.width
        return {
            product.name: np.empty(
                (product.bands(self._num_classes), *size), product.dtype
            )
            for product in self._store.products
        }

    def _end(self, event):
        block = event.block
        if self._blender is not None:
            self._take(self._plan.rows(block)[1])
            # Of the rows that came with the block above.
            self._render_ready()
        if self._rasters is not None and self._row != block.stop:
            raise RuntimeError(f"{block} has no rows from {self._row} on")
        self._store.write(block, self._rasters, self._num_classes)
        self._rasters = None


class _ViewMean:
    """Mean and variance of the answers to views of the tiles of a batch."""

    def __init__(self, has_variance):
        self._has_variance = has_variance
        self._sums, self._squares = [], []

    @property
    def num_classes(self):
        return len(self._sums[0])

    def add(self, tiles, logits, view):
        first = not self._sums
        for index, tile in enumerate(tiles):
            found = tile_probabilities(logits[index], tile, view)
            if first:
                self._sums.append(found)
                self._squares.append(found**2 if self._has_variance else None)
                continue
            self._sums[index] += found
            if self._has_variance:
                self._squares[index] += found**2

    def results(self, count):
        """Yield arrays `(classes, h, w)`, with variance `(classes + 1, ..)`.

        The variance is that of the classes together, from 0 to 1.
        """
        for mean, squares in zip(self._sums, self._squares, strict=True):
            if count > 1:
                mean /= count
            if self._has_variance:
                squares /= count
                squares -= mean**2
                variance = np.maximum(squares, 0).sum(axis=0, keepdims=True)
                mean = np.concatenate([mean, variance])
            yield mean
