"""Torch programs match their network, and are dropped when it changes."""

import logging

import keras
import numpy as np
import pytest

from keras_rsseg.ops.traced_program import TracedProgram

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "torch", reason="is about torch"
)


class Counted:
    """A dense layer that counts how often Python runs it."""

    def __init__(self, does=None):
        self.layer = keras.layers.Dense(2)
        self.layer.build((None, 3))
        self.layer.trainable = False
        self.calls = 0
        self.does = does

    def __call__(self, x):
        self.calls += 1
        y = self.layer.call(x)
        return y if self.does is None else self.does(self.calls, y)

    def program(self):
        return TracedProgram(self, self.layer.variables)


def ones(*shape):
    return torch.ones(shape, device=keras.ops.ones(1).device)


def call(program, x, times=1):
    with torch.no_grad():
        return [keras.ops.convert_to_numpy(program(x)) for _ in range(times)]


def test_shapes_that_come_again_are_traced():
    function = Counted()
    program = function.program()
    expected = call(function, ones(4, 3))[0]
    for found in call(program, ones(4, 3), 9):
        np.testing.assert_array_equal(found, expected)
    # Three, and the fourth twice: once untraced, once traced.
    assert function.calls == 1 + 3 + 2
    call(program, ones(1, 3))
    assert function.calls == 7
    call(program, ones(4, 3), 3)
    assert function.calls == 7


def test_for_many_calls_there_is_a_program_from_the_first_on():
    function = Counted()
    program = TracedProgram(function, function.layer.variables, joins=True)
    first, *others = call(program, ones(4, 3), 5)
    for found in others:
        np.testing.assert_array_equal(found, first)
    # Untraced, and traced.
    assert function.calls == 2
    # However many shapes there are.
    for size in range(5, 20):
        call(program, ones(size, 3))
    before = function.calls
    np.testing.assert_array_equal(call(program, ones(4, 3))[0], first)
    assert function.calls == before + 2


def test_new_weights_are_used():
    function = Counted()
    program = function.program()
    call(program, ones(4, 3), 6)
    weights = [np.full((3, 2), 2.0), np.ones(2)]
    function.layer.set_weights(weights)
    for found in call(program, ones(4, 3), 6):
        np.testing.assert_array_equal(found, np.full((4, 2), 7.0))


def test_gradients_are_those_of_the_function():
    function = Counted()
    program = function.program()
    call(program, ones(4, 3), 6)
    x = ones(4, 3).requires_grad_()
    program(x).sum().backward()
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(x.grad)[0],
        np.sum(function.layer.get_weights()[0], axis=1),
        rtol=1e-6,
    )


def fails(count, y):
    if count == 5:
        raise RuntimeError("no such operator\nmore")
    return y


@pytest.mark.parametrize(
    "does, told",
    [(fails, "no such operator"), (lambda count, y: y * count, "off")],
)
def test_without_a_program_it_runs_as_it_is(does, told, caplog):
    function = Counted(does)
    program = function.program()
    with caplog.at_level(logging.WARNING, "keras_rsseg"):
        call(program, ones(4, 3), 9)
    assert len(caplog.records) == 1
    message = caplog.records[0].getMessage()
    assert "layer by layer" in message and message.count("\n") == 0
    assert told in message
    assert function.calls == 3 + 2 + 5


def test_few_shapes_have_one():
    function = Counted()
    program = function.program()
    for size in range(1, 12):
        call(program, ones(size, 3), 4)
    before = function.calls
    for size in range(1, 12):
        call(program, ones(size, 3))
    assert function.calls == before + 3
