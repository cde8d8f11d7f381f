"""PFNet's training loss equals the released one, including void."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_rsseg.losses.ohem_cross_entropy import OhemCrossEntropy
from tests.gradients import gradient
from tests.ops.evaluate import evaluate
from tests.shared import read_arrays
from tests.shared import shared_path
from tests.test_case import TestCase
from tests.test_case import to_numpy

FIXTURES = ["loss_ohem_thresh.npz", "loss_ohem_fewvalid.npz", "loss_ce.npz"]


def batch(shape=(2, 9, 11), classes=4, void=0.2, scale=3.0):
    """Masks with void pixels and logits that are often right."""
    rng = np.random.default_rng(0)
    masks = rng.integers(0, classes, shape)
    logits = rng.standard_normal((*shape, classes))
    logits += scale * np.eye(classes)[masks] * rng.random(shape)[..., None]
    masks[rng.random(shape) < void] = 255
    return masks, logits.astype("float32")


def plain_ohem(masks, logits, threshold, min_kept):
    """The loss as computed by the paper's authors: by sorting."""
    logits = logits.astype("float64")
    logits = logits - logits.max(-1, keepdims=True)
    probabilities = np.exp(logits)
    probabilities /= probabilities.sum(-1, keepdims=True)
    valid = masks != 255
    labels = np.where(valid, masks, 0)[..., None]
    true = np.take_along_axis(probabilities, labels, -1)[..., 0]
    true = np.where(valid, true, 1.0)
    keep = valid
    if min_kept <= valid.sum():
        kth = np.sort(true, axis=None)[min_kept - 1]
        keep = valid & (true <= max(kth, threshold))
    return -np.log(true[keep]).mean()


class TestOhemCrossEntropy(TestCase):
    @pytest.mark.parametrize(
        "threshold, min_kept",
        [
            (0.7, 1),  # the threshold decides
            (0.05, 60),  # the rank decides
            (0.05, 158),  # nearly all valid pixels
            (0.7, 10000),  # more than there are
            (1.0, 5),  # plain cross-entropy
        ],
    )
    @pytest.mark.parametrize("mask_dtype", ["uint8", "int64", "float32"])
    def test_equals_a_plain_computation(self, threshold, min_kept, mask_dtype):
        masks, logits = batch()
        loss = OhemCrossEntropy(threshold, min_kept)
        expected = plain_ohem(masks, logits, threshold, min_kept)
        for shaped in (masks, masks[..., None]):
            value = loss(shaped.astype(mask_dtype), logits)
            np.testing.assert_allclose(to_numpy(value), expected, rtol=2e-6)

    def test_the_cases_differ(self):
        # Otherwise the test above would not show which rule was applied.
        masks, logits = batch()
        values = [
            plain_ohem(masks, logits, threshold, min_kept)
            for threshold, min_kept in [(0.7, 1), (0.05, 60), (1.0, 5)]
        ]
        assert np.diff(np.sort(values)).min() > 0.1

    @pytest.mark.parametrize("fixture", FIXTURES)
    def test_released_values_and_gradients(self, fixture):
        truth = read_arrays(shared_path("fixtures", "modules", fixture))
        logits = truth["logits"].transpose(0, 2, 3, 1)
        loss = OhemCrossEntropy(1.0, 1)  # plain cross-entropy
        if truth["ohem"]:
            loss = OhemCrossEntropy(
                float(truth["thresh"]), int(truth["min_kept"])
            )
        value = loss(truth["target"], logits)
        self.assert_close(value, truth["loss/seg_loss"])
        (actual,) = gradient(lambda x: loss(truth["target"], x), logits)
        expected = truth["grad_logits"].transpose(0, 2, 3, 1)
        self.assert_close(actual, expected)

    def test_void_logits_get_no_gradient(self):
        masks, logits = batch()
        (actual,) = gradient(
            lambda x: OhemCrossEntropy(min_kept=50)(masks, x), logits
        )
        assert np.abs(actual[masks == 255]).max() == 0
        assert np.abs(actual[masks != 255]).max() > 0

    @pytest.mark.parametrize("from_logits", [True, False])
    def test_void_pixels_may_be_nan(self, from_logits):
        # Zero times NaN is NaN: one such gradient would spoil every weight.
        masks, logits = batch()
        loss = OhemCrossEntropy(min_kept=50, from_logits=from_logits)
        given = logits
        if not from_logits:
            given = to_numpy(ops.softmax(ops.convert_to_tensor(logits)))
        broken = np.where((masks == 255)[..., None], np.float32("nan"), given)
        values = [evaluate(loss, masks, x) for x in (broken, given)]
        self.assert_close(*values, 1e-6)
        (actual,) = gradient(lambda x: loss(masks, x), broken)
        (expected,) = gradient(lambda x: loss(masks, x), given)
        assert np.abs(expected).max() > 0
        self.assert_close(actual, expected, 1e-6)

    @pytest.mark.parametrize("min_kept", [1, 50, 10000])
    def test_a_pixel_that_is_not_finite_is_loud(self, min_kept):
        # Otherwise a diverged network would seem to train, with loss 0 in
        # the end.
        masks, logits = batch()
        place = tuple(np.argwhere(masks == 1)[0])
        loss = OhemCrossEntropy(min_kept=min_kept)
        for value in (np.nan, -np.float32(np.nan), np.inf):
            for channel in (slice(None), 1, 3):
                broken = logits.copy()
                broken[(*place, channel)] = value
                assert np.isnan(evaluate(loss, masks, broken)), channel
            assert np.isnan(evaluate(loss, masks, 0 * logits + value))
        # The true class ruled out: the cross-entropy is infinite.
        broken = logits.copy()
        broken[(*place, 1)] = -np.inf
        assert evaluate(loss, masks, broken) == np.inf

    def test_pixels_that_are_not_finite_count_as_the_hardest(self):
        # They take places of those kept at least, and change no other loss.
        masks, logits = batch()
        valid = np.argwhere(masks < 4)
        broken = logits.copy()
        broken[tuple(valid[:20].T)] = np.nan
        pixels = {"reduction": None, "threshold": 1e-6}
        losses = evaluate(
            OhemCrossEntropy(min_kept=30, **pixels), masks, broken
        )
        finite = np.isfinite(losses)
        np.testing.assert_array_equal(np.argwhere(~finite), valid[:20])
        assert np.count_nonzero(losses[finite]) == 10

    def test_a_batch_of_void_pixels_costs_nothing(self):
        masks, logits = batch()
        masks[:] = 255
        loss = OhemCrossEntropy(min_kept=50)
        assert float(to_numpy(loss(masks, logits))) == 0.0
        (actual,) = gradient(lambda x: loss(masks, x), logits)
        np.testing.assert_array_equal(actual, np.zeros_like(logits))

    @pytest.mark.parametrize("wrong", [4, 254, -1])
    def test_a_class_id_out_of_range_is_loud(self, wrong):
        masks, logits = batch()
        masks[1, 2, 3] = wrong
        loss = OhemCrossEntropy(min_kept=50)
        assert np.isnan(to_numpy(loss(masks, logits)))
        (actual,) = gradient(lambda x: loss(masks, x), logits)
        assert np.isfinite(actual).all()

    def test_sample_weight_multiplies_pixels(self):
        masks, logits = batch()
        loss = OhemCrossEntropy(1.0, 1)
        weight = np.zeros(masks.shape, "float32")
        weight[0] = 2.0
        value = loss(masks, logits, sample_weight=weight)
        first = plain_ohem(masks[:1], logits[:1], 1.0, 1)
        share = (masks[0] != 255).sum() / (masks != 255).sum()
        np.testing.assert_allclose(
            to_numpy(value), 2 * first * share, rtol=1e-5
        )

    def test_probabilities(self):
        masks, logits = batch()
        probabilities = ops.softmax(ops.convert_to_tensor(logits))
        loss = OhemCrossEntropy(min_kept=60, from_logits=False)
        of_logits = OhemCrossEntropy(min_kept=60)
        value = loss(masks, probabilities)
        self.assert_close(value, of_logits(masks, logits), 1e-5)
        (actual,) = gradient(lambda x: loss(masks, ops.softmax(x)), logits)
        (expected,) = gradient(lambda x: of_logits(masks, x), logits)
        self.assert_close(actual, expected, 1e-4)

    @pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
    def test_large_half_precision_batches_stay_finite(self, dtype):
        # A sum of 2 * 512 * 512 losses overflows float16.
        masks, logits = batch((2, 512, 512), classes=3)
        logits = ops.cast(logits * 20, dtype)
        value = to_numpy(OhemCrossEntropy()(masks, logits))
        expected = plain_ohem(
            masks, to_numpy(ops.cast(logits, "float32")), 0.7, 10000
        )
        assert value.dtype == np.float32
        np.testing.assert_allclose(value, expected, rtol=1e-4)

    def test_compiled_training_equals_eager(self):
        masks, logits = batch()
        steps = {}
        for compiled in (True, False):
            inputs = keras.Input((None, None, 4))
            dense = keras.layers.Dense(4, kernel_initializer="identity")
            model = keras.Model(inputs, dense(inputs))
            model.compile(
                keras.optimizers.SGD(1.0),
                loss=OhemCrossEntropy(0.05, 60),
                # torch would call a C++ compiler, which can be missing.
                jit_compile=compiled and keras.backend.backend() != "torch",
                run_eagerly=not compiled,
            )
            value = model.train_on_batch(logits, masks)
            steps[compiled] = [np.asarray(value), *model.get_weights()]
        expected = plain_ohem(masks, logits, 0.05, 60)
        np.testing.assert_allclose(steps[True][0], expected, rtol=1e-5)
        self.assert_allclose(steps[True], steps[False], 1e-5, 1e-5)
        assert np.abs(steps[True][1] - np.eye(4)).max() > 0.01

    def test_config_round_trip(self):
        loss = self.run_config_test(
            OhemCrossEntropy,
            {"threshold": 0.5, "min_kept": 7, "ignore_class": 0},
        )
        assert loss.get_config()["min_kept"] == 7

    @pytest.mark.parametrize(
        "arguments", [{"threshold": 0}, {"threshold": 7}, {"min_kept": -1}]
    )
    def test_bad_arguments_are_named(self, arguments):
        with pytest.raises(ValueError, match=next(iter(arguments))):
            OhemCrossEntropy(**arguments)

    def test_sizes_must_agree(self):
        masks, logits = batch()
        with pytest.raises(ValueError, match="size of the logits"):
            OhemCrossEntropy()(masks[:, 1:], logits)
