"""A batch is normalised, and its statistics kept, as in torch."""

import contextlib

import keras
import numpy as np
import pytest
from keras import ops

from keras_rsseg.ops.batch_norm import batch_norm
from keras_rsseg.ops.batch_norm import fixed_norm
from keras_rsseg.ops.portable import portable_graph
from tests.gradients import gradient
from tests.ops.evaluate import evaluate
from tests.test_case import TestCase
from tests.test_case import to_numpy


def random_batch(shape=(2, 3, 5, 4), seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(3, 2, shape).astype("float32")
    gamma, beta = rng.normal(1, 0.5, (2, shape[-1])).astype("float32")
    return x, gamma, beta


def plain(x, gamma, beta, epsilon):
    """The definition, float64, channels last."""
    x = x.astype("float64")
    mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    count = x[..., 0].size
    y = gamma * (x - mean) / np.sqrt(variance + epsilon) + beta
    return y, mean, variance * count / max(count - 1, 1)


def apply(x, gamma, beta, epsilon=1e-5, axis=-1):
    if axis == 1:
        x = np.moveaxis(x, -1, 1)
    y, mean, variance = evaluate(
        lambda *tensors: batch_norm(*tensors, epsilon, axis), x, gamma, beta
    )
    return (np.moveaxis(y, 1, -1) if axis == 1 else y), mean, variance


class TestBatchNorm(TestCase):
    @pytest.mark.parametrize("axis", [-1, 1])
    @pytest.mark.parametrize("epsilon", [1e-5, 1e-7, 0.5])
    def test_equals_the_definition(self, axis, epsilon):
        batch = random_batch()
        batch[0][..., 0] = batch[0][..., 0] * 1e-3 - 2  # as small as epsilon
        actual = apply(*batch, epsilon, axis)
        expected = plain(*batch, epsilon)
        for name, x, y in zip(
            ("y", "mean", "variance"), actual, expected, strict=True
        ):
            assert x.dtype == "float32", name
            # Rounding counts more where the variance is small.
            self.assert_close(x, y, 2e-4 if epsilon == 1e-7 else 6e-5, name)

    @pytest.mark.parametrize("axis", [-1, 1])
    def test_one_value_a_channel_becomes_beta(self, axis):
        x, gamma, beta = random_batch((1, 1, 1, 4))
        y, mean, variance = apply(x, gamma, beta, axis=axis)
        # A rounded mean differs, multiplied by 1 / sqrt(epsilon).
        self.assert_close(y[0, 0, 0], beta, 1e-3)
        self.assert_close(mean, x[0, 0, 0])
        np.testing.assert_allclose(variance, 0, atol=1e-6)

    @pytest.mark.parametrize("axis", [-1, 1])
    def test_gradients_equal_finite_differences(self, axis):
        x, gamma, beta = random_batch((2, 2, 3, 2))
        cotangent = np.random.default_rng(1).normal(size=x.shape)

        def loss(x, gamma, beta):
            if axis == 1:
                x = ops.transpose(x, (0, 3, 1, 2))
            y, mean, variance = batch_norm(x, gamma, beta, 1e-5, axis)
            if axis == 1:
                y = ops.transpose(y, (0, 2, 3, 1))
            # The statistics are tracked, not trained.
            return (
                ops.sum(ops.multiply(y, cotangent.astype("float32")))
                + 1e3 * ops.sum(mean)
                + 1e3 * ops.sum(variance)
            )

        def plain_loss(arrays):
            return (plain(*arrays, 1e-5)[0] * cotangent).sum()

        actual = gradient(loss, x, gamma, beta)
        arrays = [a.astype("float64") for a in (x, gamma, beta)]
        for index, array in enumerate(arrays):
            expected = np.zeros_like(array)
            for place in np.ndindex(array.shape):
                changes = []
                for step in (1e-5, -1e-5):
                    changed = [a.copy() for a in arrays]
                    changed[index][place] += step
                    changes.append(plain_loss(changed))
                expected[place] = (changes[0] - changes[1]) / 2e-5
            self.assert_close(actual[index], expected, 1e-4)

    @pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
    def test_half_precision_is_normalised_in_float32(self, dtype):
        # Squares of 300 overflow float16.
        x, gamma, beta = random_batch()
        x = ops.cast(x * 100, dtype)
        y, mean, variance = batch_norm(x, gamma, beta, 1e-5)
        assert keras.backend.standardize_dtype(y.dtype) == dtype
        x = ops.convert_to_numpy(ops.cast(x, "float32"))
        expected = plain(x, gamma, beta, 1e-5)
        self.assert_close(
            ops.cast(y, "float32"),
            expected[0],
            1e-3 if dtype == "float16" else 8e-3,
        )
        self.assert_close(mean, expected[1])
        self.assert_close(variance, expected[2])

    def test_another_axis_is_refused(self):
        with pytest.raises(ValueError, match="axis=2"):
            batch_norm(*random_batch(), 1e-5, axis=2)


class TestFixedNorm(TestCase):
    MOVING = np.array([[1, -2, 0, 30], [4, 1e-5, 0.25, 9]], "float32")

    def expected(self, x, gamma, beta, epsilon):
        mean, variance = self.MOVING.astype("float64")
        return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta

    @pytest.mark.parametrize("axis", [-1, 1])
    @pytest.mark.parametrize("epsilon", [1e-5, 1e-3])
    @pytest.mark.parametrize("portable", [False, True])
    def test_equals_the_definition(self, axis, epsilon, portable):
        x, gamma, beta = random_batch()

        def call(x, gamma, beta, *moving):
            if axis == 1:
                x = ops.transpose(x, (0, 3, 1, 2))
            y = fixed_norm(x, gamma, beta, moving, epsilon, axis)
            return ops.transpose(y, (0, 2, 3, 1)) if axis == 1 else y

        context = portable_graph() if portable else contextlib.nullcontext()
        with context:
            actual = evaluate(call, x, gamma, beta, *self.MOVING)
        expected = self.expected(x, gamma, beta, epsilon)
        self.assert_close(actual, expected, 6e-5)

    def test_gradients_are_those_of_a_linear_map(self):
        """Frozen statistics: each value counts for itself alone."""
        x, gamma, beta = random_batch()

        def loss(x, gamma, beta):
            return ops.sum(fixed_norm(x, gamma, beta, self.MOVING, 1e-3))

        of_x, of_gamma, of_beta = gradient(loss, x, gamma, beta)
        mean, variance = self.MOVING.astype("float64")
        factor = 1 / np.sqrt(variance + 1e-3)
        self.assert_close(of_x, np.broadcast_to(gamma * factor, x.shape), 1e-5)
        self.assert_close(of_gamma, ((x - mean) * factor).sum((0, 1, 2)), 1e-4)
        self.assert_close(of_beta, np.full(4, x[..., 0].size), 1e-6)

    @pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
    def test_half_precision_is_normalised_in_float32(self, dtype):
        x, gamma, beta = random_batch()
        x = ops.cast(x, dtype)
        y = fixed_norm(x, gamma, beta, tuple(self.MOVING), 1e-3)
        assert keras.backend.standardize_dtype(y.dtype) == dtype
        exact = self.expected(
            to_numpy(ops.cast(x, "float32")), gamma, beta, 1e-3
        )
        rounded = {"float16": 2.0**-11, "bfloat16": 2.0**-8}[dtype]
        y = to_numpy(ops.cast(y, "float32"))
        assert (np.abs(y - exact) <= rounded * np.abs(exact) + 1e-4).all()
