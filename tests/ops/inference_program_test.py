"""A program on JAX answers as the network, and leaves its weights alone."""

import threading

import keras
import numpy as np
import pytest

from keras_rsseg.ops.inference_program import inference_program

pytest.importorskip("jax")
pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "jax", reason="is about JAX"
)


@pytest.fixture
def dense():
    layer = keras.layers.Dense(2)
    layer.build((None, 3))
    return layer


def test_weights_assigned_later_are_used(dense):
    program = inference_program(dense, dense.variables)
    x = np.arange(12, dtype="float32").reshape(4, 3)
    np.testing.assert_allclose(program(x), dense(x), rtol=1e-6)
    dense.bias.assign([1.0, -1.0])
    np.testing.assert_allclose(program(x), dense(x), rtol=1e-6)


def test_it_is_compiled_once_for_a_shape(dense):
    traced = []

    def function(x):
        traced.append(x.shape)
        return dense(x)

    program = inference_program(function, dense.variables)
    for rows in (4, 4, 2, 4):
        program(np.ones((rows, 3), "float32"))
    assert traced == [(4, 3), (2, 3)]


def test_several_threads_can_call_it(dense):
    program = inference_program(dense, dense.variables)
    x = np.ones((64, 3), "float32")
    expected, found = np.asarray(program(x)), []

    def run():
        for _ in range(20):
            found.append(np.asarray(program(x)))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 80
    for each in found:
        np.testing.assert_array_equal(each, expected)
