"""Portable operators compute the same as the others."""

import keras
import numpy as np
import pytest

from keras_rsseg.layers.point_matcher import _sigmoid
from keras_rsseg.ops import adaptive_max_pool
from keras_rsseg.ops import scatter_points
from keras_rsseg.ops.portable import is_portable
from keras_rsseg.ops.portable import portable_graph
from tests.test_case import to_numpy


def test_the_context_ends_with_its_block():
    with pytest.raises(ZeroDivisionError), portable_graph():
        assert is_portable()
        _ = 1 / 0
    assert not is_portable()


@pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="torch has a kernel for it"
)
@pytest.mark.parametrize("shape", [(2, 12, 9, 3), (1, 7, 5, 1)])
def test_first_of_equal_maxima(shape):
    # Few values, so that most windows have several maxima.
    x = np.random.default_rng(0).integers(-2, 3, shape).astype("float32")
    # A negative zero is equal to zero here.
    x[x == 0] = 0.0
    expected = adaptive_max_pool(x, (3, 4), return_indices=True)
    with portable_graph():
        found = adaptive_max_pool(x, (3, 4), return_indices=True)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(to_numpy(one), to_numpy(other))


def test_last_of_equal_points_is_written():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(2, 5, 4, 3)).astype("float32")
    # Thirty points of twenty pixels.
    indices = rng.integers(0, 20, (2, 30)).astype("int32")
    values = rng.normal(size=(2, 30, 3)).astype("float32")
    expected = scatter_points(features, indices, values)
    with portable_graph():
        found = scatter_points(features, indices, values)
    np.testing.assert_array_equal(to_numpy(found), to_numpy(expected))


def test_scores_of_points_are_those_of_a_sigmoid_and_keep_their_order():
    x = np.linspace(-80, 80, 3001, dtype="float32")
    exact = 1 / (1 + np.exp(-x.astype("float64")))
    with portable_graph():
        scores = to_numpy(_sigmoid(keras.ops.convert_to_tensor(x)))
    np.testing.assert_allclose(scores, exact, rtol=1e-6)
    assert (np.diff(scores) >= 0).all()
    # Small values must differ, however small they are.
    assert (np.diff(scores[x < 8]) > 0).all()
