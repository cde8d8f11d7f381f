"""Wrong gradients of the helper would hide wrong gradients of ops."""

import numpy as np
from keras import ops

from tests.gradients import gradient


def test_gradients_of_a_known_function():
    x = np.array([1.0, 2.0, 3.0], "float32")
    y = np.array([4.0, 5.0, 6.0], "float32")
    unused = np.ones((2, 2), "float32")
    gradients = gradient(lambda x, y, z: ops.sum(x * x * y), x, y, unused)
    assert all(isinstance(g, np.ndarray) for g in gradients)
    np.testing.assert_allclose(gradients[0], 2 * x * y)
    np.testing.assert_allclose(gradients[1], x * x)
    np.testing.assert_array_equal(gradients[2], np.zeros((2, 2)))


def test_stopped_gradients_are_zero():
    x = np.ones(3, "float32")
    (actual,) = gradient(lambda x: ops.sum(x * ops.stop_gradient(x)), x)
    np.testing.assert_array_equal(actual, [1.0, 1.0, 1.0])
