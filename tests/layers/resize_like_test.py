"""A coarse map comes out at the size of the fine one."""

import numpy as np
import pytest

from keras_rsseg.layers import ResizeLike
from tests.layers import plain
from tests.layers.compiled import jitted
from tests.test_case import TestCase
from tests.test_case import to_numpy


def resized(layer, fine, coarse):
    return to_numpy(jitted(layer)(fine, coarse))


def maps(fine=(2, 7, 5, 2), coarse=(2, 4, 3, 3)):
    rng = np.random.default_rng(0)
    return (
        np.full(fine, np.nan, "float32"),  # only its size is used
        rng.standard_normal(coarse).astype("float32"),
    )


class TestResizeLike(TestCase):
    def test_corners_coincide_if_aligned(self):
        fine, coarse = maps()
        actual = resized(ResizeLike(align_corners=True), fine, coarse)
        self.assert_close(actual, plain.resize_aligned(coarse, (7, 5)))

    def test_borders_coincide_by_default(self):
        fine, coarse = maps((2, 8, 6, 1))
        actual = resized(ResizeLike(), fine, coarse)
        # Twice as large: weights 1/4 and 3/4, the border is kept.
        rows = 0.25 * coarse[:, :-1] + 0.75 * coarse[:, 1:]
        expected = 0.25 * rows[:, :, :-1] + 0.75 * rows[:, :, 1:]
        self.assert_close(actual[:, 2::2, 2::2], expected)
        self.assert_close(actual[:, 0, 0], coarse[:, 0, 0])

    def test_nearest_repeats_pixels(self):
        fine, coarse = maps((2, 8, 6, 1))
        actual = resized(ResizeLike("nearest"), fine, coarse)
        expected = coarse.repeat(2, axis=1).repeat(2, axis=2)
        np.testing.assert_array_equal(actual, expected)

    def test_channels_first_equals_channels_last(self):
        fine, coarse = maps()
        first = ResizeLike(data_format="channels_first")
        inputs = fine.transpose(0, 3, 1, 2), coarse.transpose(0, 3, 1, 2)
        actual = resized(first, *inputs)
        shapes = [x.shape for x in inputs]
        assert first.compute_output_shape(*shapes) == actual.shape
        expected = resized(ResizeLike(), fine, coarse)
        self.assert_close(actual.transpose(0, 2, 3, 1), expected)

    def test_factor_enlarges_before_the_size_of_the_fine_map(self):
        fine, coarse = maps()
        layer = ResizeLike(align_corners=True, factor=2)
        twice = plain.resize_aligned(coarse, (8, 6))
        expected = plain.resize_aligned(twice, (7, 5))
        self.assert_close(resized(layer, fine, coarse), expected)
        once = resized(ResizeLike(align_corners=True), fine, coarse)
        assert np.abs(once - expected).max() > 0.1
        # If sizes fit, nothing is done twice.
        fine, _ = maps((2, 8, 6, 1))
        self.assert_close(resized(layer, fine, coarse), twice)

    def test_a_wrong_factor_is_named(self):
        with pytest.raises(ValueError, match="`factor`.*0"):
            ResizeLike(factor=0)

    @pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
    def test_layer(self, interpolation):
        self.run_layer_test(
            ResizeLike,
            {
                "interpolation": interpolation,
                "align_corners": True,
                "factor": 2,
            }
            if interpolation == "bilinear"
            else {"interpolation": interpolation},
            [(2, 7, 5, 2), (2, 4, 3, 3)],
            expected_output_shape=(2, 7, 5, 3),
            expected_num_trainable=0,
        )
