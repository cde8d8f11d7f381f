"""The overlap is counted right, and absent classes not at all."""

import numpy as np
import pytest

from keras_rsseg.losses.tversky_loss import TverskyLoss
from tests.losses.loss_tester import LossTester
from tests.losses.loss_tester import batch
from tests.losses.loss_tester import softmax
from tests.ops.evaluate import evaluate


def plain_tversky(
    masks, logits, class_weights=None, alpha=0.3, beta=0.7, smooth=1.0
):
    """One class after the other."""
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
