"""Taps read where they are plus their offset, and zero outside."""

import numpy as np

from keras_rsseg.ops.sample_taps import sample_taps
from tests.layers.compiled import jitted
from tests.test_case import TestCase
from tests.test_case import to_numpy


class TestSampleTaps(TestCase):
    def test_whole_pixels_are_those_of_the_map(self):
        rng = np.random.default_rng(0)
        x = rng.standard_normal((2, 4, 7, 3)).astype("float32")
        shifts = rng.integers(-2, 3, (2, 4, 7, 9, 2))
        taps = jitted(lambda x, s: sample_taps(x, s, dilation_rate=2))(
            x, shifts.reshape(2, 4, 7, 18).astype("float32")
        )
        expected = np.zeros((2, 4, 7, 9, 3))
        for b, i, j, tap in np.ndindex(2, 4, 7, 9):
            down, right = shifts[b, i, j, tap]
            row = i + 2 * (tap // 3 - 1) + down
            column = j + 2 * (tap % 3 - 1) + right
            if 0 <= row < 4 and 0 <= column < 7:
                expected[b, i, j, tap] = x[b, row, column]
        self.assert_close(taps, expected, 1e-5)

    def test_between_pixels_is_bilinear(self):
        x = np.array([[0.0, 4.0], [8.0, 16.0]], "float32")[None, :, :, None]
        shifts = np.full((1, 2, 2, 2), [0.5, 0.25], "float32")
        taps = to_numpy(sample_taps(x, shifts, kernel_size=1))
        # Half of the last row and a quarter of the last column are outside.
        expected = [[5.5, 7.5], [5.0, 6.0]]
        np.testing.assert_allclose(taps[0, :, :, 0, 0], expected, atol=1e-5)
