"""The Lovasz loss is that of the paper, and the IoU where it is certain."""

import numpy as np

from keras_rsseg.losses.lovasz_loss import LovaszLoss
from tests.gradients import gradient
from tests.losses.loss_tester import LossTester
from tests.losses.loss_tester import batch
from tests.losses.loss_tester import softmax
from tests.ops.evaluate import evaluate


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
        # Of the first k pixels wrong: those of the class leave the
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
