"""The reported score is exactly the score of the pixels."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_rsseg.metrics.confusion_metric import MeanIoU
from tests.metrics.updating import update
from tests.test_case import TestCase
from tests.test_case import to_numpy


def batch(seed=0, shape=(2, 13, 17), classes=5, void=0.1):
    rng = np.random.default_rng(seed)
    masks = rng.integers(0, classes, shape).astype("uint8")
    logits = rng.standard_normal((*shape, classes)).astype("float32")
    logits += 1.5 * np.eye(classes, dtype="float32")[masks]
    masks[rng.random(shape) < void] = 255
    return masks, logits


def plain_confusion(masks, logits, classes=5):
    valid = masks < classes
    confusion = np.zeros((classes, classes), np.int64)
    predicted = logits.argmax(-1)
    np.add.at(confusion, (masks[valid], predicted[valid]), 1)
    return confusion


def plain_iou(confusion):
    hits = np.diag(confusion).astype("float64")
    union = confusion.sum(0) + confusion.sum(1) - hits
    with np.errstate(invalid="ignore"):
        return hits / union


def assign(metric, confusion):
    """Give a metric a confusion matrix of any size."""
    metric.low_words.assign(ops.cast(confusion % 2**24, "int32"))
    metric.high_words.assign(ops.cast(confusion // 2**24, "int32"))


class TestMeanIoU(TestCase):
    def test_equals_a_plain_computation_over_batches(self):
        metric = MeanIoU(5)
        expected = np.zeros((5, 5), np.int64)
        for seed, shape in enumerate([(2, 13, 17), (1, 8, 8)]):
            masks, logits = batch(seed, shape)
            update(metric, masks[..., None] if seed else masks, logits)
            expected += plain_confusion(masks, logits)
        np.testing.assert_array_equal(metric.confusion_matrix(), expected)
        np.testing.assert_array_equal(
            metric.per_class_iou(), plain_iou(expected)
        )
        np.testing.assert_allclose(
            to_numpy(metric.result()), plain_iou(expected).mean(), rtol=1e-6
        )

    def test_only_classes_that_occur_count(self):
        masks = np.array([[[0, 0, 1, 255]]])
        logits = np.eye(5, dtype="float32")[[[[0, 2, 1, 4]]]]
        metric = MeanIoU(5)
        update(metric, masks, logits)
        # Class 2 is predicted, so its IoU is 0; 3 and 4 do not occur: the
        # prediction of 4 is on void.
        expected = [0.5, 1.0, 0.0, np.nan, np.nan]
        np.testing.assert_array_equal(metric.per_class_iou(), expected)
        assert float(to_numpy(metric.result())) == 0.5

    def test_nothing_counted_is_no_score(self):
        metric = MeanIoU(5)
        assert np.isnan(to_numpy(metric.result()))
        masks, logits = batch()
        update(metric, np.full_like(masks, 255), logits)
        assert np.isnan(to_numpy(metric.result()))
        assert metric.confusion_matrix().sum() == 0

    def test_exact_beyond_int32(self):
        masks, logits = batch()
        small = plain_confusion(masks, logits)
        large = np.full((5, 5), 2**24 - 1, np.int64)
        large[1, 1] = 5_000_000_011
        large[2, 3] = 2**31 - 1
        metric = MeanIoU(5)
        assign(metric, large)
        update(metric, masks, logits)
        expected = large + small
        np.testing.assert_array_equal(metric.confusion_matrix(), expected)
        np.testing.assert_allclose(
            to_numpy(metric.result()), plain_iou(expected).mean(), rtol=1e-6
        )
        # Normalised words: otherwise the next batches would overflow.
        assert to_numpy(metric.low_words).max() < 2**24

    def test_merging_adds_counts(self):
        parts = [MeanIoU(5), MeanIoU(5), MeanIoU(5)]
        expected = np.zeros((5, 5), np.int64)
        for seed, part in enumerate(parts):
            masks, logits = batch(seed)
            counted = plain_confusion(masks, logits) + 2**40 + 2**24 - 1
            assign(part, counted)
            expected += counted
        parts[0].merge_state(parts[1:])
        np.testing.assert_array_equal(parts[0].confusion_matrix(), expected)
        with pytest.raises(ValueError, match="num_classes"):
            parts[0].merge_state([MeanIoU(6)])

    @pytest.mark.parametrize("wrong", [5, 200])
    def test_an_unknown_class_id_is_loud(self, wrong):
        masks, logits = batch()
        metric = MeanIoU(5)
        update(metric, masks, logits)
        masks[0, 0, :3] = wrong
        update(metric, masks, logits)
        assert np.isnan(to_numpy(metric.result()))
        with pytest.raises(ValueError, match="^3 or more pixels"):
            metric.per_class_iou()
        metric.reset_state()
        update(metric, *batch())
        expected = plain_iou(plain_confusion(*batch()))
        np.testing.assert_array_equal(metric.per_class_iou(), expected)

    def test_void_can_be_any_class_or_none(self):
        masks, logits = batch(void=0)
        masks = masks.astype("int32")
        metric = MeanIoU(5, ignore_class=-1)
        update(metric, np.where(masks == 3, -1, masks), logits)
        expected = plain_confusion(np.where(masks == 3, 255, masks), logits)
        np.testing.assert_array_equal(metric.confusion_matrix(), expected)
        metric = MeanIoU(5, ignore_class=None)
        update(metric, np.where(masks == 3, 255, masks), logits)
        assert np.isnan(to_numpy(metric.result()))

    @pytest.mark.parametrize(
        "weight_shape", [(2,), (2, 1, 1), (2, 13, 17), (2, 13, 17, 1)]
    )
    def test_zero_weight_leaves_pixels_out(self, weight_shape):
        masks, logits = batch()
        weight = np.zeros(weight_shape)
        weight[1] = 3
        metric = MeanIoU(5)
        update(metric, masks, logits, sample_weight=weight)
        expected = plain_confusion(masks[1:], logits[1:])
        np.testing.assert_array_equal(metric.confusion_matrix(), expected)

    @pytest.mark.parametrize("jit_compile", [True, False])
    def test_inside_a_compiled_model(self, jit_compile):
        if jit_compile and keras.backend.backend() == "torch":
            pytest.skip("torch compiles with a C++ compiler, if at all")
        masks, logits = batch(shape=(6, 12, 10))
        inputs = keras.Input((None, None, 5))
        model = keras.Model(inputs, keras.layers.Activation("linear")(inputs))
        metric = MeanIoU(5)
        loss = keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, ignore_class=255
        )
        model.compile(loss=loss, metrics=[metric], jit_compile=jit_compile)
        # Two batches of different sizes, and a second run from zero.
        for _ in range(2):
            score = model.evaluate(
                logits, masks, batch_size=4, verbose=0, return_dict=True
            )
        expected = plain_confusion(masks, logits)
        np.testing.assert_allclose(
            score["mean_iou"], plain_iou(expected).mean(), rtol=1e-6
        )
        np.testing.assert_array_equal(metric.confusion_matrix(), expected)

    def test_half_precision_logits(self):
        masks, logits = batch()
        logits = ops.cast(logits, "bfloat16")
        metric = MeanIoU(5, dtype="float16")
        update(metric, masks, logits)
        rounded = to_numpy(ops.cast(logits, "float32"))
        np.testing.assert_array_equal(
            metric.confusion_matrix(), plain_confusion(masks, rounded)
        )

    def test_config_round_trip(self):
        metric = self.run_config_test(
            MeanIoU, {"num_classes": 7, "ignore_class": None, "name": "iou"}
        )
        assert metric.name == "iou"

    def test_bad_arguments_are_named(self):
        with pytest.raises(ValueError, match="num_classes"):
            MeanIoU(0)
        masks, logits = batch()
        with pytest.raises(ValueError, match="as many channels"):
            update(MeanIoU(6), masks, logits)
        with pytest.raises(ValueError, match="size of the logits"):
            update(MeanIoU(5), masks[:, :-1], logits)
