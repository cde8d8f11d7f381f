"""Tiles come back to their places, whatever reaches beyond is dropped."""

import numpy as np

from keras_rsseg.data.joining import join_tiles


def places(*rows):
    keys = ("name", "row", "col", "height", "width")
    return dict(zip(keys, map(np.array, zip(*rows, strict=True)), strict=True))


def test_later_tiles_stay_and_borders_are_cut():
    tiles = np.stack([np.full((4, 4), value) for value in (1, 2, 3)])
    scenes = join_tiles(
        [
            (tiles[:2], places((b"a", 0, 0, 3, 6), (b"a", 0, 2, 3, 6))),
            (tiles[2:], places(("b", -2, -3, 5, 5))),
        ]
    )
    np.testing.assert_array_equal(scenes["a"], [[1, 1, 2, 2, 2, 2]] * 3)
    wanted = np.zeros((5, 5))
    wanted[:2, :1] = 3
    np.testing.assert_array_equal(scenes["b"], wanted)


def test_dtype_and_channels_are_kept():
    tiles = np.random.default_rng(0).random((1, 4, 4, 7)).astype("float32")
    scene = join_tiles([(tiles, places((b"a", 0, 0, 3, 4)))])["a"]
    assert scene.dtype == np.float32
    np.testing.assert_array_equal(scene, tiles[0, :3])
