"""No pixel of an image is left without a tile."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_rsseg.data.tiling import join_tiles
from keras_rsseg.data.tiling import tile_starts
from keras_rsseg.data.tiling import tile_windows
from keras_rsseg.rasters.windows import Window

lengths = st.integers(1, 60)


class TestTileWindows:
    @given(lengths, lengths, lengths, lengths, st.data())
    def test_every_pixel_is_covered(self, height, width, high, wide, data):
        stride = (
            data.draw(st.integers(1, high)),
            data.draw(st.integers(1, wide)),
        )
        windows = tile_windows(height, width, (high, wide), stride)
        count = np.zeros((height, width), int)
        for window in windows:
            assert (window.height, window.width) == (high, wide)
            count[window.slices] += 1
        assert count.min() >= 1
        assert len(set(windows)) == len(windows)

    @given(lengths, lengths, lengths)
    def test_tiles_never_reach_beyond_a_large_image(self, extra, tile, stride):
        stride = min(stride, tile)
        length = tile + extra
        starts = tile_starts(length, tile, stride)
        assert starts[0] == 0
        assert starts[-1] + tile == length
        steps = np.diff(starts)
        assert (steps[:-1] == stride).all()
        assert (1 <= steps).all() and (steps <= stride).all()

    def test_an_exact_fit_has_no_extra_tile(self):
        windows = tile_windows(8, 12, 4)
        assert len(windows) == 6
        assert windows[1] == Window(0, 4, 4, 4)

    def test_a_small_image_has_one_window_of_full_size(self):
        assert tile_windows(3, 5, 8) == [Window(0, 0, 8, 8)]

    def test_order_is_row_by_row(self):
        windows = tile_windows(10, 10, 4, 3)
        assert windows == sorted(windows)

    @pytest.mark.parametrize("tile", [0, -1, 2.5, True, (4,), (4, 4, 4), "ab"])
    def test_bad_tile_size_is_named(self, tile):
        with pytest.raises(ValueError, match="`tile_size` must be"):
            tile_windows(8, 8, tile)

    def test_a_stride_that_leaves_pixels_out_is_refused(self):
        with pytest.raises(ValueError, match="stride=5, tile=4"):
            tile_windows(16, 16, 4, 5)

    def test_an_empty_axis_is_refused(self):
        with pytest.raises(ValueError, match="`length` must be"):
            tile_windows(0, 8, 4)


def test_data_imports_without_tensorflow():
    code = (
        "import sys; sys.modules['tensorflow'] = None\n"
        "import keras_rsseg.data as data\n"
        "print(len(data.tile_windows(9, 9, 4)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True
    )
    assert done.stdout.strip() == "9", done.stderr


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
