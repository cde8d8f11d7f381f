"""Every metric of a confusion matrix gives that matrix's score."""

import keras
import numpy as np
import pytest

from keras_rsseg import metrics
from tests.metrics.updating import update
from tests.test_case import TestCase
from tests.test_case import to_numpy

CLASSES = {
    metrics.MeanIoU: "mean_iou",
    metrics.MeanF1: "mean_f1",
    metrics.MeanPrecision: "mean_precision",
    metrics.MeanRecall: "mean_recall",
    metrics.PixelAccuracy: "pixel_accuracy",
}


def batch(seed=0, shape=(2, 13, 17)):
    """Class 4 is not in the masks, 3 never predicted, 5 in neither."""
    rng = np.random.default_rng(seed)
    masks = rng.integers(0, 4, shape)
    predicted = np.where(
        rng.random(shape) < 0.6, masks, rng.integers(0, 5, shape)
    )
    predicted[predicted == 3] = 2
    logits = np.eye(6, dtype="float32")[predicted]
    masks[rng.random(shape) < 0.1] = 255
    return masks.astype("uint8"), logits


def expected_scores(*batches, left_out=()):
    """From scikit-learn's confusion matrix of all pixels at once."""
    sklearn = pytest.importorskip("sklearn.metrics")
    truth = np.concatenate([masks.ravel() for masks, _ in batches])
    found = np.concatenate([x.argmax(-1).ravel() for _, x in batches])
    valid = truth != 255
    matrix = np.zeros((6, 6))
    if valid.any():
        matrix = sklearn.confusion_matrix(
            truth[valid], found[valid], labels=np.arange(6)
        )
    return metrics.ConfusionScores(matrix, left_out)


class TestConfusionMetrics(TestCase):
    @pytest.mark.parametrize("left_out", [(), (0, 4)])
    @pytest.mark.parametrize("cls", CLASSES)
    def test_equals_scikit_learn_over_batches(self, cls, left_out):
        batches = [batch(0), batch(1)]
        metric = cls(6, left_out=left_out)
        for masks, logits in batches:
            update(metric, masks, logits)
        expected = expected_scores(*batches, left_out=left_out)
        np.testing.assert_array_equal(
            metric.confusion_matrix(), expected.matrix
        )
        result = to_numpy(metric.result())
        assert result.dtype == np.float32
        np.testing.assert_allclose(
            result, getattr(expected, CLASSES[cls]), rtol=1e-6
        )
        np.testing.assert_array_equal(metric.scores().f1, expected.f1)
        assert metric.scores().mean_recall == expected.mean_recall

    def test_left_out_changes_what_it_should(self):
        whole, part = (
            expected_scores(batch(), left_out=ids) for ids in ((), (0, 4))
        )
        for name in CLASSES.values():
            same = getattr(whole, name) == getattr(part, name)
            assert same == (name == "pixel_accuracy")

    @pytest.mark.parametrize("kind", ["void", "one", "wrong"])
    def test_degenerate_masks(self, kind):
        """All void, one pixel, a wrong id: each score is that, or NaN."""
        masks, logits = batch(shape=(2, 1, 1))
        masks[:] = 255
        if kind != "void":
            masks[0] = 2 if kind == "one" else 6
        metric = metrics.SegmentationScores(6)
        update(metric, masks, logits)
        results = {k: float(to_numpy(v)) for k, v in metric.result().items()}
        assert set(results) == set(CLASSES.values())
        for name, value in results.items():
            expected = np.nan
            if kind != "wrong":
                expected = getattr(expected_scores((masks, logits)), name)
            np.testing.assert_equal(value, expected)

    def test_fit_and_evaluate_log_the_scores(self):
        masks, logits = batch(shape=(4, 8, 8))
        inputs = keras.Input((None, None, 6))
        model = keras.Model(inputs, keras.layers.Conv2D(6, 1)(inputs))
        model.compile(
            "sgd",
            loss=keras.losses.SparseCategoricalCrossentropy(
                from_logits=True, ignore_class=255
            ),
            metrics=[metrics.SegmentationScores(6, left_out=[5])],
            jit_compile=False,
        )
        history = model.fit(
            logits, masks, validation_data=(logits, masks), verbose=0
        ).history
        logs = model.evaluate(logits, masks, verbose=0, return_dict=True)
        names = set(CLASSES.values()) | {"loss"}
        assert set(logs) == names
        assert set(history) == names | {f"val_{name}" for name in names}
        after = model.predict(logits, verbose=0)
        expected = expected_scores((masks, after), left_out=[5])
        for name in CLASSES.values():
            score = getattr(expected, name)
            np.testing.assert_allclose(logs[name], score, rtol=1e-6)
            np.testing.assert_allclose(
                history[f"val_{name}"], [score], rtol=1e-6
            )

    def test_metrics_of_another_kind_merge(self):
        parts = [metrics.MeanF1(6), metrics.MeanIoU(6, left_out=[1])]
        for seed, part in enumerate(parts):
            update(part, *batch(seed))
        parts[0].merge_state(parts[1:])
        np.testing.assert_array_equal(
            parts[0].confusion_matrix(),
            expected_scores(batch(0), batch(1)).matrix,
        )
        with pytest.raises(ValueError, match="ignore_class"):
            parts[0].merge_state([metrics.MeanF1(6, ignore_class=0)])

    @pytest.mark.parametrize("cls", [*CLASSES, metrics.SegmentationScores])
    def test_config_round_trip(self, cls):
        metric = self.run_config_test(
            cls, {"num_classes": 3, "ignore_class": None, "left_out": (2,)}
        )
        assert metric.get_config()["left_out"] == [2]

    @pytest.mark.parametrize("wrong", [(3,), (0, 1, 2), 1])
    def test_bad_left_out_is_named(self, wrong):
        with pytest.raises(ValueError, match="left_out"):
            metrics.MeanIoU(3, left_out=wrong)
