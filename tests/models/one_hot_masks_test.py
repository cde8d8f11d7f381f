"""Masks with one channel per class, for users' losses that need them."""

import keras
import numpy as np
import pytest

import keras_rsseg
from keras_rsseg.data import SampleWarning
from keras_rsseg.models.one_hot_masks import ids_of_one_hot
from keras_rsseg.models.one_hot_masks import takes_one_hot
from tests.models.segmenter_test import make_model
from tests.models.segmenter_tester import for_few_steps
from tests.models.segmenter_tester import make_tiles
from tests.test_case import TestCase

LOSSES = keras.losses
TILES, IDS = make_tiles(4, 16, 16)
IDS = np.where(IDS == 255, 0, IDS)
CHANNELS = np.eye(3, dtype="float32")[IDS]


def compiled(**options):
    """A model, always with the same weights."""
    keras.utils.set_random_seed(0)
    model = make_model(class_names=["water", "road", "land"])
    options.setdefault("loss", LOSSES.CategoricalCrossentropy(from_logits=True))
    model.compile(**options)
    return for_few_steps(model)


def scores(masks, **options):
    loss = "auto" if masks.ndim == 3 else None
    model = compiled() if loss is None else compiled(loss=loss)
    return model.evaluate(TILES, masks, verbose=0, **options)


@pytest.mark.parametrize(
    ("loss", "may"),
    [
        (LOSSES.CategoricalCrossentropy(from_logits=True), True),
        ("categorical_focal_crossentropy", True),
        (LOSSES.dice, True),
        (lambda y_true, y_pred: 0.0, True),
        (LOSSES.SparseCategoricalCrossentropy(name="mine"), False),
        (LOSSES.sparse_categorical_crossentropy, False),
        ("sparse_categorical_crossentropy", False),
        (keras_rsseg.losses.FocalLoss(), False),
        (None, False),
    ],
)
def test_which_losses_may_want_them(loss, may):
    assert takes_one_hot(loss) is may


class TestFit(TestCase):
    def test_scores_are_those_of_ids(self):
        expected = scores(IDS)
        assert expected[0] > 0
        self.assert_allclose(scores(CHANNELS), expected, rtol=1e-5)

    def test_pipelines_take_them(self):
        tf = pytest.importorskip("tensorflow")
        data = tf.data.Dataset.from_tensor_slices((TILES, CHANNELS)).batch(2)
        model = compiled()
        history = model.fit(data, validation_data=data, verbose=0).history
        expected = model.evaluate(TILES, CHANNELS, verbose=0)
        self.assert_allclose(history["val_loss"][0], expected[0], rtol=1e-5)
        assert "iou_road" in history

    def test_pixels_that_are_not_finite_are_of_no_class(self):
        tiles = TILES.astype("float32")
        tiles[0, :4] = np.nan
        ids, channels = IDS.copy(), CHANNELS.copy()
        ids[0, :4], channels[0, :4] = 255, 0
        model = compiled()
        with pytest.warns(SampleWarning, match="NaN or infinite"):
            found = model.evaluate(tiles, CHANNELS, verbose=0, return_dict=True)
        assert np.isfinite(found["loss"])
        clean = np.nan_to_num(tiles)
        for masks in (ids, channels):
            metric = keras_rsseg.metrics.MeanIoU(3)
            metric.update_state(masks, model.predict(clean, verbose=0))
            self.assert_allclose(metric.result(), found["mean_iou"])

    def test_weights_of_tiles(self):
        weights = np.array([1, 0, 0, 2], "float32")
        expected = scores(IDS, sample_weight=weights)
        found = scores(CHANNELS, sample_weight=weights)
        self.assert_allclose(found, expected, rtol=1e-5)

    def test_sizes_are_those_of_tiles(self):
        with pytest.raises(ValueError, match=r"masks \(4, 8, 16, 3\), tiles"):
            compiled().fit(TILES, CHANNELS[:, :8], verbose=0)
        with pytest.raises(ValueError, match=r"argmax\(-1\)"):
            compiled().fit(TILES, CHANNELS[..., :2], verbose=0)

    def test_tiles_of_another_scale_are_seen(self):
        with pytest.warns(SampleWarning, match="Were they divided by 255"):
            compiled().evaluate(TILES / 255, CHANNELS, verbose=0)


def test_ids_of_pixels_without_a_class():
    channels = np.array([[[[0, 0, 1], [0.5, 0.25, 0.25], [0, 0, 0]]]])
    np.testing.assert_array_equal(ids_of_one_hot(channels), [[[2, 0, 255]]])
