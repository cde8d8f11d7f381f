"""Logits are refined where they are uncertain, and nowhere else."""

import keras
import numpy as np
import pytest

from keras_rsseg.layers import PointRefinement
from keras_rsseg.layers import UncertainPoints
from tests.layers import plain
from tests.layers.compiled import jitted
from tests.test_case import TestCase
from tests.test_case import to_numpy


def margins(logits):
    ordered = np.sort(logits, axis=-1)
    return ordered[..., -1] - ordered[..., -2]


def sampled(image, x, y):
    """Bilinear at fractions of width and height, zeros outside."""
    height, width = image.shape[:2]
    row, column = y * height - 0.5, x * width - 0.5
    out = np.zeros(image.shape[-1])
    for i in (int(np.floor(row)), int(np.floor(row)) + 1):
        for j in (int(np.floor(column)), int(np.floor(column)) + 1):
            if 0 <= i < height and 0 <= j < width:
                weight = (1 - abs(row - i)) * (1 - abs(column - j))
                out += weight * image[i, j]
    return out


def plain_refinement(layer, logits, features):
    """Refined logits of one image, with corners aligned, float64."""
    refined = logits
    for _ in range(layer.steps):
        height, width = (2 * n for n in refined.shape[:2])
        refined = plain.resize_aligned(refined[None], (height, width))[0]
        doubled = refined.copy()
        order = np.argsort(margins(refined).ravel(), kind="stable")
        for index in order[: layer.num_points]:
            i, j = divmod(index, width)
            place = (j + 0.5) / width, (i + 0.5) / height
            given = doubled if layer.use_refined else logits
            coarse = sampled(given, *place)
            x = sampled(features, *place)
            for dense in layer.dense:
                kernel, bias = (to_numpy(w) for w in dense.weights)
                x = np.concatenate([x, coarse]) @ kernel + bias
                if dense is not layer.dense[-1]:
                    x = np.maximum(x, 0)
            refined[i, j] = x
    return refined


def maps(batch=2, classes=3):
    rng = np.random.default_rng(0)
    logits = rng.standard_normal((batch, 4, 3, classes)).astype("float32")
    features = rng.standard_normal((batch, 7, 6, 5)).astype("float32")
    return logits, features


class TestPointRefinement(TestCase):
    @pytest.mark.parametrize(
        "hidden_layers, use_refined", [(0, True), (2, False)]
    )
    @pytest.mark.parametrize("num_points", [10, 1000])
    def test_equals_a_plain_computation(
        self, hidden_layers, use_refined, num_points
    ):
        layer = PointRefinement(
            3,
            num_points=num_points,
            filters=6,
            hidden_layers=hidden_layers,
            use_refined=use_refined,
            align_corners=True,
        )
        logits, features = maps()
        layer.build(logits.shape, features.shape)
        actual = jitted(layer)(logits, features)
        expected = np.stack(
            [
                plain_refinement(layer, *(x.astype("float64") for x in pair))
                for pair in zip(logits, features, strict=True)
            ]
        )
        assert expected.shape == (2, 16, 12, 3)
        self.assert_close(actual, expected, 1e-5)

    def test_certain_pixels_are_those_of_a_plain_resize(self):
        layer = PointRefinement(3, steps=1, num_points=7, filters=4)
        logits, features = maps()
        refined = to_numpy(layer(logits, features))
        none = PointRefinement(3, steps=1, num_points=7, filters=4)
        none.build(logits.shape, features.shape)
        for dense in none.dense:
            dense.set_weights([np.zeros(w.shape) for w in dense.weights])
        other = to_numpy(none(logits, features))
        changed = np.any(refined != other, axis=-1)
        assert changed.sum(axis=(1, 2)).tolist() == [7, 7]
        assert (other[changed] == 0).all()

    def test_points_alone(self):
        layer = PointRefinement(3, num_points=10, filters=4)
        logits, features = maps()
        points = np.random.default_rng(1).random((2, 9, 2), "float32")
        found = to_numpy(layer(logits, features, points))
        assert found.shape == (2, 9, 3)
        # Each separately.
        alone = layer(logits, features, points[:, 4:5])
        self.assert_close(found[:, 4:5], alone, 1e-5)

    def test_layer(self):
        self.run_layer_test(
            PointRefinement,
            {"num_classes": 3, "num_points": 20, "filters": 4},
            [(2, 4, 3, 3), (2, 7, 6, 5)],
            expected_output_shape=(2, 16, 12, 3),
            expected_num_trainable=8,
        )

    def test_mixed_precision_keeps_places_and_logits_in_float32(self):
        layer = PointRefinement(3, filters=4, num_points=30)
        logits, features = maps()
        expected = layer(logits, features)
        mixed = PointRefinement(
            3, filters=4, num_points=30, dtype="mixed_bfloat16"
        )
        mixed.build(logits.shape, features.shape)
        mixed.set_weights(layer.get_weights())
        found = mixed(logits, features)
        assert keras.backend.standardize_dtype(found.dtype) == "float32"
        difference = np.abs(to_numpy(found) - to_numpy(expected))
        assert difference.mean() < 0.02

    @pytest.mark.parametrize(
        "argument", [{"num_classes": 0}, {"num_points": 0}, {"steps": 6}]
    )
    def test_bad_numbers_are_refused(self, argument):
        with pytest.raises(ValueError, match=next(iter(argument))):
            PointRefinement(**{"num_classes": 3, **argument})


class TestUncertainPoints(TestCase):
    def test_most_points_are_uncertain(self):
        # Certain on the left, a tie on the right.
        logits = np.zeros((2, 8, 8, 3), "float32")
        logits[:, :, :4, 1] = 9.0
        layer = UncertainPoints(num_points=400, uncertain_share=0.75)
        points = to_numpy(layer(logits))
        assert points.shape == (2, 400, 2)
        assert points.min() >= 0 and points.max() < 1
        right = (points[..., 0] > 0.5).mean(axis=1)
        # Three quarters, and half of the rest.
        np.testing.assert_allclose(right, 0.875, atol=0.05)
        # Drawn anew, separately for each image.
        assert np.any(points[0] != points[1])
        assert np.any(to_numpy(layer(logits)) != points)

    @pytest.mark.parametrize("share, expected", [(0.0, 0.5), (1.0, 1.0)])
    def test_none_or_all_of_them(self, share, expected):
        logits = np.zeros((1, 8, 8, 2), "float32")
        logits[:, :, :4, 1] = 9.0
        layer = UncertainPoints(num_points=400, uncertain_share=share)
        right = (to_numpy(layer(logits))[..., 0] > 0.49).mean()
        assert right == pytest.approx(expected, abs=0.1)

    def test_configuration(self):
        self.run_config_test(
            UncertainPoints,
            {
                "num_points": 5,
                "oversampling": 2,
                "uncertain_share": 0.5,
                "seed": 3,
            },
        )

    @pytest.mark.parametrize(
        "argument", [{"num_points": 0}, {"uncertain_share": 1.5}]
    )
    def test_bad_arguments_are_refused(self, argument):
        with pytest.raises(ValueError, match=next(iter(argument))):
            UncertainPoints(**argument)
