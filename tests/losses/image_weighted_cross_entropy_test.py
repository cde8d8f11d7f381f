"""Weights come from the classes of each image, as in GSCNN's recipe."""

import numpy as np

from keras_rsseg.losses import ImageWeightedCrossEntropy
from tests.losses.loss_tester import LossTester
from tests.losses.loss_tester import true_probabilities
from tests.ops.evaluate import evaluate


class TestImageWeightedCrossEntropy(LossTester):
    __test__ = True
    cls = ImageWeightedCrossEntropy

    def plain(self, masks, logits, class_weights=None):
        losses = []
        for mask, scores in zip(masks, logits, strict=True):
            labels, probabilities = true_probabilities(mask, scores)
            shares = np.bincount(labels, minlength=4) / len(labels)
            weights = (2 - shares)[labels]
            if class_weights is not None:
                weights = weights * np.array(class_weights)[labels]
            loss = -np.log(probabilities)
            losses.append((weights * loss).sum() / weights.sum())
        return np.mean(losses)

    def test_an_image_of_one_class_is_plain_cross_entropy(self):
        masks = np.zeros((1, 2, 2), int)
        logits = np.zeros((1, 2, 2, 4), "float32")
        value = evaluate(self.cls(), masks, logits)
        self.assert_close(value, np.log(4.0), 1e-6)
