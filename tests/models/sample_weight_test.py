"""Weights of pixels reach the losses as intended."""

import keras
import numpy as np
import pytest

import keras_rsseg
from keras_rsseg.models import PFNetBackbone
from tests.models.segmenter_test import make_model
from tests.models.segmenter_tester import for_few_steps
from tests.models.segmenter_tester import make_tiles
from tests.models.segmenter_tester import without_dropout
from tests.models.tiny_encoder import TinyEncoder
from tests.test_case import TestCase

TILES, MASKS = make_tiles(2, 16, 16)
WEIGHTS = np.random.default_rng(0).uniform(0.1, 2, MASKS.shape)


def make_pfnet():
    backbone = PFNetBackbone(
        TinyEncoder(), fpn_dim=8, match_dim=4, max_pool_size=3
    )
    return keras_rsseg.PFNet(backbone, num_classes=3)


def trained(model, masks, weights=None):
    """Fit one step of plain gradient descent; return history and weights."""
    without_dropout(model)
    model.compile(optimizer=keras.optimizers.SGD(0.1))
    fitted = for_few_steps(model).fit(
        TILES, masks, sample_weight=weights, verbose=0
    )
    return fitted.history, model.get_weights()


def cross_entropies(model):
    """The loss of each pixel, in float64; 0 where void."""
    logits = model.predict_on_batch(TILES).astype("float64")
    logits -= np.log(np.exp(logits).sum(-1, keepdims=True))
    ids = np.where(MASKS == 255, 0, MASKS).astype(int)
    found = -np.take_along_axis(logits, ids[..., None], -1)[..., 0]
    return np.where(MASKS == 255, 0, found)


class TestSampleWeight(TestCase):
    @pytest.mark.parametrize("make", [make_model, make_pfnet])
    def test_weights_of_1_are_none(self, make):
        one, other = make(), make()
        other.set_weights(one.get_weights())
        plain = trained(one, MASKS)
        ones = trained(other, MASKS, np.ones(MASKS.shape, "float32"))
        # A product with 1 is a further rounding, which steps magnify.
        self.assert_allclose(ones, plain, atol=1e-6, rtol=4e-5)

    def test_weights_multiply_pixels_and_void_stays_out(self):
        model = for_few_steps(make_model())
        found = model.evaluate(
            TILES, MASKS, sample_weight=WEIGHTS, verbose=0, return_dict=True
        )
        total = (cross_entropies(model) * WEIGHTS).sum()
        expected = total / (MASKS != 255).sum()
        assert found["loss"] == pytest.approx(expected, rel=1e-4)

    def test_weights_of_0_are_void_but_for_the_divisor(self):
        """As `SegmentationLoss` says: such pixels are better marked void."""
        one, other = make_model(), make_model()
        other.set_weights(one.get_weights())
        void = np.where(MASKS == 1, 255, MASKS)
        before = one.get_weights()
        history, after = trained(one, void)
        weights = (MASKS != 1).astype("float32")
        weighed, weighed_after = trained(other, MASKS, weights)
        share = (void != 255).sum() / (MASKS != 255).sum()
        assert 0 < share < 1
        assert weighed["loss"][0] == pytest.approx(
            history["loss"][0] * share, rel=1e-4
        )
        moved = False
        for start, plain, scaled, variable in zip(
            before, after, weighed_after, one.weights, strict=True
        ):
            if variable.trainable:
                step = plain - start
                np.testing.assert_allclose(
                    scaled - start, step * share, atol=1e-5, rtol=1e-2
                )
                moved = moved or np.abs(step).max() > 1e-3
        assert moved

    def test_a_class_weighed_0_is_void(self):
        """Of `weigh_pixels`: loss, score and step are the same."""
        tf = pytest.importorskip("tensorflow")
        one, other = make_model(), make_model()
        other.set_weights(one.get_weights())
        void = np.where(MASKS == 1, 255, MASKS)
        found = []
        for model, masks, class_weights in (
            (one, void, None),
            (other, MASKS, [1, 0, 1]),
        ):
            data = tf.data.Dataset.from_tensors((TILES, masks))
            if class_weights:
                data = keras_rsseg.data.weigh_pixels(data, class_weights)
            model.compile(optimizer=keras.optimizers.SGD(0.1))
            without_dropout(model)
            fitted = for_few_steps(model).fit(data, verbose=0)
            found.append((fitted.history, model.get_weights()))
        self.assert_allclose(found[1], found[0], atol=1e-6, rtol=1e-5)
