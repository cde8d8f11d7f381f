"""Semantics flow through the points that the released module selects."""

import json

import keras
import numpy as np
import pytest
from keras import ops

from keras_rsseg.layers.point_flow import PointFlow
from tests.gradients import gradient
from tests.layers.compiled import call
from tests.layers.compiled import jitted
from tests.layers.plain_point_flow import plain_point_flow
from tests.shared import read_arrays
from tests.shared import shared_path
from tests.test_case import TestCase
from tests.test_case import to_numpy

NAMES = ["official", "even", "nonsquare", "oddH_evenW", "tiny"]
TINY = {
    "match_dim": 3,
    "max_pool_size": 3,
    "avg_pool_size": 2,
    "num_boundary_points": 4,
}
# Names of each layer in the released state.
CONVOLUTIONS = {
    "reduce_fine": "down_l",
    "reduce_coarse": "down_h",
    "match_conv": "point_matcher.match_conv",
    "boundary_logits": "edge_final.3",
}
NORM = "edge_final.1"


def last(array):
    return array.transpose(0, 2, 3, 1)


def kernel_last(array):
    return array.transpose(2, 3, 1, 0)


def maps(fine=(2, 8, 6, 5), coarse=(2, 4, 3, 5), seed=0):
    rng = np.random.default_rng(seed)
    return (
        rng.standard_normal(fine).astype("float32"),
        rng.standard_normal(coarse).astype("float32"),
    )


def randomise(layer, seed=1):
    rng = np.random.default_rng(seed)
    for variable in layer.weights:
        # Small enough that no two saliencies are 1 in float32.
        value = 0.3 * rng.standard_normal(variable.shape)
        if "variance" in variable.path:
            value = np.abs(value) + 0.5
        variable.assign(value)


def released(name, data_format="channels_last"):
    """A fixture, its maps and a layer with its weights."""
    truth = read_arrays(shared_path("fixtures", "modules", f"pfm_{name}.npz"))
    layer = PointFlow(
        match_dim=int(truth["cfg_dim"]),
        max_pool_size=int(truth["cfg_maxpool_size"]),
        avg_pool_size=int(truth["cfg_avgpool_size"]),
        num_boundary_points=int(truth["cfg_edge_points"]),
        matcher_kernel_size=int(truth["cfg_matcher_kernel_size"]),
        data_format=data_format,
    )
    fine, coarse = truth["x_low"], truth["x_high"]
    if data_format == "channels_last":
        fine, coarse = last(fine), last(coarse)
    layer.build(fine.shape, coarse.shape)
    for ours, theirs in CONVOLUTIONS.items():
        weights = [kernel_last(truth[f"sd/{theirs}.weight"])]
        if f"sd/{theirs}.bias" in truth:
            weights.append(truth[f"sd/{theirs}.bias"])
        getattr(layer, ours).set_weights(weights)
    kernel = kernel_last(truth["sd/edge_final.0.weight"])
    layer.boundary_conv.conv.set_weights([kernel])
    statistics = ["weight", "bias", "running_mean", "running_var"]
    layer.boundary_conv.batch_norm.set_weights(
        [truth[f"sd/{NORM}.{name}"] for name in statistics]
    )
    return truth, fine, coarse, layer


def released_gradients(truth, mode, layer):
    """Gradients of all trainable variables, in the layer's order."""
    expected = {}
    for ours, theirs in CONVOLUTIONS.items():
        key = f"{mode}/grad/{theirs}"
        sublayer = getattr(layer, ours)
        expected[sublayer.kernel.path] = kernel_last(truth[f"{key}.weight"])
        if sublayer.use_bias:
            expected[sublayer.bias.path] = truth[f"{key}.bias"]
    kernel = kernel_last(truth[f"{mode}/grad/edge_final.0.weight"])
    expected[layer.boundary_conv.conv.kernel.path] = kernel
    norm = layer.boundary_conv.batch_norm
    expected[norm.gamma.path] = truth[f"{mode}/grad/{NORM}.weight"]
    expected[norm.beta.path] = truth[f"{mode}/grad/{NORM}.bias"]
    return [expected[v.path] for v in layer.trainable_variables]


def gradients(layer, fine, coarse, cot_out, cot_boundary, training):
    """Gradients with respect to both maps and all trainable variables."""
    frozen = [to_numpy(v) for v in layer.non_trainable_variables]

    def loss(fine, coarse, *weights):
        outputs, _ = layer.stateless_call(
            list(weights),
            [ops.convert_to_tensor(v) for v in frozen],
            fine,
            coarse,
            training=training,
        )
        # A layer without boundary points has one output.
        outputs = keras.tree.flatten(outputs)
        cotangents = (cot_out, cot_boundary)[: len(outputs)]
        return sum(
            ops.sum(ops.multiply(x, cotangent))
            for x, cotangent in zip(outputs, cotangents, strict=True)
        )

    weights = [to_numpy(v) for v in layer.trainable_variables]
    return gradient(jitted(loss), fine, coarse, *weights)


def run(layer, fine, coarse, training=False):
    """Outputs, points, and the running statistics after the call."""
    norm = layer.boundary_conv.batch_norm

    def function(fine, coarse):
        with keras.StatelessScope() as scope:
            outputs = layer(fine, coarse, training=training)
            statistics = [
                scope.get_current_value(v)
                for v in (norm.moving_mean, norm.moving_variance)
            ]
        with keras.StatelessScope():
            points = layer.select_points(fine, coarse, training=training)
        return tuple(outputs), points, statistics

    return keras.tree.map_structure(
        lambda x: None if x is None else to_numpy(x),
        jitted(function)(fine, coarse),
        none_is_leaf=True,
    )


class TestPointFlow(TestCase):
    @pytest.mark.parametrize("size", [(4, 3), (2, 2), (5, 7)])
    def test_equals_a_plain_computation(self, size):
        h, w = size
        fine, coarse = maps((2, 2 * h, 2 * w, 5), (2, h, w, 5))
        layer = PointFlow(**TINY)
        layer.build(fine.shape, coarse.shape)
        randomise(layer)
        out, boundary = call(layer, fine, coarse)
        expected = plain_point_flow(
            layer, fine.astype("float64"), coarse.astype("float64")
        )
        self.assert_close(out, expected[0], 1e-5)
        self.assert_close(boundary, expected[1], 1e-5)
        # Some pixels were replaced, the others passed unchanged.
        replaced = np.any(to_numpy(out) != fine, axis=-1)
        assert 4 <= replaced.sum() <= 2 * (4 + 9)

    @pytest.mark.parametrize("mode", ["eval", "train"])
    @pytest.mark.parametrize("name", NAMES)
    def test_released_points_and_outputs(self, name, mode):
        truth, fine, coarse, layer = released(name)
        (out, boundary), points, _ = run(layer, fine, coarse, mode == "train")
        self.assert_close(points.saliency, last(truth[f"{mode}/saliency"]))
        for ours, theirs in [
            ("boundary_coarse", "edge_idx_high"),
            ("boundary_fine", "edge_idx_low"),
        ]:
            actual = np.sort(to_numpy(getattr(points, ours)), axis=-1)
            expected = np.sort(truth[f"{mode}/{theirs}"], axis=-1)
            np.testing.assert_array_equal(actual, expected, err_msg=ours)
        for ours, theirs in [
            ("salient_coarse", "salient_idx_high"),
            ("salient_fine", "salient_idx_low"),
        ]:
            np.testing.assert_array_equal(
                to_numpy(getattr(points, ours)), truth[f"{mode}/{theirs}"]
            )
        self.assert_close(out, last(truth[f"{mode}/out"]), msg="out")
        self.assert_close(
            boundary, last(truth[f"{mode}/edge_pred"]), msg="boundary"
        )

    @pytest.mark.parametrize("name", NAMES)
    def test_released_running_statistics(self, name):
        truth, fine, coarse, layer = released(name)
        _, _, (mean, variance) = run(layer, fine, coarse, training=True)
        self.assert_close(mean, truth["train/running_mean_after"])
        self.assert_close(variance, truth["train/running_var_after"])

    @pytest.mark.parametrize("mode", ["eval", "train"])
    def test_released_gradients(self, mode):
        truth, fine, coarse, layer = released("official")
        actual = gradients(
            layer,
            fine,
            coarse,
            last(truth["cot_out"]),
            last(truth["cot_edge"]),
            training=mode == "train",
        )
        expected = [
            last(truth[f"{mode}/grad_x_low"]),
            last(truth[f"{mode}/grad_x_high"]),
            *released_gradients(truth, mode, layer),
        ]
        names = ["fine", "coarse"]
        names += [v.path for v in layer.trainable_variables]
        for name, x, y in zip(names, actual, expected, strict=True):
            self.assert_close(x, y, msg=name)

    def test_points_carry_no_gradient_but_saliency_does(self):
        # The boundary logits choose points; only their own loss trains them.
        fine, coarse = maps()
        layer = PointFlow(**TINY)
        layer.build(fine.shape, coarse.shape)
        randomise(layer)
        ones, zeros = np.ones(fine.shape, "float32"), np.zeros((2, 4, 3, 1))
        actual = gradients(
            layer, fine, coarse, ones, zeros.astype("float32"), False
        )
        by_path = dict(
            zip(
                [v.path for v in layer.trainable_variables],
                actual[2:],
                strict=True,
            )
        )
        assert np.abs(by_path[layer.match_conv.kernel.path]).max() > 0
        assert np.abs(by_path[layer.boundary_logits.kernel.path]).max() == 0

    def test_channels_first_equals_channels_last(self):
        if keras.backend.backend() == "tensorflow":
            pytest.skip("TensorFlow's CPU convolution is channels-last only")
        fine, coarse = maps((2, 9, 7, 5), (2, 5, 4, 5))
        layer = PointFlow(**TINY)
        layer.build(fine.shape, coarse.shape)
        randomise(layer)
        first = PointFlow(**TINY, data_format="channels_first")
        inputs = fine.transpose(0, 3, 1, 2), coarse.transpose(0, 3, 1, 2)
        first.build(inputs[0].shape, inputs[1].shape)
        first.set_weights(layer.get_weights())
        for actual, expected in zip(
            call(first, *inputs), call(layer, fine, coarse), strict=True
        ):
            self.assert_close(last(to_numpy(actual)), expected, 1e-5)

    def test_unknown_sizes_inside_a_saved_and_compiled_model(self, tmp_path):
        layer = self.run_config_test(
            PointFlow, {**TINY, "matcher_kernel_size": 5}
        )
        inputs = [keras.Input((None, None, 5)), keras.Input((None, None, 5))]
        outputs = layer(*inputs)
        assert outputs[0].shape == (None, None, None, 5)
        assert outputs[1].shape == (None, None, None, 1)
        assert len(layer.trainable_variables) == 10
        model = keras.Model(inputs, outputs)
        randomise(layer)
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        loaded.compile(jit_compile=keras.backend.backend() != "torch")
        for size in [(8, 6), (3, 11)]:
            h, w = -(-size[0] // 2), -(-size[1] // 2)
            fine, coarse = maps((2, *size, 5), (2, h, w, 5))
            expected = call(layer, fine, coarse)
            actual = loaded.predict_on_batch([fine, coarse])
            for x, y in zip(actual, expected, strict=True):
                self.assert_close(x, y, 1e-5)

    @pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
    def test_mixed_precision_keeps_the_affinity_in_float32(self, policy):
        # Affinities of 64 channels times 40**2 overflow float16 (65504).
        fine, coarse = maps((1, 16, 16, 64), (1, 8, 8, 64))
        layer = PointFlow(max_pool_size=4, num_boundary_points=64)
        layer.build(fine.shape, coarse.shape)
        fine, coarse = np.abs(fine) * 40, np.abs(coarse) * 40
        mixed = PointFlow(max_pool_size=4, num_boundary_points=64, dtype=policy)
        mixed.build(fine.shape, coarse.shape)
        mixed.set_weights(layer.get_weights())
        (out, boundary), points, _ = run(mixed, fine, coarse)
        assert out.dtype.name == policy[6:]
        assert points.saliency.dtype == "float32"
        self.assert_finite([out.astype("float32"), boundary])
        # All 64 pixels are boundary points, so the points agree.
        tolerance = 5e-3 if policy == "mixed_float16" else 4e-2
        expected = to_numpy(call(layer, fine, coarse)[0])
        different = np.abs(out.astype("float32") - expected).max(-1) > (
            tolerance * np.abs(expected).max()
        )
        # A salient point can move to a neighbour that is equally salient.
        assert different.mean() < 0.02

    def test_select_points_builds_the_layer(self):
        fine, coarse = maps()
        layer = PointFlow(**TINY)
        points = layer.select_points(fine, coarse)
        assert points.salient_fine.shape == (2, 9)
        assert points.boundary_coarse.shape == (2, 4)

    def test_swapped_maps_are_refused(self):
        fine, coarse = maps()
        with pytest.raises(ValueError, match=r"layer\(fine, coarse\)"):
            PointFlow(**TINY)(coarse, fine)
        with pytest.raises(ValueError, match="channels"):
            PointFlow(**TINY)(fine, coarse[..., :2])

    @pytest.mark.parametrize(
        "arguments",
        [
            {"match_dim": 0},
            {"max_pool_size": -1},
            {"num_boundary_points": 1.5},
            {"matcher_kernel_size": 4},
        ],
    )
    def test_bad_arguments_are_named(self, arguments):
        with pytest.raises(ValueError, match=next(iter(arguments))):
            PointFlow(**arguments)

    def test_config_is_json(self):
        config = PointFlow().get_config()
        assert json.loads(json.dumps(config))["num_boundary_points"] == 128
