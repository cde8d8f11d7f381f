"""Small patches join their largest neighbour."""

import numpy as np
import pytest

from keras_rsseg.scenes.vectors.patch_merging import merge_small


def test_joins_the_largest_neighbour():
    merged = merge_small([0, 1, 2], [10, 1, 20], [[0, 1], [1, 2]], 2)
    np.testing.assert_array_equal(merged, [0, 2, 2])


def test_a_patch_between_two_of_a_class_connects_them():
    # Without that, two patches of one class would share a border.
    merged = merge_small([0, 1, 0], [5, 1, 4], [[0, 1], [1, 2]], 2)
    np.testing.assert_array_equal(merged, [0, 0, 0])


def test_small_ones_grow_together():
    # None has a large neighbour: 3 + 2 + 2 are large enough at last.
    merged = merge_small([0, 1, 2], [3, 2, 2], [[0, 1], [1, 2]], 7)
    np.testing.assert_array_equal(merged, [0, 0, 0])
    # 2 and 3 are 5, which is enough: the last one stays alone.
    merged = merge_small([0, 1, 2], [9, 2, 3], [[1, 2]], 5)
    np.testing.assert_array_equal(merged, [0, 2, 2])


@pytest.mark.parametrize("minimum", [0, 1])
def test_large_ones_stay(minimum):
    merged = merge_small([0, 1], [1, 1], [[0, 1]], minimum)
    np.testing.assert_array_equal(merged, [0, 1])


def test_void_takes_no_part():
    pairs = [[0, 1], [1, 2], [2, 3]]
    merged = merge_small([0, 255, 1, 255], [9, 1, 1, 50], pairs, 5)
    np.testing.assert_array_equal(merged, [0, 1, 2, 3])
