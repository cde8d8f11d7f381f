"""Focal loss leaves easy pixels out in the measure that the paper says."""

import numpy as np
import pytest

from keras_rsseg.losses.focal_loss import FocalLoss
from keras_rsseg.losses.ohem_cross_entropy import OhemCrossEntropy
from tests.gradients import gradient
from tests.losses.loss_tester import LossTester
from tests.losses.loss_tester import batch
from tests.losses.loss_tester import true_probabilities
from tests.ops.evaluate import evaluate


class TestFocalLoss(LossTester):
    __test__ = True
    cls = FocalLoss
    arguments = {"gamma": 3.0}

    def plain(self, masks, logits, class_weights=None, gamma=2.0):
        labels, p = true_probabilities(masks, logits)
        weights = np.ones(4) if class_weights is None else class_weights
        weights = np.take(weights, labels)
        losses = -((1 - p) ** gamma) * np.log(p)
        return np.sum(weights * losses) / np.sum(weights)

    @pytest.mark.parametrize("gamma", [0, 0.5, 1, 5])
    def test_any_gamma(self, gamma):
        masks, logits = batch()
        logits[0, 0] *= 50  # some pixels have the probability 1
        loss = FocalLoss(gamma)
        expected = self.plain(masks, logits, gamma=gamma)
        value = evaluate(loss, masks, logits)
        np.testing.assert_allclose(value, expected, rtol=1e-5)
        (actual,) = gradient(lambda x: loss(masks, x), logits)
        assert np.isfinite(actual).all()

    def test_gamma_0_is_cross_entropy(self):
        masks, logits = batch()
        expected = evaluate(OhemCrossEntropy(1.0, 1), masks, logits)
        value = evaluate(FocalLoss(0), masks, logits)
        self.assert_close(value, expected, 1e-6)

    def test_a_negative_gamma_is_named(self):
        with pytest.raises(ValueError, match="gamma"):
            FocalLoss(-1)
