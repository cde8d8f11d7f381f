"""The boundary loss equals the released one at every level."""

import numpy as np
import pytest
from keras import ops

from keras_rsseg.losses.boundary_cross_entropy import BoundaryCrossEntropy
from tests.gradients import gradient
from tests.shared import read_arrays
from tests.shared import shared_path
from tests.test_case import TestCase
from tests.test_case import to_numpy

LEVELS = ["layer3", "layer2", "layer1"]


def batch(shape=(2, 9, 11), ignored=0.1):
    rng = np.random.default_rng(0)
    target = (rng.random(shape) < 0.2).astype("int32")
    target[rng.random(shape) < ignored] = 255
    logits = 5 * rng.standard_normal(shape).astype("float32")
    return target, logits


def plain_loss(target, logits, class_balanced=True):
    logits = logits.astype("float64")
    entropy = np.where(
        target == 1, np.logaddexp(0, -logits), np.logaddexp(0, logits)
    )
    labelled = target <= 1
    if not class_balanced:
        return entropy[labelled].mean()
    share = (target == 1).sum() / labelled.sum()
    weight = np.where(target == 1, 1 - share, share)
    return (entropy * weight * labelled).mean()


class TestBoundaryCrossEntropy(TestCase):
    @pytest.mark.parametrize("class_balanced", [True, False])
    def test_equals_a_plain_computation(self, class_balanced):
        target, logits = batch()
        loss = BoundaryCrossEntropy(class_balanced)
        expected = plain_loss(target, logits, class_balanced)
        for y_true in (target, target[..., None], target.astype("float32")):
            for y_pred in (logits, logits[..., None]):
                value = to_numpy(loss(y_true, y_pred))
                np.testing.assert_allclose(value, expected, rtol=1e-6)

    @pytest.mark.parametrize(
        "fixture",
        ["loss_edge_ignore.npz", "loss_ohem_thresh.npz", "loss_ce.npz"],
    )
    @pytest.mark.parametrize("index", [0, 1, 2])
    def test_released_values_and_gradients(self, fixture, index):
        truth = read_arrays(shared_path("fixtures", "modules", fixture))
        weight = float(truth["edge_weight"])
        logits = truth[f"edge_logits{index}"].transpose(0, 2, 3, 1)
        target = truth["edge"]

        def weighted(x):
            return weight * BoundaryCrossEntropy()(target, x)

        expected = truth[f"loss/edge_loss_{LEVELS[index]}"]
        self.assert_close(weighted(ops.convert_to_tensor(logits)), expected)
        (actual,) = gradient(weighted, logits)
        expected = truth[f"grad_edge_logits{index}"].transpose(0, 2, 3, 1)
        self.assert_close(actual, expected)

    def test_a_batch_without_boundary_costs_nothing(self):
        _, logits = batch()
        target = np.zeros(logits.shape, "int32")
        assert float(to_numpy(BoundaryCrossEntropy()(target, logits))) == 0

    @pytest.mark.parametrize("class_balanced", [True, False])
    def test_a_batch_without_labels_costs_nothing(self, class_balanced):
        _, logits = batch()
        target = np.full(logits.shape, 255)
        loss = BoundaryCrossEntropy(class_balanced)
        assert float(to_numpy(loss(target, logits))) == 0
        (actual,) = gradient(lambda x: loss(target, x), logits)
        np.testing.assert_array_equal(actual, np.zeros_like(logits))

    @pytest.mark.parametrize("wrong", [0.5, -1.0])
    def test_a_blurred_target_is_loud(self, wrong):
        target, logits = batch()
        target = target.astype("float32")
        target[0, 0, 0] = wrong
        assert np.isnan(to_numpy(BoundaryCrossEntropy()(target, logits)))

    @pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
    def test_large_half_precision_batches_stay_finite(self, dtype):
        target, logits = batch((2, 512, 512))
        logits = ops.cast(logits * 20, dtype)
        value = to_numpy(BoundaryCrossEntropy()(target, logits))
        expected = plain_loss(target, to_numpy(ops.cast(logits, "float32")))
        assert value.dtype == np.float32
        np.testing.assert_allclose(value, expected, rtol=1e-5)

    def test_config_round_trip(self):
        self.run_config_test(BoundaryCrossEntropy, {"class_balanced": False})

    def test_one_channel_is_needed(self):
        with pytest.raises(ValueError, match="1"):
            BoundaryCrossEntropy()(np.zeros((1, 4, 4)), np.zeros((1, 4, 4, 2)))
