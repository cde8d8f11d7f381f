"""Batches are the same in a pipeline's graph and outside."""

import numpy as np
import pytest

from keras_rsseg.models.sample_preparation import fill_batch
from keras_rsseg.models.sample_preparation import void_not_finite
from keras_rsseg.models.sample_preparation import weights_of_pixels

TILES = np.arange(3 * 2 * 2 * 3, dtype="float32").reshape(3, 2, 2, 3)
MASKS = np.arange(12, dtype="uint8").reshape(3, 2, 2)


def both(function, *arrays):
    """The results of NumPy, compared with those of a `tf.data` graph."""
    found = function(*arrays)
    found = found if isinstance(found, tuple) else (found,)
    tf = pytest.importorskip("tensorflow")
    data = tf.data.Dataset.from_tensors(arrays).map(function)
    (graph,) = data.as_numpy_iterator()
    graph = graph if isinstance(graph, tuple) else (graph,)
    for one, other in zip(found, graph, strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype
    return found


@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_pixels_that_are_not_finite_are_void(value):
    tiles = TILES.copy()
    tiles[1, 0, 1, 2] = value
    found, masks = both(void_not_finite, tiles, MASKS)
    expected = MASKS.copy()
    expected[1, 0, 1] = 255
    np.testing.assert_array_equal(masks, expected)
    assert (found[1, 0, 1] == 0).all() and np.isfinite(found).all()
    kept = expected != 255
    np.testing.assert_array_equal(found[kept], TILES[kept])


@pytest.mark.parametrize(
    "shape", [(3,), (3, 1), (3, 2, 2), (3, 2, 2, 1)], ids=str
)
def test_weights_become_those_of_pixels(shape):
    weights = np.arange(3, dtype="float32").reshape(3, *[1] * (len(shape) - 1))
    weights = np.broadcast_to(weights, shape)
    (found,) = both(weights_of_pixels, weights, MASKS)
    assert found.shape == (3, 2, 2)
    np.testing.assert_array_equal(found[:, 1, 1], [0, 1, 2])


@pytest.mark.parametrize("multiple, filled", [(1, 3), (2, 4), (3, 3), (4, 4)])
def test_batches_are_filled_with_void(multiple, filled):
    weights = np.ones(MASKS.shape, "float32")
    tiles, masks, weights = both(
        lambda *arrays: fill_batch(*arrays, multiple), TILES, MASKS, weights
    )
    assert len(tiles) == len(masks) == len(weights) == filled
    np.testing.assert_array_equal(masks[:3], MASKS)
    for index in range(3, filled):
        np.testing.assert_array_equal(tiles[index], TILES[2])
        assert (masks[index] == 255).all() and not weights[index].any()
