"""Read the tiles of a map's blocks in batches, and show how far it is."""

import contextlib
import time
from collections.abc import Collection
from collections.abc import Generator
from collections.abc import Iterator
from typing import NamedTuple
from typing import Self

import numpy as np
from tqdm import tqdm

from keras_rsseg.rasters import windows
from keras_rsseg.rasters.windows import Window
from keras_rsseg.rasters.windows import block_cache
from keras_rsseg.scenes.predicting.scene_plan import Block
from keras_rsseg.scenes.predicting.scene_plan import ScenePlan
from keras_rsseg.scenes.predicting.tile_predictor import Tile
from keras_rsseg.scenes.predicting.tile_predictor import reflected
from keras_rsseg.scenes.predicting.tile_predictor import stack_tiles
from keras_rsseg.scenes.reading.scene_reader import SceneReader

# Rows whose validity is read at a time, to fit the processor's cache.
_MASK_ROWS = 128


def has_no_blocks(
    scene: SceneReader, row: int, col: int, height: int, width: int
) -> bool:
    """Return whether a window is empty because no blocks are stored there.

    Args:
        scene: `SceneReader`.
        row: first row.
        col: first column.
        height: number of rows.
        width: number of columns.

    Returns:
        A bool; `False` if the index does not say.
    """
    window = Window(row, col, height, width)
    bands = scene.validity.sparse_bands
    return windows.has_no_blocks(scene.dataset, bands, window)


class BlockBegin(NamedTuple):
    """The tiles of a block follow.

    Attributes:
        block: `Block`.
        continues: whether the tiles that it shares with the block above have
            just come.
        valid: its valid pixels, packed bits `(h, w / 8)`, if tiles are not
            on the map's grid; else `None`.
    """

    block: Block
    continues: bool
    valid: np.ndarray | None


class BlockEnd(NamedTuple):
    """The tiles of a block are complete."""

    block: Block


class BlockEmpty(NamedTuple):
    """The block has no valid pixels."""

    block: Block


Event = BlockBegin | Tile | BlockEnd | BlockEmpty


class Batch(NamedTuple):
    """The next tiles, and the beginnings and ends of blocks.

    Attributes:
        events: list of `Event`s, the tiles without pixels.
        pixels: array `(B, T, T, bands)` of the tiles, `None` if there are
            none.
    """

    events: list[Event]
    pixels: np.ndarray | None


def read_batches(
    plan: ScenePlan,
    scene: SceneReader,
    grid: SceneReader | None,
    done: Collection[int],
    batch_size: int,
) -> Generator[Batch, None, None]:
    """Read the blocks of a map that are still to be done.

    Only the iterating thread touches the scene's file.

    Args:
        plan: `ScenePlan`.
        scene: `SceneReader` on the map's grid.
        grid: reader on the model's grid, or `None` for the map's.
        done: numbers of the blocks that are finished.
        batch_size: number of tiles in a batch.

    Yields:
        `Batch`es.
    """
    with contextlib.ExitStack() as stack:
        scene = stack.enter_context(scene.reopened())
        stack.enter_context(scene_cache(scene, plan))
        if grid is not None:
            grid = stack.enter_context(grid.reopened())
        events: list[Event] = []
        tiles: list[Tile] = []
        for event in _events(plan, scene, grid, done):
            if isinstance(event, Tile):
                tiles.append(event)
                event = event._replace(pixels=None)
            events.append(event)
            if len(tiles) == batch_size or not tiles:
                yield _batch(events, tiles, batch_size)
                events, tiles = [], []
        if tiles:
            yield _batch(events, tiles, batch_size)


def scene_cache(
    scene: SceneReader, plan: ScenePlan
) -> contextlib.AbstractContextManager[None]:
    """Return a context in which GDAL caches a section's row of tiles.

    Without it, file blocks that span the scene would be read again for each
    tile.

    Args:
        scene: `SceneReader`.
        plan: `ScenePlan`.
    """
    return block_cache(scene.dataset, cached_rows(scene, plan))


def cached_rows(scene: SceneReader, plan: ScenePlan) -> int:
    """Return how many of the scene's rows `scene_cache` holds.

    Args:
        scene: `SceneReader`.
        plan: `ScenePlan`.
    """
    width = max(plan.section_width, scene.dataset.block_shapes[0][1])
    share = min(1, width / scene.width)
    rows = plan.tile_size * plan.size[0] / plan.grid_size[0] * share
    return int(rows) + 1


def _batch(events: list[Event], tiles: list[Tile], batch_size: int) -> Batch:
    pixels = stack_tiles(tiles, batch_size) if tiles else None
    return Batch(events, pixels)


def _events(
    plan: ScenePlan,
    scene: SceneReader,
    grid: SceneReader | None,
    done: Collection[int],
) -> Iterator[Event]:
    before, last = None, -1
    for block in plan.blocks:
        if block.number in done:
            continue
        place = plan.place(block)
        empty, valid = _read_mask(scene, place, whole=grid is not None)
        if empty:
            yield BlockEmpty(block)
            continue
        continues = plan.continues(before, block)
        last = last if continues else -1
        yield BlockBegin(block, continues, valid)
        for window in plan.tiles(block, after=last):
            last = window.row
            tile = _read_tile(grid or scene, window, plan.tile_size)
            if tile is not None:
                yield tile
        yield BlockEnd(block)
        before = block


def _read_tile(
    reader: SceneReader, window: Window, tile_size: int
) -> Tile | None:
    pixels, valid = reader.read(*window)
    if not valid.any():
        return None
    pixels = reflected(pixels, tile_size)
    return Tile(0, window.row, window.col, pixels, valid)


def _read_mask(
    scene: SceneReader, place: Window, whole: bool
) -> tuple[bool, np.ndarray | None]:
    """Whether a part is empty, and its valid pixels if requested."""
    if has_no_blocks(scene, *place):
        return True, None
    parts, empty = [], True
    stop = place.row + place.height
    for row in range(place.row, stop, _MASK_ROWS):
        rows = min(_MASK_ROWS, stop - row)
        valid = scene.read_valid(row, place.col, rows, place.width)
        empty = empty and not valid.any()
        if whole:
            parts.append(np.packbits(valid, axis=1))
        elif not empty:
            break
    return empty, np.concatenate(parts) if parts else None


class TileProgress:
    """Counts tiles, including those without valid pixels.

    The first batch also compiles the network, so speed and remaining time
    are measured from its end.

    Args:
        plan: `ScenePlan`.
        done: numbers of the blocks that are finished.
        disable: whether to show nothing.
    """

    def __init__(
        self, plan: ScenePlan, done: Collection[int], disable: bool
    ) -> None:
        self._tiles = plan.block_tiles
        passed = sum(self._tiles[number] for number in done)
        self._passed = passed
        height, width = plan.window[2:]
        self._pixels = height * width / max(1, plan.num_tiles)
        self._start: float | None = None
        self._bar = tqdm(
            total=plan.num_tiles,
            initial=passed,
            unit="tile",
            desc="compiling",
            disable=disable,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.close()

    def update(self, batch: Batch) -> None:
        """Advance by a batch."""
        current = self._bar.n
        for event in batch.events:
            if isinstance(event, Tile):
                current += 1
            elif not isinstance(event, BlockBegin):
                self._passed += self._tiles[event.block.number]
                current = self._passed
        if self._start is not None:
            self._tell_speed(current)
        elif batch.pixels is not None:
            self._begin(current)
        self._bar.update(current - self._bar.n)

    def _begin(self, current: int) -> None:
        """Start measuring here, if any tiles are left."""
        self._bar.set_description("predict", refresh=False)
        self._start, self._first = time.perf_counter(), current
        if not self._bar.disable and current < self._bar.total:
            self._bar.n = self._bar.initial = current
            self._bar.unpause()

    def _tell_speed(self, current: int) -> None:
        assert self._start is not None
        seconds = time.perf_counter() - self._start
        # With a single batch there is nothing to report.
        if seconds > 0 and current > self._first:
            speed = (current - self._first) * self._pixels / seconds
            self._bar.set_postfix_str(f"{speed / 1e6:.2f} Mpx/s", refresh=False)
