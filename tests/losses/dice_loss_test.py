"""Dice is the Tversky loss (whose test has the rest) that is F1."""

import numpy as np

from keras_rsseg.losses.dice_loss import DiceLoss
from tests.losses.loss_tester import WEIGHTS
from tests.losses.loss_tester import batch
from tests.losses.tversky_loss_test import plain_tversky
from tests.ops.evaluate import evaluate
from tests.test_case import TestCase


class TestDiceLoss(TestCase):
    def test_equals_a_plain_computation(self):
        masks, logits = batch()
        loss = DiceLoss(smooth=2.0, class_weights=WEIGHTS)
        expected = plain_tversky(masks, logits, WEIGHTS, 0.5, 0.5, 2.0)
        value = evaluate(loss, masks, logits)
        np.testing.assert_allclose(value, expected, rtol=1e-5)

    def test_certain_predictions_cost_one_minus_the_f1_score(self):
        masks, _ = batch((1, 20, 20), void=0)
        predicted = np.where(np.arange(20) < 15, masks, 0)
        logits = 100 * np.eye(4, dtype="float32")[predicted]
        scores = []
        for c in range(4):
            tp = np.sum((masks == c) & (predicted == c))
            scores.append(
                2 * tp / (np.sum(masks == c) + np.sum(predicted == c))
            )
        value = evaluate(DiceLoss(smooth=0), masks, logits)
        np.testing.assert_allclose(value, 1 - np.mean(scores), rtol=1e-5)

    def test_config_round_trip(self):
        loss = self.run_config_test(
            DiceLoss, {"smooth": 0.0, "per_tile": True, "ignore_class": 0}
        )
        assert loss.get_config()["per_tile"] is True
