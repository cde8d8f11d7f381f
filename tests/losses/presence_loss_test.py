"""The classes present in an image are learned from its mask."""

import keras
import numpy as np
import pytest

from keras_rsseg.losses import PresenceLoss
from tests.test_case import TestCase


class TestPresenceLoss(TestCase):
    def test_equals_a_plain_computation(self):
        rng = np.random.default_rng(0)
        masks = rng.choice([0, 2, 255], (3, 4, 5))
        masks[0] = 255  # no class at all
        masks[1, 0, 0] = 3
        masks[2, 0, 0] = 7  # none of the four
        logits = rng.standard_normal((3, 4)).astype("float32")
        present = np.array([[c in mask for c in range(4)] for mask in masks])
        assert present.tolist()[:2] == [
            [False] * 4,
            [True, False, True, True],
        ]
        expected = np.log1p(np.exp(np.where(present, -logits, logits))).mean()
        for y_true in (masks, masks[..., None], masks.astype("uint8")):
            found = float(PresenceLoss()(y_true, logits))
            assert found == pytest.approx(expected, 1e-5)

    def test_half_precision_logits(self):
        logits = keras.ops.cast(np.full((1, 2), 30.0), "float16")
        found = PresenceLoss()(np.zeros((1, 2, 2), "uint8"), logits)
        assert float(found) == pytest.approx(15.0, 1e-4)

    def test_configuration(self):
        self.run_config_test(PresenceLoss, {"name": "seen"})

    def test_logits_of_pixels_are_refused(self):
        with pytest.raises(ValueError, match="batch, classes"):
            PresenceLoss()(np.zeros((1, 2, 2)), np.zeros((1, 2, 2, 3)))
