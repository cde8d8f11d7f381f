"""Blocks cover a map once; a plan gives them the tiles they need."""

import hypothesis
import hypothesis.strategies as st
import numpy as np

from keras_rsseg.data.tiling import tile_windows
from keras_rsseg.scenes.predicting import scene_plan
from keras_rsseg.scenes.predicting.scene_plan import ScenePlan
from keras_rsseg.scenes.predicting.scene_plan import map_blocks

lengths = st.integers(1, 90)


@hypothesis.given(lengths, lengths, st.integers(1, 99), st.integers(1, 99))
def test_each_pixel_lies_in_one_block(height, width, strip, section):
    covered = np.zeros((height, width), int)
    blocks = map_blocks(height, width, strip, section)
    for number, block in enumerate(blocks):
        assert block.number == number
        columns = slice(block.col, block.col + block.width)
        covered[block.row : block.stop, columns] += 1
    assert (covered == 1).all()


@hypothesis.given(
    size=st.tuples(lengths, lengths),
    grid_size=st.none() | st.tuples(lengths, lengths),
    tile=st.integers(1, 40),
    share=st.floats(0, 0.9),
    strip=st.integers(1, 99),
)
def test_blocks_get_all_tiles_that_touch_what_they_are_made_of(
    size, grid_size, tile, share, strip
):
    """And in one section, uninterrupted, each tile once."""
    grid_size = grid_size or size
    stride = tile - int(share * tile)
    plan = ScenePlan(size, grid_size, tile, stride, strip, 4)
    windows = tile_windows(*grid_size, tile, stride)
    last, given = -1, []
    for block in plan.blocks:
        tiles = plan.tiles(block, after=last)
        assert len(tiles) == plan.block_tiles[block.number]
        given += [(window.row, window.col) for window in tiles]
        last = tiles[-1].row if tiles else last
        top, stop = plan.rows(block)
        needed = {
            (window.row, window.col)
            for window in windows
            if window.row < stop and window.row + tile > top
        }
        assert needed <= set(given)
    assert given == [(window.row, window.col) for window in windows]
    assert plan.num_tiles == len(windows)


def test_sections_bound_the_sums_and_start_with_a_tile(monkeypatch):
    for classes in (2, 5, 16, 255, None):
        plan = ScenePlan((60_000,) * 2, (60_000,) * 2, 512, 384, 1024, classes)
        width = plan.section_width
        assert width % 384 == 0
        # Of classes, of weights, and the variance.
        sums = 4 * 512 * width * ((classes or 16) + 2)
        assert sums <= 1.1 * (64 << 20) or width <= 8 * 512 + 384
        # At the border between sections, one column of tiles appears twice.
        sections = -(-60_000 // width)
        columns = len(tile_windows(1, 60_000, 512, 384))
        rows = len(tile_windows(60_000, 1, 512, 384))
        assert plan.num_tiles == (columns + sections - 1) * rows
    monkeypatch.setattr(scene_plan, "_SUMS", 0)
    assert ScenePlan((9, 999), (9, 999), 8, 6, 9, 2).section_width == 66
