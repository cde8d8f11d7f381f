"""A program answers as the network, and leaves its weights alone."""

import keras
import numpy as np
import pytest

from keras_rsseg.ops.inference_program import inference_program
from tests.threads import in_threads


@pytest.fixture
def dense():
    layer = keras.layers.Dense(2)
    layer.build((None, 3))
    return layer


def rows(count=4):
    values = np.arange(3 * count, dtype="float32").reshape(count, 3)
    return keras.ops.convert_to_tensor(values)


def assert_equal(actual, expected):
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(actual),
        keras.ops.convert_to_numpy(expected),
        rtol=1e-6,
    )


def test_weights_assigned_later_are_used(dense):
    program = inference_program(dense, dense.variables)
    assert_equal(program(rows()), dense(rows()))
    dense.bias.assign([1.0, -1.0])
    assert_equal(program(rows()), dense(rows()))


def test_values_of_its_own_are_nowhere_else(dense):
    values = [(dense.bias, np.array([5.0, 7.0], "float32"))]
    program = inference_program(dense, dense.variables, values)
    for bias in ([0.0, 0.0], [1.0, -1.0]):
        dense.bias.assign(bias)
        product = keras.ops.matmul(rows(), dense.kernel)
        shift = keras.ops.convert_to_numpy(program(rows()) - product)
        np.testing.assert_allclose(shift, [[5, 7]] * 4, rtol=1e-5)
        assert_equal(dense.bias, np.array(bias))


@pytest.mark.skipif(
    keras.backend.backend() == "torch", reason="torch compiles nothing here"
)
def test_it_is_compiled_once_for_a_shape(dense):
    traced = []

    def function(x):
        traced.append(tuple(x.shape))
        return dense(x)

    program = inference_program(function, dense.variables)
    for count in (4, 4, 2, 4):
        program(rows(count))
    # TensorFlow's second graph takes all shapes.
    second = (None, 3) if keras.backend.backend() == "tensorflow" else (2, 3)
    assert traced == [(4, 3), second]


def test_several_threads_can_call_it(dense):
    program = inference_program(dense, dense.variables)
    expected, found = program(rows(64)), []

    def run():
        for _ in range(20):
            found.append(program(rows(64)))

    in_threads(run, 4)
    assert len(found) == 80
    for each in found:
        assert_equal(each, expected)
