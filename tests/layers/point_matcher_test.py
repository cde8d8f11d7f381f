"""Every option for points does what it says, and no more."""

import json

import keras
import numpy as np
import pytest

from keras_rsseg.layers import FlowPoints
from keras_rsseg.layers import PointFlow
from tests.layers.compiled import call
from tests.layers.compiled import jitted
from tests.layers.plain_point_flow import plain_point_flow
from tests.layers.point_flow_test import TINY
from tests.layers.point_flow_test import gradients
from tests.layers.point_flow_test import maps
from tests.layers.point_flow_test import randomise
from tests.test_case import TestCase
from tests.test_case import to_numpy

CHOICES = {
    "salient points alone": {"flows": ("salient",)},
    "boundary points alone": {"flows": ("boundary",)},
    "no saliency": {"flows": ("boundary",), "boundary_from": "direct"},
    "largest saliencies": {"salient_sampler": "attention"},
    "random points": {"salient_sampler": "random", "seed": 7},
    "addition": {"boundary_from": "addition"},
    "direct": {"boundary_from": "direct"},
    "bilinear": {"point_sampling": "bilinear"},
    "raw saliency": {"saliency_from": "raw"},
}


def make_layer(shapes, **choice):
    layer = PointFlow(**{**TINY, **choice})
    layer.build(*shapes)
    randomise(layer)
    return layer


def run(layer, fine, coarse, training=False):
    """The fine map, the boundary logits or `None`, and the points."""

    def function(fine, coarse):
        outputs = layer(fine, coarse, training=training)
        points = layer.select_points(fine, coarse, training=training)
        return keras.tree.flatten(outputs), points[2:]

    outputs, points = jitted(function)(fine, coarse)
    out, *logits = (to_numpy(x) for x in outputs)
    points = FlowPoints(None, None, *(to_numpy(x) for x in points))
    return out, (logits or [None])[0], points


class TestChoices(TestCase):
    @pytest.mark.parametrize("name", CHOICES)
    def test_equals_a_plain_computation(self, name):
        choice = CHOICES[name]
        # Three times as high: the written pixel tells the options apart.
        fine, coarse = maps((2, 12, 6, 5), (2, 4, 3, 5))
        layer = make_layer((fine.shape, coarse.shape), **choice)
        out, logits, points = run(layer, fine, coarse)
        expected = plain_point_flow(
            layer,
            fine.astype("float64"),
            coarse.astype("float64"),
            points.salient_coarse,
        )
        self.assert_close(out, expected[0], 1e-5)
        assert (logits is None) == (expected[1] is None)
        if logits is not None:
            self.assert_close(logits, expected[1], 1e-5)
        # The points are the pixels that changed.
        changed = np.any(out != fine, axis=-1).reshape(2, -1)
        for b in range(2):
            chosen = {*points.boundary_fine[b], *points.salient_fine[b]}
            assert chosen == {*np.flatnonzero(changed[b])}

    @pytest.mark.parametrize("name", CHOICES)
    def test_trains_and_is_saved(self, name, tmp_path):
        choice = {**TINY, **CHOICES[name]}
        fine, coarse = maps()
        layer = self.run_config_test(PointFlow, choice)
        layer.build(fine.shape, coarse.shape)
        randomise(layer)
        found = gradients(
            layer, fine, coarse, fine[::-1], coarse[::-1, ..., :1], True
        )
        self.assert_finite(found)
        # Nothing unneeded was built.
        for variable, value in zip(
            layer.trainable_variables, found[2:], strict=True
        ):
            assert np.abs(value).max() > 0, variable.path
        inputs = [keras.Input((None, None, 5)), keras.Input((None, None, 5))]
        model = keras.Model(inputs, layer(*inputs))
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        twin = loaded.get_layer(layer.name)
        assert twin.get_config() == layer.get_config()
        for x, y in zip(twin.weights, layer.weights, strict=True):
            np.testing.assert_array_equal(to_numpy(x), to_numpy(y))
        assert loaded.output_shape == model.output_shape

    def test_random_points_repeat_in_inference_alone(self):
        fine, coarse = maps((2, 18, 18, 5), (2, 9, 9, 5))
        shapes = fine.shape, coarse.shape
        random = {"salient_sampler": "random", "flows": "salient"}
        layer = make_layer(shapes, **random)
        first, again = (
            run(layer, fine, coarse)[2].salient_coarse for _ in range(2)
        )
        np.testing.assert_array_equal(first, again)
        # Neither the image nor its position in the batch matters.
        np.testing.assert_array_equal(first[0], first[1])
        other = make_layer(shapes, **random, seed=1)
        assert (run(other, fine, coarse)[2].salient_coarse != first).any()
        # In training, each step and each image has its own points.
        changed = [
            (to_numpy(call(layer, fine, coarse, training=True)) != fine).any(-1)
            for _ in range(2)
        ]
        assert (changed[0] != changed[1]).any()
        assert (changed[0][0] != changed[0][1]).any()
        assert (changed[0].sum((1, 2)) == 9).all()

    @pytest.mark.parametrize("name", ["salient points alone", "no saliency"])
    def test_mixed_precision(self, name):
        fine, coarse = maps()
        layer = PointFlow(**{**TINY, **CHOICES[name]}, dtype="mixed_float16")
        layer.build(fine.shape, coarse.shape)
        out, logits, _ = run(layer, fine, coarse)
        self.assert_finite([x for x in (out, logits) if x is not None])
        assert out.dtype == "float16"

    @pytest.mark.parametrize(
        "arguments",
        [
            {"flows": ()},
            {"flows": ("salient", "edge")},
            {"salient_sampler": "top_k"},
            {"boundary_from": None},
            {"point_sampling": "nearest"},
            {"saliency_from": "fine"},
        ],
    )
    def test_unknown_choices_are_named(self, arguments):
        with pytest.raises(ValueError, match=next(iter(arguments))):
            PointFlow(**arguments)

    def test_config_is_json(self):
        layer = PointFlow(flows="boundary")
        config = json.loads(json.dumps(layer.get_config()))
        assert config["flows"] == ["boundary"]
        assert PointFlow.from_config(config).flows == ("boundary",)
