"""The scores of a report are those of its confusion matrix."""

import numpy as np
import pytest

from keras_rsseg.metrics.confusion_scores import ConfusionScores

NAMES = ("iou", "f1", "precision", "recall")


def pixels(seed=0, number=3000, classes=6):
    """Truth and prediction; class 4 is not in the truth, 5 in neither."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes - 2, number)
    predicted = np.where(
        rng.random(number) < 0.6, truth, rng.integers(0, 5, number)
    )
    predicted[predicted == 3] = 2  # class 3 is never predicted
    return truth, predicted


def counts(truth, predicted, classes=6):
    matrix = np.zeros((classes, classes), np.int64)
    np.add.at(matrix, (truth, predicted), 1)
    return matrix


def plain_scores(truth, predicted, classes=6):
    """Counting pixels class by class, without a matrix."""
    rows = []
    for c in range(classes):
        tp = np.sum((truth == c) & (predicted == c))
        fp = np.sum((truth != c) & (predicted == c))
        fn = np.sum((truth == c) & (predicted != c))
        rows.append(
            [
                tp / (tp + fp + fn) if tp + fp + fn else np.nan,
                2 * tp / (2 * tp + fp + fn) if tp + fp + fn else np.nan,
                tp / (tp + fp) if tp + fp else np.nan,
                tp / (tp + fn) if tp + fn else np.nan,
            ]
        )
    return np.array(rows).T


@pytest.mark.parametrize("left_out", [(), (1,), [5, 0, 5]])
def test_equals_counting_class_by_class(left_out):
    truth, predicted = pixels()
    scores = ConfusionScores(counts(truth, predicted), left_out)
    expected = plain_scores(truth, predicted)
    kept = [c for c in range(6) if c not in left_out]
    for name, row in zip(NAMES, expected, strict=True):
        np.testing.assert_allclose(getattr(scores, name), row, rtol=1e-14)
        mean = getattr(scores, f"mean_{name}")
        assert mean == pytest.approx(np.nanmean(row[kept]), rel=1e-14)
    assert scores.pixel_accuracy == np.mean(truth == predicted)


def test_equals_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    truth, predicted = pixels()
    ids = np.arange(6)
    matrix = metrics.confusion_matrix(truth, predicted, labels=ids)
    scores = ConfusionScores(matrix)
    np.testing.assert_array_equal(scores.matrix, counts(truth, predicted))
    functions = {
        "iou": metrics.jaccard_score,
        "f1": metrics.f1_score,
        "precision": metrics.precision_score,
        "recall": metrics.recall_score,
    }
    for name, function in functions.items():
        # scikit-learn's Jaccard score has no NaN for a class without pixels.
        zero = 0 if name == "iou" else np.nan
        expected = function(
            truth, predicted, labels=ids, average=None, zero_division=zero
        )
        actual = getattr(scores, name)
        actual = np.nan_to_num(actual) if name == "iou" else actual
        np.testing.assert_allclose(actual, expected, rtol=1e-14)


def test_undefined_scores_are_nan_and_left_out_of_means():
    scores = ConfusionScores(counts(*pixels()))
    undefined = {name: np.isnan(getattr(scores, name)) for name in NAMES}
    assert np.flatnonzero(undefined["iou"]).tolist() == [5]
    assert np.flatnonzero(undefined["f1"]).tolist() == [5]
    assert np.flatnonzero(undefined["precision"]).tolist() == [3, 5]
    assert np.flatnonzero(undefined["recall"]).tolist() == [4, 5]
    assert scores.iou[3] == scores.f1[3] == scores.recall[3] == 0


def test_clutter_left_out_stays_an_error_of_the_others():
    matrix = np.array([[8, 0, 2], [0, 5, 0], [4, 0, 1]])
    without = ConfusionScores(matrix, left_out=[2])
    # Class 0 is charged for the 2 pixels given to, the 4 taken from, class 2.
    assert without.mean_iou == pytest.approx((8 / 14 + 1) / 2)
    assert without.pixel_accuracy == 14 / 20
    np.testing.assert_array_equal(without.iou, ConfusionScores(matrix).iou)


def test_no_pixels_have_no_score():
    scores = ConfusionScores(np.zeros((3, 3)))
    for name in NAMES:
        assert np.isnan(getattr(scores, name)).all()
        assert np.isnan(getattr(scores, f"mean_{name}"))
    assert np.isnan(scores.pixel_accuracy)


def test_one_pixel():
    right, wrong = np.zeros((2, 3, 3), np.int64)
    right[1, 1] = 1
    wrong[1, 2] = 1
    assert ConfusionScores(right).mean_iou == 1
    assert ConfusionScores(right).pixel_accuracy == 1
    scores = ConfusionScores(wrong)
    np.testing.assert_array_equal(scores.f1, [np.nan, 0, 0])
    np.testing.assert_array_equal(scores.recall, [np.nan, 0, np.nan])
    assert scores.pixel_accuracy == 0


def test_counts_beyond_int32_are_exact():
    matrix = np.array([[2**40 + 1, 1], [0, 3]])
    scores = ConfusionScores(matrix)
    assert scores.matrix[0, 0] == 2**40 + 1
    assert scores.precision[1] == 3 / 4


@pytest.mark.parametrize(
    "matrix, left_out, words",
    [
        (np.zeros((2, 3)), (), "matrix"),
        (np.zeros(4), (), "matrix"),
        ([[1, -1], [0, 0]], (), "matrix"),
        ([[0.5, 0], [0, 0]], (), "matrix"),
        (np.eye(3), (3,), "left_out"),
        (np.eye(3), (-1,), "left_out"),
        (np.eye(3), 2, "left_out"),
        (np.eye(3), "02", "left_out"),
        (np.eye(2), (0, 1), "left_out"),
    ],
)
def test_bad_arguments_are_named(matrix, left_out, words):
    with pytest.raises(ValueError, match=words):
        ConfusionScores(matrix, left_out)
