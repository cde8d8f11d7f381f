"""Counts are exact, however many pixels a batch has."""

import numpy as np

from keras_rsseg.ops.counting import count_ids
from tests.ops.evaluate import evaluate


def test_equals_numpy():
    ids = np.random.default_rng(0).integers(0, 7, (3, 11, 13)).astype("int32")
    ids[ids == 5] = 4
    counts = evaluate(lambda x: count_ids(x, 9), ids)
    np.testing.assert_array_equal(counts, np.bincount(ids.ravel(), minlength=9))
    assert counts.dtype == np.int32


def test_an_id_may_occur_more_often_than_a_float_counts():
    # A scene of 4096 x 4097 pixels; a sum of float32 ones stops at 2**24.
    ids = np.zeros(2**24 + 4096, "int32")
    ids[-5:] = 1
    counts = evaluate(lambda x: count_ids(x, 2), ids)
    np.testing.assert_array_equal(counts, [2**24 + 4091, 5])
