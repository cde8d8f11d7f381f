"""A max pool is that of Keras, with the gradient of each maximum."""

import keras
import numpy as np
import pytest

from keras_rsseg.ops.max_pool import max_pool
from tests.gradients import gradient

X = np.random.default_rng(0).normal(size=(2, 9, 8, 3)).astype("float32")


@pytest.mark.parametrize("pool_size, strides", [(3, 2), (2, 2), (3, 1)])
def test_maxima_of_windows(pool_size, strides):
    expected = np.lib.stride_tricks.sliding_window_view(
        X, (pool_size, pool_size), axis=(1, 2)
    )[:, ::strides, ::strides].max(axis=(-2, -1))
    found = max_pool(X, pool_size, strides, "channels_last")
    np.testing.assert_array_equal(found, expected)
    if keras.backend.backend() != "tensorflow":
        found = max_pool(
            X.transpose(0, 3, 1, 2), pool_size, strides, "channels_first"
        )
        np.testing.assert_array_equal(found, expected.transpose(0, 3, 1, 2))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_keeps_the_dtype(dtype):
    y = max_pool(keras.ops.cast(X, dtype), 3, 2, "channels_last")
    assert keras.backend.standardize_dtype(y.dtype) == dtype


def test_a_nan_is_not_hidden():
    x = X.copy()
    x[0, 4, 4, 0] = np.nan
    y = np.asarray(max_pool(x, 3, 2, "channels_last"))
    if keras.backend.backend() == "jax":
        assert np.isnan(y[0, 1:3, 1:3, 0]).all()
    assert not np.isnan(y[1]).any()


def test_the_gradient_goes_to_the_largest():
    (found,) = gradient(
        lambda x: keras.ops.sum(max_pool(x, 3, 2, "channels_last")), X
    )
    expected = np.zeros_like(X)
    for image, row, col, channel in np.ndindex(2, 4, 3, 3):
        window = X[image, 2 * row : 2 * row + 3, 2 * col : 2 * col + 3, channel]
        i, j = np.unravel_index(window.argmax(), window.shape)
        expected[image, 2 * row + i, 2 * col + j, channel] += 1
    np.testing.assert_allclose(found, expected)
