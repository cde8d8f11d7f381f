"""Class maps are compared as in GSCNN's release."""

import numpy as np
import pytest
from keras import ops

from keras_rsseg.models.gscnn.dual_task import DualTaskLoss
from keras_rsseg.models.gscnn.dual_task import GumbelSoftmax
from tests.gradients import gradient
from tests.test_case import TestCase
from tests.test_case import to_numpy


def outlines(shares, valid):
    magnitude = np.sqrt(2 * shares**2 + 1e-6)
    return magnitude / magnitude[valid].max()


class TestDualTaskLoss(TestCase):
    def test_equals_a_plain_computation(self):
        rng = np.random.default_rng(0)
        masks = rng.integers(0, 3, (2, 5, 4))
        shares = rng.dirichlet([1, 1, 1], (2, 5, 4)).astype("float32")
        masks[0, 1:3] = 255
        # A void pixel can be surer than all others.
        shares[0, 1, 0] = [1, 0, 0]
        valid = masks != 255
        truth = np.eye(3)[np.where(valid, masks, 0)]
        expected = np.abs(outlines(shares, valid) - outlines(truth, valid))
        value = DualTaskLoss()(masks, shares)
        self.assert_close(value, expected[valid].mean(), 1e-5)
        (slopes,) = gradient(lambda x: DualTaskLoss()(masks, x), shares)
        assert not np.any(slopes[~valid])
        assert np.any(slopes[valid])

    def test_nothing_but_void_costs_nothing(self):
        masks = np.full((1, 2, 2), 255)
        shares = np.full((1, 2, 2, 3), 1 / 3, "float32")
        assert float(DualTaskLoss()(masks, shares)) == 0.0

    def test_config(self):
        self.run_config_test(DualTaskLoss, {"ignore_class": 0, "name": "x"})


class TestGumbelSoftmax(TestCase):
    def test_draws_classes_as_often_as_they_are_probable(self):
        shares = np.array([0.6, 0.3, 0.1], "float32")
        logits = np.broadcast_to(np.log(shares), (1, 100, 100, 3))
        drawn = to_numpy(GumbelSoftmax(seed=0)(logits.astype("float32")))
        self.assert_close(drawn.sum(-1), np.ones((1, 100, 100)), 1e-5)
        counts = np.bincount(drawn.argmax(-1).ravel(), minlength=3) / 1e4
        self.assert_close(counts, shares, 0.05)

    def test_noise_is_new_in_each_call(self):
        layer, logits = GumbelSoftmax(seed=0), np.zeros((1, 4, 4, 3), "float32")
        with pytest.raises(AssertionError):
            self.assert_close(layer(logits), layer(logits), 1e-3)

    def test_config_and_gradient(self):
        self.run_config_test(GumbelSoftmax, {"temperature": 2.0, "seed": 3})
        (slopes,) = gradient(
            lambda x: ops.sum(GumbelSoftmax(seed=0)(x)[..., 0]),
            np.zeros((1, 2, 2, 3), "float32"),
        )
        assert np.all(slopes[..., 0] > 0)
