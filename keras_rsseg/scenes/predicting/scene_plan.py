"""The blocks of a map, and the tiles that they need."""

import math
from collections.abc import Iterator
from typing import NamedTuple

from keras_rsseg.errors import SceneError
from keras_rsseg.rasters.windows import Window
from keras_rsseg.scenes.predicting.blending import input_range

# Bytes of a section's sums, and its least width, as tiles at its border are
# predicted twice.
_SUMS = 64 << 20
_LEAST_TILES = 8
_USUAL_CLASSES = 16
# At some million pixels each: more than any disk holds.
_MOST_BLOCKS = 1 << 20
# Pixels of the scene beyond a tile that resampling may read.
_MARGIN = 4


class Block(NamedTuple):
    """A rectangle of a map: its number and its place in pixels."""

    number: int
    row: int
    col: int
    height: int
    width: int

    @property
    def stop(self) -> int:
        """First row below it."""
        return self.row + self.height


def map_blocks(
    height: int, width: int, strip_height: int, section_width: int
) -> list[Block]:
    """Cut a map into blocks.

    Sections, ranges of columns, are ordered from the left; in each, strips,
    ranges of rows, from the top. Memory depends on a section's width.

    Args:
        height: height of the map, in pixels.
        width: width of the map, in pixels.
        strip_height: rows in a block; the last of a section has the
            remainder.
        section_width: columns in a block; those of the last section have
            the remainder.

    Returns:
        A list of `Block`s, numbered from 0.

    Example:

    ```python
    from keras_rsseg.scenes.predicting.scene_plan import map_blocks

    [tuple(block) for block in map_blocks(3, 5, 2, 4)]
    # [(0, 0, 0, 2, 4), (1, 2, 0, 1, 4), (2, 0, 4, 2, 1), (3, 2, 4, 1, 1)]
    ```
    """
    corners = [
        (row, col)
        for col in range(0, width, section_width)
        for row in range(0, height, strip_height)
    ]
    return [
        Block(
            number,
            row,
            col,
            min(strip_height, height - row),
            min(section_width, width - col),
        )
        for number, (row, col) in enumerate(corners)
    ]


class ScenePlan:
    """Blocks of a map, and the tiles that each of them needs.

    Tiles always lie on the grid of `tile_windows`, whatever the blocks and
    the part of the scene to map.

    Args:
        size: `(height, width)` of the scene.
        grid_size: `(height, width)` of the model's grid.
        tile_size: length of a tile, in pixels of the model's grid.
        stride: distance between tiles, in pixels of the model's grid.
        strip_height: rows of a block.
        num_classes: number of classes, `None` if unknown.
        window: the part of the scene to map, `None` for all of it.

    Attributes:
        blocks: list of `Block`s, with their places in the map.
        window: the part of the scene to map.
        section_width: columns of a block.
        block_tiles: list of the number of tiles that each block needs
            besides those of the block above it.
        num_tiles: number of tiles to predict for the whole map.
    """

    def __init__(
        self,
        size: tuple[int, int],
        grid_size: tuple[int, int],
        tile_size: int,
        stride: int,
        strip_height: int,
        num_classes: int | None,
        window: Window | None = None,
    ) -> None:
        self.size = size
        self.window = window or Window(0, 0, *size)
        self.grid_size = grid_size
        self.tile_size = tile_size
        self._stride = stride
        self._shape = tuple(min(tile_size, length) for length in grid_size)
        columns = _section_columns(tile_size, stride, num_classes)
        share = size[1] / grid_size[1]
        width = max(1, round(min(columns, grid_size[1]) * share))
        self.section_width = min(width, self.window.width)
        self._check_size(strip_height)
        self.blocks = map_blocks(
            self.window.height,
            self.window.width,
            strip_height,
            self.section_width,
        )
        self.block_tiles = [
            self._count(block, self._last_row(before))
            for before, block in self._pairs()
        ]
        self.num_tiles = sum(self.block_tiles)

    def place(self, block: Block) -> Window:
        """Return where a block lies in the scene."""
        return Window(
            self.window.row + block.row,
            self.window.col + block.col,
            block.height,
            block.width,
        )

    def columns(self, block: Block) -> tuple[int, int]:
        """Return the columns of the model's grid, `(start, stop)`."""
        return self._inputs(1, self.place(block))

    def rows(self, block: Block) -> tuple[int, int]:
        """Return the rows of the model's grid, `(start, stop)`."""
        return self._inputs(0, self.place(block))

    def model_window(self) -> Window:
        """Return the part of the model's grid that the map needs."""
        rows, columns = (self._inputs(axis, self.window) for axis in (0, 1))
        size = rows[1] - rows[0], columns[1] - columns[0]
        return Window(rows[0], columns[0], *size)

    def reading_window(self, window: Window | None = None) -> Window:
        """Return the part of the scene that tiles read.

        Args:
            window: the part of the scene that the tiles meet, `None` for all
                of the map.
        """
        window = window or self.window
        first: list[int] = []
        end: list[int] = []
        for axis in (0, 1):
            starts = self._meeting(axis, *self._inputs(axis, window))
            share = self.size[axis] / self.grid_size[axis]
            # Resampling also reads neighbouring pixels.
            low = math.floor(starts[0] * share) - _MARGIN
            high = math.ceil((starts[-1] + self._shape[axis]) * share)
            first.append(max(low, 0))
            end.append(min(high + _MARGIN, self.size[axis]))
        size = end[0] - first[0], end[1] - first[1]
        return Window(first[0], first[1], *size)

    def continues(self, before: Block | None, block: Block) -> bool:
        """Whether a block lies directly below `before` (can be `None`)."""
        return before is not None and (
            (before.col, before.stop) == (block.col, block.row)
        )

    def tiles(self, block: Block, after: int = -1) -> list[Window]:
        """Return the windows of the tiles that a block needs.

        Args:
            block: `Block`.
            after: leave out tiles that start in this row or above it.

        Returns:
            A list of `Window`s within the grid, row by row.
        """
        rows = self._meeting(0, *self.rows(block))
        columns = self._meeting(1, *self.columns(block))
        return [
            Window(row, col, *self._shape)
            for row in rows
            if row > after
            for col in columns
        ]

    def _check_size(self, strip_height: int) -> None:
        """Refuse a map whose blocks could not even be listed."""
        _, _, height, width = self.window
        count = -(-height // strip_height) * -(-width // self.section_width)
        if count > _MOST_BLOCKS:
            raise SceneError(
                f"The map would have {width} x {height} pixels, "
                f"{width * height:.2g} of them, in {count} strips: too many. "
                "Give the part to map with `area=`, and do parts that are "
                "far apart one by one"
            )

    def _inputs(self, axis: int, place: Window) -> tuple[int, int]:
        start = place[axis]
        return input_range(
            self.grid_size[axis],
            self.size[axis],
            start,
            start + place[2 + axis],
        )

    def _meeting(self, axis: int, start: int, stop: int) -> list[int]:
        """Where the tiles that meet a range of pixels start.

        A part of what `tile_starts` lists: a base map of the world has too
        many to check each.
        """
        length = self._shape[axis]
        last = self.grid_size[axis] - length
        first = max(0, (start - length) // self._stride + 1) * self._stride
        starts = list(range(first, min(stop, last + 1), self._stride))
        if last % self._stride and start < last + length and last < stop:
            starts.append(last)
        return starts

    def _count(self, block: Block, after: int) -> int:
        """Number of windows that `tiles` returns."""
        rows = self._meeting(0, *self.rows(block))
        columns = self._meeting(1, *self.columns(block))
        return sum(row > after for row in rows) * len(columns)

    def _last_row(self, block: Block | None) -> int:
        """First row of a block's last tiles; -1 if it has none."""
        if block is None:
            return -1
        return self._meeting(0, *self.rows(block))[-1]

    def _pairs(self) -> Iterator[tuple[Block | None, Block]]:
        """Blocks, each with the one above it or `None`."""
        before = None
        for block in self.blocks:
            yield before if self.continues(before, block) else None, block
            before = block


def _section_columns(
    tile_size: int, stride: int, num_classes: int | None
) -> int:
    """Width of a section in the model's grid: the next tile starts there."""
    channels = (num_classes or _USUAL_CLASSES) + 2
    columns = _SUMS // (4 * channels * tile_size)
    columns = max(columns, _LEAST_TILES * tile_size)
    return math.ceil(columns / stride) * stride
