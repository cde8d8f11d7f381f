"""The overlap is counted correctly, and absent classes not at all."""

import numpy as np
import pytest

from keras_rsseg.losses.region_loss import DiceLoss
from keras_rsseg.losses.region_loss import LovaszLoss
from keras_rsseg.losses.region_loss import TverskyLoss
from tests.gradients import gradient
from tests.losses.loss_tester import WEIGHTS
from tests.losses.loss_tester import LossTester
from tests.losses.loss_tester import batch
from tests.losses.loss_tester import softmax
from tests.ops.evaluate import evaluate
from tests.test_case import TestCase


def plain_tversky(
    masks, logits, class_weights=None, alpha=0.3, beta=0.7, smooth=1.0
):
    """One class after another."""
    valid = masks != 255
    truth, p = masks[valid], softmax(logits)[valid]
    losses, weights = [], []
    for c in range(p.shape[-1]):
        if not (truth == c).any():
            continue
        tp = p[truth == c, c].sum()
        fp = p[truth != c, c].sum()
        fn = (1 - p[truth == c, c]).sum()
        index = (tp + smooth) / (tp + alpha * fp + beta * fn + smooth)
        losses.append(1 - index)
        weights.append(1.0 if class_weights is None else class_weights[c])
    return np.average(losses, weights=weights)


class TestTverskyLoss(LossTester):
    __test__ = True
    cls = TverskyLoss
    arguments = {"alpha": 0.25, "beta": 1.0, "smooth": 0.0, "per_tile": True}

    def plain(self, masks, logits, class_weights=None):
        return plain_tversky(masks, logits, class_weights)

    @pytest.mark.parametrize(
        "alpha, beta, smooth", [(1.0, 1.0, 0.0), (0.2, 0.9, 5.0), (1.0, 0, 0)]
    )
    def test_any_setting(self, alpha, beta, smooth):
        masks, logits = batch()
        value = evaluate(TverskyLoss(alpha, beta, smooth), masks, logits)
        expected = plain_tversky(masks, logits, None, alpha, beta, smooth)
        np.testing.assert_allclose(value, expected, rtol=1e-5)

    def test_per_tile_is_the_mean_over_labelled_tiles(self):
        masks, logits = batch((3, 9, 11))
        masks[1] = 255
        value = evaluate(TverskyLoss(per_tile=True), masks, logits)
        parts = [plain_tversky(masks[i], logits[i]) for i in (0, 2)]
        np.testing.assert_allclose(value, np.mean(parts), rtol=1e-5)
        assert abs(np.mean(parts) - plain_tversky(masks, logits)) > 1e-3

    def test_classes_that_do_not_occur_do_not_count(self):
        masks, logits = batch()
        masks[masks == 2] = 0
        value = evaluate(TverskyLoss(), masks, logits)
        expected = plain_tversky(masks, logits)
        np.testing.assert_allclose(value, expected, rtol=1e-5)
        # Only the class of weight 0 occurs: nothing to learn, and no NaN.
        masks[masks != 255] = 3
        loss = TverskyLoss(class_weights=[1, 1, 1, 0])
        assert float(evaluate(loss, masks, logits)) == 0.0

    @pytest.mark.parametrize(
        "arguments",
        [{"alpha": -1}, {"beta": -1}, {"alpha": 0, "beta": 0}, {"smooth": -1}],
    )
    def test_bad_arguments_are_named(self, arguments):
        with pytest.raises(ValueError, match=next(iter(arguments))):
            TverskyLoss(**arguments)


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


def plain_lovasz(masks, logits, class_weights=None):
    """By the definition: Jaccard losses of ever larger sets of pixels."""
    valid = masks != 255
    truth, p = masks[valid], softmax(logits)[valid]
    losses, weights = [], []
    for c in range(p.shape[-1]):
        foreground = truth == c
        if not foreground.any():
            continue
        errors = np.abs(foreground - p[:, c])
        order = np.argsort(-errors)
        inside = foreground[order]
        number = inside.sum()
        # Of the first k wrong pixels, those of the class leave the
        # intersection, the others join the union.
        jaccard = 1 - (number - np.cumsum(inside)) / (
            number + np.cumsum(~inside)
        )
        costs = np.diff(jaccard, prepend=0.0)
        losses.append(errors[order] @ costs)
        weights.append(1.0 if class_weights is None else class_weights[c])
    return np.average(losses, weights=weights)


class TestLovaszLoss(LossTester):
    __test__ = True
    cls = LovaszLoss
    arguments = {"per_tile": True}

    def plain(self, masks, logits, class_weights=None):
        return plain_lovasz(masks, logits, class_weights)

    def test_per_tile_is_the_mean_over_labelled_tiles(self):
        masks, logits = batch((3, 9, 11))
        masks[1] = 255
        value = evaluate(LovaszLoss(per_tile=True), masks, logits)
        parts = [plain_lovasz(masks[i], logits[i]) for i in (0, 2)]
        np.testing.assert_allclose(value, np.mean(parts), rtol=1e-5)
        assert abs(np.mean(parts) - plain_lovasz(masks, logits)) > 1e-3

    def test_certain_predictions_cost_one_minus_the_iou(self):
        masks, _ = batch((1, 20, 20))
        predicted = np.where(np.arange(20) < 15, masks, 0) % 255
        logits = 100 * np.eye(4, dtype="float32")[predicted]
        predicted = np.where(masks == 255, 255, predicted)
        scores = [
            np.sum((masks == c) & (predicted == c))
            / np.sum((masks == c) | (predicted == c))
            for c in range(4)
        ]
        value = evaluate(LovaszLoss(), masks, logits)
        np.testing.assert_allclose(value, 1 - np.mean(scores), rtol=1e-5)

    def test_costs_stay_exact_over_many_pixels(self):
        # Differences of Jaccard losses near 1 would be float32 noise here.
        masks = np.zeros((1, 700, 700), "int64")
        masks[0, 0, 0] = 1
        logits = np.zeros((1, 700, 700, 2), "float32")
        logits[..., 0] = np.linspace(2, 3, 700, dtype="float32")
        loss = LovaszLoss(class_weights=[1, 0])
        (actual,) = gradient(lambda x: loss(masks, x), logits)
        p = softmax(logits)[0, :, :, 0]
        # The pixel of class 1 comes first; any other adds 1 / union.
        expected = -p * (1 - p) / 700**2
        self.assert_close(actual[0, 1:, :, 0], expected[1:], 1e-4)
