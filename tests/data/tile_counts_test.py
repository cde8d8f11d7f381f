"""Counted tiles and void are those of the tiles themselves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_rsseg.data.class_statistics import count_tiles
from keras_rsseg.data.pairs import ImageMaskPairs
from keras_rsseg.data.tiling import tile_windows
from keras_rsseg.rasters.windows import pad
from tests.data.files import random_image
from tests.data.files import write_raster

sides = st.integers(1, 40)


def random_mask(height, width, seed=0):
    rng = np.random.default_rng([seed, height, width])
    mask = rng.integers(0, 4, (height, width), "uint8")
    mask[rng.random(mask.shape) < 0.2] = 255
    return mask


@given(
    st.lists(st.tuples(sides, sides), min_size=1, max_size=3),
    st.tuples(sides, sides),
    st.data(),
)
def test_counts_are_those_of_the_tiles_cut_one_by_one(sizes, tile, data):
    stride = tuple(data.draw(st.integers(1, part)) for part in tile)
    masks = [random_mask(*size) for size in sizes]
    tiles = []
    for mask in masks:
        for row, col, height, width in tile_windows(*mask.shape, tile, stride):
            part = mask[row : row + height, col : col + width]
            # 254 tells padding from the mask's void.
            tiles.append(pad(part, (0, 0), tile, 254))
    tiles = np.stack(tiles)
    found = count_tiles(masks, tile_size=tile, stride=stride)
    assert found.images == len(masks)
    assert found.tiles == len(tiles) and found.pixels == tiles.size
    assert found.padding == (tiles == 254).sum()
    assert found.void == (tiles == 255).sum()
    assert found.void_share == pytest.approx((tiles >= 254).mean())


def test_protocols_and_steps():
    # iSAID's largest scenes are some 4000 by 13000 pixels.
    counts = count_tiles(np.zeros((2000, 3000), "u1"), "isaid")
    # Rows 0, 512, 1024, 1104; columns 0, 512 ... 2048, 2104.
    assert counts.tiles == 4 * 6 and counts.void_share == 0
    assert counts.steps(5) == 5 and counts.steps(5, drop_remainder=True) == 4
    assert counts.steps(8) == counts.steps(8, drop_remainder=True) == 3


def test_files_pairs_and_no_masks_at_all(tmp_path):
    mask = random_mask(30, 50)
    path = write_raster(tmp_path / "mask.png", mask)
    wanted = count_tiles(mask, tile_size=16)
    assert count_tiles(path, tile_size=16) == wanted
    assert count_tiles([path], tile_size=16) == wanted
    pairs = ImageMaskPairs(random_image(30, 50), mask)
    assert count_tiles(pairs, tile_size=16) == wanted
    empty = count_tiles([], tile_size=16)
    assert empty.tiles == 0 and empty.void_share == 0
