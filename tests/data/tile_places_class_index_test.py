"""Every pixel of a class is in the index once, in its own cell."""

import numpy as np
import pytest

from keras_rsseg.data.pairs import ImageMaskPairs
from keras_rsseg.data.tile_places import ClassIndex
from tests.data.files import random_image
from tests.data.files import write_raster


@pytest.mark.parametrize("cache", [True, False])
def test_counts_are_those_of_the_masks(tmp_path, cache):
    rng = np.random.default_rng(0)
    # Higher than a strip of rows, and not a multiple of the cell.
    masks = [
        rng.integers(0, 5, size, "uint8") for size in ((1100, 37), (9, 50))
    ]
    for mask in masks:
        mask[mask == 4] = 255
    paths = [
        (
            write_raster(tmp_path / f"{index}.png", random_image(*mask.shape)),
            write_raster(tmp_path / f"{index}_mask.png", mask),
        )
        for index, mask in enumerate(masks)
    ]
    pairs = ImageMaskPairs(*zip(*paths, strict=True), cache=cache)
    index = ClassIndex(pairs, (80, 64))
    assert index.cell == 16
    assert (np.diff(index.classes) >= 0).all()
    seen = [np.zeros((mask.shape[0], mask.shape[1], 4), int) for mask in masks]
    for class_id, count, (image, row, col) in zip(
        index.classes, index.counts, index.cells, strict=True
    ):
        part = masks[image][row : row + 16, col : col + 16]
        assert count == (part == class_id).sum() > 0
        seen[image][row : row + 16, col : col + 16, class_id] += 1
    for mask, times in zip(masks, seen, strict=True):
        rows, cols = np.nonzero(mask != 255)
        assert (times[rows, cols, mask[rows, cols]] == 1).all()


def test_pixels_where_the_image_holds_no_data_are_left_out():
    image = random_image(20, 20).astype("float32")
    image[:, :10] = np.nan
    mask = np.zeros((20, 20), "u1")
    mask[:, :10] = 1
    index = ClassIndex(ImageMaskPairs(image, mask), (16, 16))
    assert set(index.classes) == {0} and index.counts.sum() == 200


@pytest.mark.parametrize("tile, cell", [(512, 64), (100, 16), (3, 1), (1, 1)])
def test_cells_fit_the_tile(tile, cell):
    pairs = ImageMaskPairs(random_image(8, 8), np.zeros((8, 8), "u1"))
    assert ClassIndex(pairs, (tile, 2 * tile)).cell == cell
