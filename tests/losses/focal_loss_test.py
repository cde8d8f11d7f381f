"""Focal loss down-weights easy pixels as much as in the paper."""

import keras
import numpy as np
import pytest

from keras_rsseg.losses.annealing import AdvanceAnnealing
from keras_rsseg.losses.focal_loss import FocalLoss
from keras_rsseg.losses.focal_loss import ForegroundAwareLoss
from keras_rsseg.losses.ohem_cross_entropy import OhemCrossEntropy
from tests.gradients import gradient
from tests.losses.loss_tester import LossTester
from tests.losses.loss_tester import batch
from tests.losses.loss_tester import numeric_gradient
from tests.losses.loss_tester import true_probabilities
from tests.ops.evaluate import evaluate
from tests.test_case import to_numpy


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


def plain(masks, logits, class_weights=None, gamma=2.0, blend=0.0, at=None):
    """The loss with factors computed from the logits `at`."""
    labels, p = true_probabilities(masks, logits)
    _, fixed = true_probabilities(masks, logits if at is None else at)
    weights = np.ones(4) if class_weights is None else class_weights
    weights = np.take(weights, labels)
    losses = -weights * np.log(p)
    factor = (1 - fixed) ** gamma
    before = -weights * np.log(fixed)
    factor *= before.sum() / (before * factor).sum()
    factor += blend * (1 - factor)
    return np.sum(losses * factor) / weights.sum()


def model_of(loss, metrics):
    inputs = keras.Input((None, None, 4))
    dense = keras.layers.Dense(4, kernel_initializer="identity")
    model = keras.Model(inputs, dense(inputs))
    model.compile(
        keras.optimizers.SGD(0.5),
        loss=loss,
        metrics=metrics,
        # torch would call a C++ compiler, which can be missing.
        jit_compile=keras.backend.backend() != "torch",
    )
    return model


class TestForegroundAwareLoss(LossTester):
    __test__ = True
    cls = ForegroundAwareLoss
    arguments = {"gamma": 1.0, "annealing_steps": 7, "annealing": "poly"}

    def plain(self, masks, logits, class_weights=None):
        return plain(masks, logits, class_weights)

    def test_slopes_are_those_of_the_plain_computation(self):
        # The factors are constants in the gradient.
        masks, logits = batch()
        places = [(*p, c) for p in np.argwhere(masks == 1)[:4] for c in (0, 1)]
        for done, blend in ((0, 1.0), (5, 0.5), (10, 0.0)):
            loss = ForegroundAwareLoss(annealing_steps=10)
            loss.annealing.step.assign(done)
            (actual,) = gradient(lambda x, f=loss: f(masks, x), logits)
            expected = numeric_gradient(
                lambda x, b=blend: plain(masks, x, blend=b, at=logits),
                logits,
                places,
            )
            actual_there = np.array([actual[place] for place in places])
            self.assert_close(actual_there, expected, 1e-4)

    def test_the_sum_is_preserved(self):
        masks, logits = batch()
        expected = evaluate(OhemCrossEntropy(1.0, 1), masks, logits)
        for done in (0, 4, 10):
            loss = ForegroundAwareLoss(annealing_steps=10)
            loss.annealing.step.assign(done)
            value = evaluate(loss, masks, logits)
            self.assert_close(value, expected, 1e-5)
        assert evaluate(FocalLoss(), masks, logits) < 0.7 * expected

    def test_hard_pixels_gain_what_easy_ones_lose(self):
        masks, logits = batch()
        _, p = true_probabilities(masks, logits)
        (focused,) = gradient(lambda x: ForegroundAwareLoss()(masks, x), logits)
        (before,) = gradient(lambda x: FocalLoss(0)(masks, x), logits)
        ratio = np.abs(focused).sum(-1) / np.abs(before).sum(-1).clip(1e-9)
        ratio = ratio[masks != 255]
        assert ratio[p < 0.2].min() > 1 > ratio[p > 0.9].max()

    def test_nothing_is_left_to_learn(self):
        masks, logits = batch()
        masks[masks == 255] = 0
        right = 1000 * np.eye(4, dtype="float32")[masks]
        loss = ForegroundAwareLoss()
        assert float(evaluate(loss, masks, right)) == 0.0
        (actual,) = gradient(lambda x: loss(masks, x), right)
        np.testing.assert_array_equal(actual, np.zeros_like(logits))

    def test_training_anneals_it(self):
        """Compiled steps see the optimizer's steps; evaluation makes none."""
        masks, logits = batch((6, 9, 11))
        loss = ForegroundAwareLoss(annealing_steps=4, annealing="linear")
        model = model_of(loss, [loss.annealing])
        history = model.fit(
            logits,
            masks,
            batch_size=3,
            epochs=3,
            shuffle=False,
            validation_data=(logits, masks),
            callbacks=[AdvanceAnnealing(loss)],
            verbose=0,
        ).history
        # Two steps per epoch; the weight is that of an epoch's last step.
        np.testing.assert_allclose(history["annealing"], [0.75, 0.25, 0])
        assert float(to_numpy(loss.annealing.step)) == 5
        expected = self.plain_weights(masks, logits)
        self.assert_close(model.get_weights()[0], expected, 1e-4)

    def plain_weights(self, masks, logits):
        """The kernel after the same steps, each made separately."""
        kernel, bias = np.eye(4, dtype="float32"), np.zeros(4, "float32")
        for done in range(6):
            part = slice(3 * (done % 2), 3 * (done % 2) + 3)
            loss = ForegroundAwareLoss(annealing_steps=4, annealing="linear")
            loss.annealing.step.assign(done)
            x, y = logits[part], masks[part]
            (slopes,) = gradient(
                lambda z, f=loss, y=y: f(y, z), x @ kernel + bias
            )
            kernel = kernel - 0.5 * np.einsum("bhwi,bhwo->io", x, slopes)
            bias = bias - 0.5 * slopes.sum((0, 1, 2))
        return kernel

    def test_a_resumed_training_goes_on_annealing(self):
        masks, logits = batch()
        loss = ForegroundAwareLoss(annealing_steps=10, annealing="linear")
        model = model_of(loss, [loss.annealing])
        model.optimizer.build(model.trainable_variables)
        model.optimizer.iterations.assign(6)
        history = model.fit(
            logits, masks, callbacks=[AdvanceAnnealing(loss)], verbose=0
        ).history
        np.testing.assert_allclose(history["annealing"], [0.4], rtol=1e-6)

    def test_a_weight_that_would_not_move_is_refused(self):
        with pytest.raises(ValueError, match="annealing_steps"):
            AdvanceAnnealing(ForegroundAwareLoss())
        if keras.backend.backend() != "jax":
            return
        masks, logits = batch()
        loss = ForegroundAwareLoss(annealing_steps=10)
        with pytest.raises(ValueError, match="loss.annealing"):
            model_of(loss, []).fit(
                logits, masks, callbacks=[AdvanceAnnealing(loss)], verbose=0
            )

    @pytest.mark.parametrize(
        "arguments, words",
        [
            ({"gamma": -1}, "gamma"),
            ({"annealing_steps": 0}, "`annealing_steps` must"),
            ({"annealing_steps": 9, "annealing": "abrupt"}, "`annealing` must"),
        ],
    )
    def test_bad_arguments_are_named(self, arguments, words):
        with pytest.raises(ValueError, match=words):
            ForegroundAwareLoss(**arguments)
