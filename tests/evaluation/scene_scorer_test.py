"""The tiles that a report shows."""

import numpy as np

from keras_rsseg.evaluation.scene_scorer import WorstTiles

VOID = 255


def add(tiles, wrong, row=0, col=0, scene="a", void=0, size=10):
    truth = np.zeros((size, size), "uint8")
    truth.ravel()[size**2 - void :] = VOID
    predicted = np.zeros_like(truth)
    predicted.ravel()[:wrong] = 1
    image = np.full((size, size, 4), wrong, "uint8")
    tiles.add(scene, row, col, image, truth, predicted)
    image[:] = 0


def found(tiles):
    return [tile.wrong for tile in tiles.tiles]


def test_the_most_wrong_pixels_win_whatever_the_order():
    wrong = [3, 50, 7, 20, 99, 0, 1]
    for order in (wrong, wrong[::-1]):
        tiles = WorstTiles(3)
        for place, count in enumerate(order):
            add(tiles, count, row=10 * place)
        assert found(tiles) == [99, 50, 20]


def test_a_tile_is_kept_as_it_was():
    tiles = WorstTiles(2)
    add(tiles, 25, row=4, col=6, scene="north", void=50)
    (tile,) = tiles.tiles
    assert (tile.scene, tile.row, tile.col) == ("north", 4, 6)
    assert tile.image.shape == (10, 10, 3) and (tile.image == 25).all()
    assert (tile.truth == VOID).sum() == 50
    assert tile.prediction.sum() == 25
    assert tile.labelled == 50 and tile.pixel_accuracy == 0.5


def test_void_is_not_wrong_and_right_tiles_are_not_worst():
    tiles = WorstTiles(2)
    add(tiles, 0)
    add(tiles, 40, void=100)
    assert found(tiles) == []


def test_overlapping_tiles_do_not_fill_the_list():
    """One bad spot is in up to four tiles."""
    tiles = WorstTiles(4)
    add(tiles, 30, row=0)
    add(tiles, 40, row=9)
    add(tiles, 35, row=12)
    add(tiles, 40, row=18)
    add(tiles, 20, row=9, scene="b")
    add(tiles, 10, row=19)
    assert found(tiles) == [40, 20, 10]


def test_none_wanted():
    tiles = WorstTiles(0)
    add(tiles, 30)
    assert found(tiles) == []
