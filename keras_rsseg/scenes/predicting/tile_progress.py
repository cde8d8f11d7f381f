"""Show the progress of a scene on stderr."""

import time
from collections.abc import Collection
from typing import Self

from tqdm import tqdm

from keras_rsseg.scenes.predicting.block_reader import Batch
from keras_rsseg.scenes.predicting.block_reader import BlockBegin
from keras_rsseg.scenes.predicting.scene_plan import ScenePlan
from keras_rsseg.scenes.predicting.tile_predictor import Tile


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
