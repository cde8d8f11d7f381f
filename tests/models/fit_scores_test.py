"""Scores, losses and callbacks behave as Keras users expect."""

import keras
import numpy as np
import pytest

import keras_rsseg
from keras_rsseg.data import SampleWarning
from keras_rsseg.errors import MaskError
from tests.models.segmenter_test import make_model
from tests.models.segmenter_tester import for_few_steps
from tests.models.segmenter_tester import make_tiles
from tests.test_case import TestCase

TILES, MASKS = make_tiles(4, 16, 16)
NAMES = ["water", "road", "land"]
CALLBACKS = [
    keras.callbacks.EarlyStopping,
    keras.callbacks.ReduceLROnPlateau,
    lambda monitor: keras.callbacks.ModelCheckpoint(
        "best.weights.h5",
        monitor,
        save_best_only=True,
        save_weights_only=True,
    ),
]


def fit(model, **options):
    return (
        for_few_steps(model)
        .fit(
            TILES,
            MASKS,
            4,
            validation_data=(TILES, MASKS),
            verbose=0,
            **options,
        )
        .history
    )


class TestCallbacks:
    @pytest.mark.parametrize("make", CALLBACKS)
    @pytest.mark.parametrize(
        "monitor, metrics",
        [
            ("val_mean_iou", "auto"),
            ("val_mean_f1", [keras_rsseg.metrics.SegmentationScores(3)]),
            ("val_iou_road", "auto"),
        ],
    )
    def test_more_is_better_without_being_told(
        self, tmp_path, monkeypatch, make, monitor, metrics
    ):
        monkeypatch.chdir(tmp_path)
        model = make_model(class_names=NAMES)
        model.compile(metrics=metrics)
        callback = make(monitor)
        fit(model, callbacks=callback)
        assert callback.monitor_op(2.0, 1.0)

    def test_history_has_the_iou_of_each_class(self):
        model = make_model(class_names=NAMES)
        history = fit(model, epochs=2)
        classes = {f"iou_{name}" for name in NAMES}
        assert set(history) == {
            "loss",
            "mean_iou",
            "val_loss",
            "val_mean_iou",
        } | {prefix + name for prefix in ("", "val_") for name in classes}
        for prefix in ("", "val_"):
            scores = [history[f"{prefix}iou_{name}"] for name in NAMES]
            np.testing.assert_allclose(
                np.nanmean(scores, axis=0),
                history[f"{prefix}mean_iou"],
                rtol=1e-5,
            )


class TestAccuracy(TestCase):
    def test_keras_word_leaves_void_out(self):
        model = for_few_steps(make_model())
        model.compile(metrics=["accuracy"])
        found = model.evaluate(TILES, MASKS, verbose=0, return_dict=True)
        labels = model.predict_on_batch(TILES).argmax(-1)
        valid = MASKS != 255
        assert found["accuracy"] == pytest.approx(
            (labels == MASKS)[valid].mean(), rel=1e-5
        )

    def test_keras_metrics_of_void_are_warned_of(self):
        model = for_few_steps(make_model())
        model.compile(metrics=[keras.metrics.SparseCategoricalAccuracy()])
        with pytest.warns(SampleWarning, match="sparse_categorical_accuracy"):
            model.evaluate(TILES, MASKS, verbose=0)
        model.evaluate(TILES, MASKS % 3, verbose=0)

    def test_keras_word_for_the_loss_is_that_of_logits(self):
        model = for_few_steps(make_model())
        expected = model.evaluate(TILES, MASKS, verbose=0)[0]
        model.compile(loss="sparse_categorical_crossentropy")
        found = model.evaluate(TILES, MASKS, verbose=0)[0]
        assert found == pytest.approx(expected, rel=1e-5)


class TestWeights(TestCase):
    LOSSES = [
        "auto",
        keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, ignore_class=255
        ),
        keras_rsseg.losses.FocalLoss(),
        keras_rsseg.losses.OhemCrossEntropy(),
        keras_rsseg.losses.DiceLoss(),
    ]

    @pytest.mark.parametrize("loss", LOSSES)
    def test_one_a_tile_is_the_same_for_each_of_its_pixels(self, loss):
        # As many tiles as columns, which Keras would weight.
        tiles, masks = make_tiles(8, 8, 8)
        weights = np.arange(8, dtype="float32")
        model = for_few_steps(make_model())
        model.compile(loss=loss)
        pixels = np.broadcast_to(weights[:, None, None], masks.shape)
        found = [
            model.evaluate(tiles, masks, sample_weight=given, verbose=0)[0]
            for given in (weights, pixels, pixels[..., None], weights[:, None])
        ]
        assert found == pytest.approx([found[1]] * 4, rel=1e-5)
        plain = model.evaluate(tiles, masks, verbose=0)[0]
        assert found[0] != pytest.approx(plain, rel=1e-2)

    def test_other_shapes_are_refused(self):
        with pytest.raises(ValueError, match="one weight per tile"):
            make_model().evaluate(
                TILES, MASKS, sample_weight=np.ones((4, 16)), verbose=0
            )

    def test_class_weight_names_ours(self):
        with pytest.raises(ValueError, match=r"class_weights=\[1.0, 5.0\]"):
            make_model().fit(TILES, MASKS, class_weight={0: 1.0, 1: 5.0})


class TestArrays(TestCase):
    def test_fractions_are_refused(self):
        soft = MASKS.astype("float32")
        soft[0, 0, 0] = 0.5
        model = make_model()
        for call in (model.fit, model.evaluate, model.train_on_batch):
            with pytest.raises(ValueError, match="0.5.*nearest neighbour"):
                call(TILES, soft)

    def test_whole_numbers_of_any_dtype_are_not(self):
        model = for_few_steps(make_model())
        found = [
            model.evaluate(TILES, MASKS.astype(dtype), verbose=0)[0]
            for dtype in ("uint8", "float32", "int64")
        ]
        assert found == pytest.approx([found[0]] * 3, rel=1e-6)

    def test_pipelines_of_fractions_are_refused(self):
        tf = pytest.importorskip("tensorflow")
        soft = MASKS.astype("float32") + np.float32(0.25)
        soft[MASKS == 255] = 255
        data = tf.data.Dataset.from_tensors((TILES, soft))
        model = for_few_steps(make_model())
        with pytest.raises(MaskError, match="Received: .*nearest neighbour"):
            model.fit(data, verbose=0)
        # Beyond the first batch, with the pipeline's message.
        data = tf.data.Dataset.from_tensors((TILES, MASKS)).concatenate(
            tf.data.Dataset.from_tensors((TILES, soft.astype("uint8") + 3))
        )
        with pytest.raises(Exception, match="class ids 0 to 2"):
            model.fit(data, verbose=0)

    def test_masks_of_0_and_255(self):
        with pytest.warns(SampleWarning, match="no ids but 0 and 255"):
            for_few_steps(make_model(2)).fit(
                TILES, np.where(MASKS == 1, 255, 0), verbose=0
            )

    def test_ids_that_begin_at_1(self):
        with pytest.raises(ValueError, match=r"\[3\]\. Class ids begin at 0"):
            make_model().fit(TILES, MASKS % 3 + 1)

    def test_a_class_that_many_tiles_lack(self):
        tiles, masks = np.repeat(TILES, 4, 0), np.repeat(MASKS, 4, 0)
        masks[masks == 2] = 1
        with pytest.warns(SampleWarning, match=r"1 of 3 classes: 2 \(land\)"):
            for_few_steps(make_model(class_names=NAMES)).fit(
                tiles, masks, 16, verbose=0
            )

    @pytest.mark.parametrize(
        "change, message",
        [
            (lambda x: x / np.float32(255), "divided by 255"),
            (lambda x: (x - np.float32(120)) / 60, "or normalised"),
            (lambda x: x.astype("int16") + 40, "never trained on"),
        ],
    )
    def test_values_that_look_wrong(self, change, message):
        model = for_few_steps(make_model())
        with pytest.warns(SampleWarning, match=message):
            model.predict(change(TILES), verbose=0)

    def test_values_of_another_scale_are_refused(self):
        model = make_model()
        for call in (model.fit, model.evaluate):
            with pytest.raises(ValueError, match="takes 0 to 255"):
                call(TILES.astype("uint16") * 40, MASKS)
        with pytest.raises(ValueError, match="takes 0 to 255"):
            model.predict(TILES.astype("float32") - 1000)

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_pixels_that_are_not_finite_are_void(self, value):
        tiles, masks = TILES.astype("float32"), MASKS.copy()
        tiles[:, 9, 5:9, 1] = value
        model = for_few_steps(make_model())
        with pytest.warns(SampleWarning, match="1.56% of the pixels.*void"):
            found = model.evaluate(tiles, masks, verbose=0)
        masks[:, 9, 5:9] = 255
        tiles[:, 9, 5:9] = 0
        expected = model.evaluate(tiles, masks, verbose=0)
        self.assert_allclose(found, expected, rtol=1e-6)

    def test_bands_say_what_to_do(self):
        model = make_model()
        with pytest.raises(ValueError, match=r"np.moveaxis\(tiles, 1, -1\)"):
            model.fit(np.moveaxis(TILES, -1, 1), MASKS)
        rgba = np.concatenate([TILES, TILES[..., :1]], -1)
        with pytest.raises(ValueError, match=r"alpha.*bands=\[1, 2, 3\]"):
            model.fit(rgba, MASKS)

    def test_one_class_is_refused(self):
        with pytest.raises(ValueError, match="num_classes=2, ids 0"):
            make_model(1)


def test_a_clone_answers_the_same():
    model = for_few_steps(make_model())
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    tiles = model.preprocessor(TILES)
    np.testing.assert_allclose(
        clone.predict_on_batch(tiles),
        model.predict_on_batch(TILES),
        rtol=1e-4,
        atol=1e-5,
    )
