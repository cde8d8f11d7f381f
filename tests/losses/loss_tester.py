"""What every loss of class masks has to do."""

import keras
import numpy as np
import pytest
from keras import ops

from tests.gradients import gradient
from tests.ops.evaluate import evaluate
from tests.test_case import TestCase

WEIGHTS = [0.5, 3.0, 1.0, 0.0]


def batch(shape=(2, 9, 11), classes=4, void=0.2, seed=0):
    """Masks with void pixels and logits that are often right."""
    rng = np.random.default_rng(seed)
    masks = rng.integers(0, classes, shape)
    logits = rng.standard_normal((*shape, classes))
    logits += 3 * np.eye(classes)[masks] * rng.random(shape)[..., None]
    masks[rng.random(shape) < void] = 255
    return masks, logits.astype("float32")


def softmax(logits):
    """float64 probabilities."""
    logits = logits.astype("float64")
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def true_probabilities(masks, logits):
    """Classes and probabilities of the pixels that are not void, flat."""
    valid = masks != 255
    labels = masks[valid]
    return labels, softmax(logits)[valid][np.arange(len(labels)), labels]


def numeric_gradient(function, logits, places, step=1e-5):
    """Central differences of a NumPy function at some places."""
    slopes = []
    for place in places:
        ahead, behind = logits.astype("float64"), logits.astype("float64")
        ahead[place] += step
        behind[place] -= step
        slopes.append((function(ahead) - function(behind)) / (2 * step))
    return np.array(slopes)


class LossTester(TestCase):
    """Derive from it and state the loss, and its definition.

    Attributes:
        cls: The loss class.
        arguments: dict of constructor arguments that are not the defaults,
            for the round trip of the configuration.
    """

    __test__ = False
    cls = None
    arguments = {}

    def plain(self, masks, logits, class_weights=None):
        """The loss by its definition, in NumPy float64."""
        raise NotImplementedError

    def test_equals_a_plain_computation(self):
        masks, logits = batch()
        for weights in (None, WEIGHTS):
            loss = self.cls(class_weights=weights)
            expected = self.plain(masks, logits, weights)
            for shaped in (masks, masks[..., None].astype("uint8")):
                value = evaluate(loss, shaped, logits)
                np.testing.assert_allclose(value, expected, rtol=1e-5)

    def test_slopes_are_those_of_the_plain_computation(self):
        masks, logits = batch()
        loss = self.cls(class_weights=WEIGHTS)
        (actual,) = gradient(lambda x: loss(masks, x), logits)
        places = [tuple(place) for place in np.argwhere(masks == 1)[:4]]
        places = [(*place, c) for place in places for c in (0, 1)]
        expected = numeric_gradient(
            lambda x: self.plain(masks, x, WEIGHTS), logits, places
        )
        actual = np.array([actual[place] for place in places])
        assert np.abs(expected).max() > 0
        self.assert_close(actual, expected, 1e-4)

    def test_equal_class_weights_change_nothing(self):
        masks, logits = batch()
        value = evaluate(self.cls(class_weights=[7.0] * 4), masks, logits)
        self.assert_close(value, evaluate(self.cls(), masks, logits), 1e-6)

    def test_void_logits_neither_count_nor_get_a_gradient(self):
        masks, logits = batch()
        changed = np.where((masks == 255)[..., None], 9 * logits[::-1], logits)
        values = [evaluate(self.cls(), masks, x) for x in (changed, logits)]
        self.assert_close(*values, 1e-6)
        (actual,) = gradient(lambda x: self.cls()(masks, x), logits)
        assert np.abs(actual[masks == 255]).max() == 0
        assert np.abs(actual[masks != 255]).max() > 0

    @pytest.mark.parametrize("from_logits", [True, False])
    def test_void_pixels_may_be_nan(self, from_logits):
        # Zero times NaN is NaN: one such gradient would spoil every weight.
        masks, logits = batch()
        loss = self.cls(from_logits=from_logits)
        given = logits if from_logits else softmax(logits).astype("float32")
        void = (masks == 255)[..., None]
        results = []
        for value in (given, np.float32(np.nan), np.float32(np.inf)):
            x = np.where(void, value, given)
            (slopes,) = gradient(lambda x: loss(masks, x), x)
            results.append((evaluate(loss, masks, x), slopes))
        for value, slopes in results[1:]:
            self.assert_close(value, results[0][0], 1e-6)
            self.assert_close(slopes, results[0][1], 1e-6)

    def test_a_pixel_that_is_not_finite_is_loud(self):
        # Otherwise a diverged network would seem to train.
        masks, logits = batch()
        masks[masks == 3] = 2  # Region losses leave out a class like 3.
        place = tuple(np.argwhere(masks == 1)[0])
        loss = self.cls()
        for value in (np.nan, -np.float32(np.nan), np.inf):
            for channel in (slice(None), 1, 3):
                broken = logits.copy()
                broken[(*place, channel)] = value
                assert np.isnan(evaluate(loss, masks, broken)), channel
            assert np.isnan(evaluate(loss, masks, 0 * logits + value))
        loss = self.cls(from_logits=False)
        for channel in (slice(None), 1, 3):
            broken = softmax(logits).astype("float32")
            broken[(*place, channel)] = np.nan
            assert np.isnan(evaluate(loss, masks, broken)), channel

    def test_a_batch_of_void_pixels_costs_nothing(self):
        masks, logits = batch()
        masks[:] = 255
        for loss in (self.cls(), self.cls(class_weights=WEIGHTS)):
            assert float(evaluate(loss, masks, logits)) == 0.0
        (actual,) = gradient(lambda x: self.cls()(masks, x), logits)
        np.testing.assert_array_equal(actual, np.zeros_like(logits))

    @pytest.mark.parametrize("wrong", [4, -1])
    def test_a_class_id_out_of_range_is_loud(self, wrong):
        masks, logits = batch()
        masks[1, 2, 3] = wrong
        assert np.isnan(evaluate(self.cls(), masks, logits))
        (actual,) = gradient(lambda x: self.cls()(masks, x), logits)
        np.testing.assert_array_equal(actual, np.zeros_like(logits))

    def test_certain_predictions_have_finite_gradients(self):
        masks, logits = batch()
        right = 200 * np.eye(4, dtype="float32")[np.where(masks < 4, masks, 0)]
        for certain in (right, -right):
            assert np.isfinite(evaluate(self.cls(), masks, certain))
            (actual,) = gradient(lambda x: self.cls()(masks, x), certain)
            assert np.isfinite(actual).all()
        assert float(evaluate(self.cls(), masks, right)) < 1e-3

    @pytest.mark.parametrize(
        "dtype, size", [("float16", 512), ("bfloat16", 16)]
    )
    def test_half_precision(self, dtype, size):
        # In float16, a sum over 512 * 512 pixels would overflow.
        masks, logits = batch((1, size, size), classes=3)
        half = ops.cast(logits * 4, dtype)
        value = evaluate(self.cls(), masks, half)
        assert value.dtype == np.float32
        rounded = ops.convert_to_numpy(ops.cast(half, "float32"))
        expected = self.plain(masks, rounded)
        np.testing.assert_allclose(value, expected, rtol=1e-4)
        (actual,) = gradient(
            lambda x: self.cls()(masks, ops.cast(x, dtype)), logits
        )
        assert np.isfinite(actual).all()

    def test_probabilities(self):
        masks, logits = batch()
        probabilities = softmax(logits).astype("float32")
        loss = self.cls(from_logits=False)
        value = evaluate(loss, masks, probabilities)
        self.assert_close(value, evaluate(self.cls(), masks, logits), 1e-5)
        (actual,) = gradient(lambda x: loss(masks, ops.softmax(x)), logits)
        (expected,) = gradient(lambda x: self.cls()(masks, x), logits)
        self.assert_close(actual, expected, 1e-4)

    def test_void_may_be_another_id_or_none(self):
        masks, logits = batch()
        expected = evaluate(self.cls(), masks, logits)
        other = np.where(masks == 255, -1, masks)
        value = evaluate(self.cls(ignore_class=-1), other, logits)
        self.assert_close(value, expected, 1e-6)
        loss = self.cls(ignore_class=None)
        known = np.where(masks > 3, 0, masks)
        assert np.isfinite(evaluate(loss, known, logits))
        assert np.isnan(evaluate(loss, masks, logits))

    def test_weights_of_tiles_multiply_tiles(self):
        # As many tiles as columns: broadcasting would confuse the two.
        masks, logits = batch((11, 5, 11))
        weights = np.arange(11, dtype="float32")
        loss = self.cls()
        whole, value, expected = (
            evaluate(lambda m, x, w=w: loss(m, x, w), masks, logits)
            for w in (None, weights, weights.reshape(-1, 1, 1))
        )
        self.assert_close(value, expected, 1e-6)
        assert value > 2 * whole

    def test_fit_save_and_load(self, tmp_path):
        """The compiled loss, by name, also in mixed precision."""
        masks, logits = batch()
        keras.config.set_dtype_policy("mixed_float16")
        inputs = keras.Input((None, None, 4))
        dense = keras.layers.Dense(4, kernel_initializer="identity")
        model = keras.Model(inputs, dense(inputs))
        model.compile(
            keras.optimizers.SGD(0.5),
            loss=self.cls(class_weights=WEIGHTS),
            # torch would call a C++ compiler, which can be missing.
            jit_compile=keras.backend.backend() != "torch",
        )
        before = float(model.train_on_batch(logits, masks))
        expected = self.plain(masks, logits.astype("float16"), WEIGHTS)
        np.testing.assert_allclose(before, expected, rtol=5e-3)
        for _ in range(3):
            after = float(model.train_on_batch(logits, masks))
        assert after < before
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        assert type(loaded.loss) is self.cls
        assert loaded.loss.get_config() == model.loss.get_config()

    def test_config_round_trip(self):
        common = {"ignore_class": 0, "class_weights": [1.0, 2.0], "name": "x"}
        loss = self.run_config_test(self.cls, {**common, **self.arguments})
        config = loss.get_config()
        for key, value in {**common, **self.arguments}.items():
            assert config[key] == value

    @pytest.mark.parametrize(
        "weights", [[1, -1, 1, 1], [0, 0, 0, 0], [1, 1, 1, np.nan], [1, 2]]
    )
    def test_bad_class_weights_are_named(self, weights):
        masks, logits = batch()
        with pytest.raises(ValueError, match="class_weights"):
            self.cls(class_weights=weights)(masks, logits)

    def test_sizes_must_agree(self):
        masks, logits = batch()
        with pytest.raises(ValueError, match="size of the logits"):
            self.cls()(masks[:, 1:], logits)
