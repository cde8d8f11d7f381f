"""The layer trains, remembers and freezes as users of torch expect."""

import keras
import numpy as np
import pytest

from keras_rsseg.layers import BatchNorm
from tests.layers.compiled import call
from tests.test_case import TestCase
from tests.test_case import to_numpy

X = np.random.default_rng(0).normal(3, 2, (2, 5, 4, 3)).astype("float32")
MEAN, BIASED = X.mean((0, 1, 2)), X.var((0, 1, 2))
UNBIASED = X.var((0, 1, 2), ddof=1)


def built(**kwargs):
    layer = BatchNorm(**kwargs)
    layer.build(X.shape)
    return layer


class TestBatchNorm(TestCase):
    def test_training_uses_the_batch_and_moves_the_statistics(self):
        layer = built(momentum=0.75)
        layer.moving_mean.assign([1.0, 2.0, 3.0])
        layer.moving_variance.assign([4.0, 5.0, 6.0])
        y = call(layer, X, training=True)
        self.assert_close(y, (X - MEAN) / np.sqrt(BIASED + 1e-5))
        mean = 0.75 * np.array([1, 2, 3]) + 0.25 * MEAN
        variance = 0.75 * np.array([4, 5, 6]) + 0.25 * UNBIASED
        self.assert_close(layer.moving_mean, mean)
        self.assert_close(layer.moving_variance, variance)

    def test_inference_uses_the_moving_statistics(self):
        layer = built(epsilon=0.1)
        weights = np.random.default_rng(1).uniform(1, 2, (4, 3))
        layer.set_weights(list(weights))
        gamma, beta, mean, variance = weights
        expected = gamma * (X - mean) / np.sqrt(variance + 0.1) + beta
        self.assert_close(call(layer, X), expected)
        self.assert_close(np.stack(layer.get_weights()), weights, 1e-7)

    def test_a_frozen_layer_neither_uses_nor_gathers_the_batch(self):
        # Fine-tuning with a frozen encoder must not drift.
        layer = built()
        layer.trainable = False
        y = call(layer, X, training=True)
        self.assert_close(y, X / np.sqrt(1 + 1e-5))
        np.testing.assert_array_equal(to_numpy(layer.moving_mean), 0)
        np.testing.assert_array_equal(to_numpy(layer.moving_variance), 1)

    def test_defaults_are_those_of_torch(self):
        layer = BatchNorm()
        assert (layer.momentum, layer.epsilon) == (0.9, 1e-5)

    @pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
    def test_mixed_precision_keeps_weights_and_statistics(self, policy):
        layer = built(dtype=policy, momentum=0.5)
        # 1 + 2**-12 is 1 in either half precision.
        layer.gamma.assign(np.full(3, 1 + 2**-12))
        layer.beta.assign(np.full(3, 1000.0))
        x = keras.ops.cast(X, policy[6:])
        y = call(layer, x, training=True)
        assert keras.backend.standardize_dtype(y.dtype) == policy[6:]
        rounded = to_numpy(keras.ops.cast(x, "float32"))
        self.assert_close(layer.moving_mean, 0.5 * rounded.mean((0, 1, 2)))
        self.assert_close(
            layer.moving_variance,
            0.5 + 0.5 * rounded.var((0, 1, 2), ddof=1),
        )
        assert {v.dtype for v in layer.weights} == {"float32"}

    def test_torch_remembers_the_same(self):
        torch = pytest.importorskip("torch")
        if keras.backend.backend() != "torch":
            pytest.skip("torch is compared where it is the backend")
        layer, reference = built(), torch.nn.BatchNorm2d(3)
        with torch.device("cpu"):
            x = torch.tensor(X.transpose(0, 3, 1, 2))
        for _ in range(3):
            y = layer(X, training=True)
            expected = reference(x)
        expected = expected.detach().numpy().transpose(0, 2, 3, 1)
        self.assert_close(y, expected)
        self.assert_close(layer.moving_variance, reference.running_var)
        self.assert_close(layer.moving_mean, reference.running_mean)

    def test_config(self):
        layer = self.run_config_test(
            BatchNorm, {"axis": 1, "momentum": 0.8, "epsilon": 1e-3}
        )
        assert (layer.axis, layer.momentum, layer.epsilon) == (1, 0.8, 1e-3)
