"""Graphs have few operations, and compute the same."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_rsseg.ops.fused_updates import fused_updates
from keras_rsseg.ops.lean_graphs import constant_if_known
from keras_rsseg.ops.lean_graphs import row_starts
from keras_rsseg.ops.lean_graphs import shape_of
from keras_rsseg.ops.lean_graphs import shared
from keras_rsseg.ops.lean_graphs import shared_graphs
from keras_rsseg.ops.lean_graphs import take
from keras_rsseg.ops.portable import portable_graph
from keras_rsseg.ops.resize import resize

in_graphs = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="graphs of TensorFlow"
)


@shared
def scaled_rows(x, factor, name):
    """A function of a tensor, a number and a string."""
    assert name == "rows"
    return ops.cumsum(x, axis=1) * factor


def test_known_lengths_are_computed_once():
    calls = []

    @constant_if_known
    def halves(length, name):
        calls.append(name)
        return ops.arange(length) // 2, ops.cast(length, "float32")

    for _ in range(2):
        numbers, length = halves(5, name="a")
        assert ops.is_tensor(numbers)
        assert ops.convert_to_numpy(numbers).tolist() == [0, 0, 1, 1, 2]
        assert float(length) == 5.0
    # JAX has constants in its programs anyway.
    count = 2 if keras.backend.backend() == "jax" else 1
    assert len(calls) == count
    with portable_graph():
        halves(5, "a")
    assert len(calls) == count + 1


def test_rows_start_after_each_other():
    assert ops.convert_to_numpy(row_starts(3, 4)).tolist() == [0, 4, 8]
    column = ops.convert_to_numpy(row_starts(3, 4, 1))
    assert column.tolist() == [[0], [4], [8]]


def test_known_lengths_are_ints():
    shape = shape_of(ops.ones((2, 3)))
    assert shape == (2, 3)
    assert all(type(length) is int for length in shape)


def test_taken_is_what_was_asked_for():
    x = np.arange(12, dtype="float32").reshape(3, 4)
    found = take(ops.convert_to_tensor(x), ops.convert_to_tensor([3, 0]), 1)
    np.testing.assert_array_equal(ops.convert_to_numpy(found), x[:, [3, 0]])


def test_outside_of_graphs_it_is_the_function():
    x = ops.ones((2, 3))
    expected = [[2, 4, 6]] * 2
    np.testing.assert_array_equal(
        ops.convert_to_numpy(scaled_rows(x, 2.0, "rows")), expected
    )
    with shared_graphs("training"):
        found = scaled_rows(x, 2.0, "rows")
    np.testing.assert_array_equal(ops.convert_to_numpy(found), expected)


@in_graphs
class TestGraphs:
    def test_only_what_depends_on_unknown_lengths_is_in_the_graph(self):
        import tensorflow as tf

        @tf.function
        def starts(x):
            count, length = shape_of(x)
            return row_starts(count, length)

        found = []
        for shape in ((3, 4), (None, 4)):
            graph = starts.get_concrete_function(tf.TensorSpec(shape)).graph
            found.append({node.type for node in graph.get_operations()})
            assert starts(tf.ones((3, 4))).numpy().tolist() == [0, 4, 8]
        known, unknown = found
        assert "Range" in unknown and "Mul" in unknown
        assert known == {"Placeholder", "Const", "Identity"}

    def test_unknown_lengths_are_tensors_of_one_operation(self):
        import tensorflow as tf

        @tf.function
        def lengths(x):
            return shape_of(x)

        spec = tf.TensorSpec((None, 5, None))
        graph = lengths.get_concrete_function(spec).graph
        assert [int(n) for n in lengths(tf.ones((2, 5, 7)))] == [2, 5, 7]
        kinds = [each.type for each in graph.get_operations()]
        assert kinds.count("Unpack") == 1
        assert "StridedSlice" not in kinds

    def test_a_graph_calls_it_and_learns_through_it(self):
        import tensorflow as tf

        @tf.function
        def loss_and_gradient(x):
            with shared_graphs("training"), tf.GradientTape() as tape:
                tape.watch(x)
                y = x
                for factor in (2.0, 2.0, 3.0):
                    y = scaled_rows(y, factor, "rows")
                loss = tf.reduce_sum(y * y)
            return loss, tape.gradient(loss, x)

        spec = tf.TensorSpec((None, None))
        graph = loss_and_gradient.get_concrete_function(spec).graph
        kinds = [each.type for each in graph.get_operations()]
        # Three calls forwards, three backwards, and no copy of their body.
        assert kinds.count("PartitionedCall") == 6
        assert "Cumsum" not in kinds

        x = np.random.default_rng(0).normal(size=(2, 3)).astype("float32")
        loss, gradient = loss_and_gradient(x)
        matrix = np.triu(np.ones((3, 3)))
        whole = 12 * np.linalg.matrix_power(matrix, 3)
        np.testing.assert_allclose(loss, ((x @ whole) ** 2).sum(), rtol=1e-5)
        np.testing.assert_allclose(gradient, 2 * x @ whole @ whole.T, rtol=1e-5)

    @pytest.mark.parametrize("work, calls", [("training", 2), ("inference", 1)])
    def test_resizes_are_called_in_training_only(self, work, calls):
        """TensorFlow fuses no addition of what a call returns."""
        import tensorflow as tf

        @tf.function
        def answer(x):
            with shared_graphs(work):
                x = scaled_rows(resize(x, (4, 6)), 2.0, "rows")
            return x

        spec = tf.TensorSpec((1, 2, 3, 1))
        graph = answer.get_concrete_function(spec).graph
        kinds = [each.type for each in graph.get_operations()]
        assert kinds.count("PartitionedCall") == calls
        assert ("ResizeBilinear" in kinds) == (work == "inference")

    @pytest.mark.parametrize("compiled", [False, True])
    def test_a_training_step(self, compiled):
        """XLA also compiles the called functions."""
        import tensorflow as tf

        variable = tf.Variable(tf.ones((2, 3)))
        optimizer = keras.optimizers.AdamW(0.1)
        optimizer.build([variable])

        @tf.function(jit_compile=compiled)
        def step():
            with shared_graphs("training"), fused_updates(optimizer):
                with tf.GradientTape() as tape:
                    rows = scaled_rows(variable + 0.0, 2.0, "rows")
                    loss = tf.reduce_sum(rows)
                optimizer.apply(tape.gradient(loss, [variable]), [variable])
            return loss

        assert float(step()) == 24.0
        # A step of Adam is the learning rate at first; weights decay by 0.004.
        np.testing.assert_allclose(variable, 1 - 0.1 * 0.004 - 0.1, atol=1e-5)

    def test_types_and_known_sizes_are_kept(self):
        import tensorflow as tf

        @tf.function
        def both(x):
            with shared_graphs("training"):
                half = scaled_rows(tf.cast(x, "bfloat16"), 2.0, "rows")
                assert half.dtype == "bfloat16"
                assert half.shape[1] == 3
                return half

        both(tf.ones((2, 3)))
