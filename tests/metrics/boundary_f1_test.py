"""Boundary scores equal plain counts of pixels within a distance."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_rsseg.metrics.boundary_f1 import BoundaryF1
from tests.metrics.updating import update
from tests.test_case import TestCase
from tests.test_case import to_numpy


def one_hot(ids, classes):
    return np.eye(classes, dtype="float32")[ids]


def scene(seed=0, shape=(3, 30, 37), classes=4, void=True):
    """Blocks of classes; predictions shifted and speckled; a void corner."""
    rng = np.random.default_rng(seed)
    batch, height, width = shape
    blocks = rng.integers(0, classes, (batch, height // 7 + 1, width // 7 + 1))
    masks = blocks.repeat(7, axis=1).repeat(7, axis=2)[:, :height, :width]
    predicted = np.roll(masks, (2, 1), axis=(1, 2))
    noise = rng.random(shape) < 0.02
    predicted = np.where(noise, rng.integers(0, classes, shape), predicted)
    masks = masks.copy()
    if void:
        masks[:, :9, 20:] = 255
        masks[rng.random(shape) < 0.01] = 255
    return masks, predicted


def plain_boundary(ids, counted, c):
    """Coordinates of the pixels of a class next to another class."""
    height, width = ids.shape
    points = []
    for y, x in zip(*np.nonzero((ids == c) & counted), strict=True):
        for v, u in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            inside = 0 <= v < height and 0 <= u < width
            if inside and counted[v, u] and ids[v, u] != c:
                points.append((y, x))
                break
    return np.array(points).reshape(-1, 2)


def share_near(points, others, tolerance):
    if not len(points) or not len(others):
        return 0.0
    squared = ((points[:, None] - others[None]) ** 2).sum(-1).min(1)
    return np.mean(squared <= tolerance**2)


def plain_scores(masks, predicted, classes=4, tolerances=(3, 5, 9, 12)):
    """The F1 score of each tolerance and class, over tiles, by all pairs."""
    scores = np.full((len(tolerances), classes, len(masks)), np.nan)
    for b, (mask, ids) in enumerate(zip(masks, predicted, strict=True)):
        counted = mask != 255
        for c in range(classes):
            truth = plain_boundary(mask, counted, c)
            found = plain_boundary(ids, counted, c)
            if not len(truth) and not len(found):
                continue
            for row, tolerance in enumerate(tolerances):
                precision = share_near(found, truth, tolerance)
                recall = share_near(truth, found, tolerance)
                scores[row, c, b] = (
                    2 * precision * recall / (precision + recall)
                    if precision + recall
                    else 0.0
                )
    occurs = ~np.isnan(scores)
    with np.errstate(invalid="ignore"):
        return np.nansum(scores, -1) / occurs.sum(-1)


def results(metric):
    return np.array([float(to_numpy(v)) for v in metric.result().values()])


class TestBoundaryF1(TestCase):
    @pytest.mark.parametrize(
        "tolerances", [(3, 5, 9, 12), (0, 1, 2), (40,)], ids=str
    )
    def test_equals_a_plain_computation_over_batches(self, tolerances):
        metric = BoundaryF1(4, tolerances)
        batches = [scene(0), scene(1, (2, 19, 23))]
        for masks, predicted in batches:
            update(metric, masks, one_hot(predicted, 4))
        # The mean is over tiles: the plain computation takes them together.
        parts = [plain_scores(m, p, 4, tolerances) for m, p in batches]
        expected = (3 * parts[0] + 2 * parts[1]) / 5
        assert not np.isnan(expected).any()
        np.testing.assert_allclose(metric.per_class_f1(), expected, rtol=1e-5)
        np.testing.assert_allclose(results(metric), expected.mean(1), rtol=1e-5)
        assert np.ptp(expected) > 0.1 or tolerances == (40,)

    def test_more_classes_than_bits(self):
        masks, predicted = scene(2, (1, 40, 60), classes=70)
        metric = BoundaryF1(70, (2, 4))
        update(metric, masks, one_hot(predicted, 70))
        expected = plain_scores(masks, predicted, 70, (2, 4))
        np.testing.assert_allclose(metric.per_class_f1(), expected, rtol=1e-5)
        assert len(np.unique(masks[masks < 255] // 31)) == 3

    def test_distance_is_euclidean(self):
        masks, predicted = np.zeros((2, 1, 20, 20), "int64")
        masks[0, 3, 3] = 1
        predicted[0, 6, 7] = 1  # 3 down, 4 right: 5 away
        metric = BoundaryF1(2, (4, 5))
        update(metric, masks, one_hot(predicted, 2))
        np.testing.assert_array_equal(metric.per_class_f1()[:, 1], [0, 1])

    def test_void_has_no_boundary(self):
        masks = np.zeros((1, 16, 16), "int64")
        masks[:, :, 8:] = 255
        predicted = np.zeros_like(masks)
        predicted[:, :, 8:] = 1  # only on void
        predicted[0, 3, 12] = 0
        metric = BoundaryF1(2)
        update(metric, masks, one_hot(predicted, 2))
        assert np.isnan(metric.per_class_f1()).all()
        assert np.isnan(results(metric)).all()
        masks[:, :, 8:] = 1
        update(metric, masks, one_hot(masks, 2))
        np.testing.assert_array_equal(metric.per_class_f1(), np.ones((4, 2)))

    def test_a_class_in_one_map_only_scores_zero(self):
        masks = np.zeros((1, 12, 12), "int64")
        masks[:, 4:] = 1
        predicted = masks.copy()
        predicted[0, 8:, 8:] = 2
        metric = BoundaryF1(4, (2,))
        update(metric, masks, one_hot(predicted, 4))
        expected = plain_scores(masks, predicted, 4, (2,))
        np.testing.assert_allclose(metric.per_class_f1(), expected, rtol=1e-6)
        assert metric.per_class_f1()[0, 2] == 0
        assert np.isnan(metric.per_class_f1()[0, 3])

    def test_one_pixel_and_all_void(self):
        metric = BoundaryF1(3)
        update(metric, np.ones((1, 1, 1)), np.ones((1, 1, 1, 3)))
        update(metric, np.full((2, 5, 5), 255), np.ones((2, 5, 5, 3)))
        assert np.isnan(results(metric)).all()
        assert np.isnan(metric.per_class_f1()).all()

    def test_left_out_classes_count_in_no_mean(self):
        masks, predicted = scene()
        metric = BoundaryF1(4, left_out=[3])
        update(metric, masks, one_hot(predicted, 4))
        expected = plain_scores(masks, predicted)
        np.testing.assert_allclose(metric.per_class_f1(), expected, rtol=1e-5)
        np.testing.assert_allclose(
            results(metric), expected[:, :3].mean(1), rtol=1e-5
        )

    def test_weight_zero_is_void(self):
        masks, predicted = scene(void=False)
        weight = np.ones(masks.shape)
        weight[:, :9, 20:] = 0
        metric = BoundaryF1(4)
        update(metric, masks, one_hot(predicted, 4), sample_weight=weight)
        masks[:, :9, 20:] = 255
        np.testing.assert_allclose(
            metric.per_class_f1(), plain_scores(masks, predicted), rtol=1e-5
        )

    def test_an_unknown_class_id_is_loud(self):
        masks, predicted = scene()
        metric = BoundaryF1(4)
        update(metric, masks, one_hot(predicted, 4))
        masks[0, 20, :3] = 4
        update(metric, masks, one_hot(predicted, 4))
        assert np.isnan(results(metric)).all()
        with pytest.raises(ValueError, match="^3 or more pixels"):
            metric.per_class_f1()
        metric.reset_state()
        update(metric, *scene()[:1], one_hot(predicted, 4))
        assert np.isfinite(results(metric)).all()

    @pytest.mark.parametrize("jit_compile", [True, False])
    def test_inside_a_compiled_model(self, jit_compile):
        if jit_compile and keras.backend.backend() == "torch":
            pytest.skip("torch compiles with a C++ compiler, if at all")
        if not jit_compile and keras.backend.backend() == "jax":
            pytest.skip("operations one by one take as long as all tests")
        masks, predicted = scene(shape=(5, 30, 37))
        inputs = keras.Input((None, None, 4))
        model = keras.Model(inputs, keras.layers.Activation("linear")(inputs))
        metric = BoundaryF1(4, (1, 5))
        loss = keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, ignore_class=255
        )
        model.compile(loss=loss, metrics=[metric], jit_compile=jit_compile)
        # Batches of different sizes.
        logs = model.evaluate(
            one_hot(predicted, 4),
            masks,
            batch_size=3,
            verbose=0,
            return_dict=True,
        )
        expected = plain_scores(masks, predicted, 4, (1, 5)).mean(1)
        actual = [logs["boundary_f1_1"], logs["boundary_f1_5"]]
        np.testing.assert_allclose(actual, expected, rtol=1e-5)

    def test_half_precision_logits(self):
        masks, predicted = scene()
        metric = BoundaryF1(4, dtype="float16")
        logits = ops.cast(one_hot(predicted, 4), "bfloat16")
        for _ in range(3):
            update(metric, masks, logits)
        np.testing.assert_allclose(
            metric.per_class_f1(), plain_scores(masks, predicted), rtol=1e-5
        )

    def test_config_round_trip(self):
        metric = self.run_config_test(
            BoundaryF1,
            {"num_classes": 5, "tolerances": (2, 7), "left_out": [0]},
        )
        assert list(metric.result()) == ["boundary_f1_2", "boundary_f1_7"]

    @pytest.mark.parametrize("wrong", [(), (3, 3), (5, 3), (-1,), (1.5,)])
    def test_bad_tolerances_are_named(self, wrong):
        with pytest.raises(ValueError, match="tolerances"):
            BoundaryF1(4, wrong)
