"""A warp that starts as a resize and learns where the coarse map belongs."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st
from keras import ops

from keras_rsseg.layers import ImprovedFlowWarp
from tests.gradients import gradient
from tests.layers import plain
from tests.layers.compiled import jitted
from tests.ops import reference
from tests.test_case import TestCase
from tests.test_case import to_numpy

# The paper's Table III, for a ratio r.
VARIANTS = {
    "sf": lambda r: {"flow": "concat", "kernel_size": 3},
    "lsf": lambda r: {"flow": "concat", "kernel_size": 2 * r - 1},
    "rifw": lambda r: {"kernel_size": 2 * r - 1, "fine_kernel_size": 3},
    "ifwm": lambda r: {"kernel_size": 2 * r - 1},
}


def maps(fine, coarse, channels=3):
    rng = np.random.default_rng(0)
    return [
        rng.standard_normal((2, *size, channels)).astype("float32")
        for size in (fine, coarse)
    ]


def built(fine, coarse, scale=0.3, **kwargs):
    layer = ImprovedFlowWarp(**kwargs)
    layer.build(fine.shape, coarse.shape)
    rng = np.random.default_rng(1)
    layer.set_weights(
        [scale * rng.standard_normal(w.shape) for w in layer.weights]
    )
    return layer


def plain_flow(layer, fine, coarse):
    """The flow by Table III and the definition, in float64."""
    weights = layer.flow_conv.get_weights()
    *kernels, bias = [np.asarray(w, "float64") for w in weights]
    coarse = plain.resize_aligned(coarse, fine.shape[1:3])
    if layer.flow == "concat":
        both = np.concatenate([coarse, fine], axis=-1)
        return plain.convolution(both, *kernels) + bias
    region, fine_kernel = kernels
    flow = plain.convolution(coarse, region)
    return flow + plain.convolution(fine, fine_kernel) + bias


def set_constant_flow(layer, flow):
    layer.set_weights(
        [
            np.array(flow) if w.path.endswith("bias") else np.zeros(w.shape)
            for w in layer.weights
        ]
    )


class TestImprovedFlowWarp(TestCase):
    @pytest.mark.parametrize(
        "variant, ratio",
        [
            ("sf", 4),
            ("lsf", 4),
            ("rifw", 2),
            ("ifwm", 2),
            ("ifwm", 4),
            ("ifwm", 8),
        ],
    )
    def test_equals_a_plain_computation(self, variant, ratio):
        sizes = {
            2: ((8, 6), (4, 3)),
            4: ((9, 11), (3, 3)),
            8: ((16, 9), (2, 2)),
        }
        fine, coarse = maps(*sizes[ratio])
        layer = built(fine, coarse, **VARIANTS[variant](ratio))
        expected_size = 3 if variant == "sf" else 2 * ratio - 1
        assert layer.flow_conv.kernel.shape[0] == expected_size
        flow = plain_flow(layer, fine, coarse)
        assert np.abs(flow).max() > 1
        expected = fine + reference.flow_warp(coarse, flow)
        self.assert_close(jitted(layer)(fine, coarse), expected, 1e-4)

    @settings(max_examples=4)
    @given(st.tuples(st.integers(1, 5), st.integers(1, 5)), st.data())
    def test_a_new_layer_resizes_with_aligned_corners(self, size, data):
        ratio = data.draw(st.sampled_from([2, 4, 8]))
        rounding = data.draw(st.integers(0, ratio - 1))
        fine, coarse = maps([max(n * ratio - rounding, n) for n in size], size)
        layer = ImprovedFlowWarp(kernel_size=2 * ratio - 1, add_fine=False)
        layer.build(fine.shape, coarse.shape)
        resized = plain.resize_aligned(coarse, fine.shape[1:3])
        self.assert_close(jitted(layer)(fine, coarse), resized, 1e-5)

    @pytest.mark.parametrize("ratio", [2, 4, 8])
    def test_a_unit_of_flow_is_half_a_fine_pixel_over_the_width(self, ratio):
        w, width = 4, 4 * ratio - 1
        ramp = np.arange(w, dtype="float32").reshape(1, 1, w, 1)
        coarse, fine = ramp.repeat(3, axis=1), np.zeros((1, 5, width, 1), "f")
        layer = built(fine, coarse, kernel_size=2 * ratio - 1)
        set_constant_flow(layer, [1.0, 0.0])
        shift = (w - 1) / (2 * width)
        expected = np.arange(width) * (w - 1) / (width - 1) + shift
        inside = expected <= w - 1
        assert inside.sum() >= width - 1
        moved = to_numpy(jitted(layer)(fine, coarse))[0, :, inside, 0]
        np.testing.assert_allclose(
            moved, np.broadcast_to(expected[inside, None], moved.shape), 1e-5
        )

    @pytest.mark.parametrize("variant", ["lsf", "ifwm"])
    def test_gradients_equal_differences(self, variant):
        fine, coarse = maps((7, 6), (4, 3), channels=2)
        upstream = maps((7, 6), (4, 3), channels=2)[0][::-1]
        layer = built(fine, coarse, **VARIANTS[variant](2))

        def loss(fine, coarse, *weights):
            out, _ = layer.stateless_call(list(weights), [], fine, coarse)
            return ops.sum(ops.multiply(out, upstream))

        weights = layer.get_weights()
        actual = gradient(loss, fine, coarse, *weights)
        arrays = [x.astype("float64") for x in (fine, coarse, *weights)]

        def plain_loss(fine, coarse, *weights):
            layer.set_weights(weights)
            flow = plain_flow(layer, fine, coarse)
            out = fine + reference.flow_warp(coarse, flow)
            return (out * upstream).sum()

        # Along one direction in each argument, away from the pixels' kinks.
        rng, step = np.random.default_rng(3), 1e-4
        for index, slope in enumerate(actual):
            direction = rng.standard_normal(slope.shape)
            ends = []
            for sign in (1, -1):
                moved = list(arrays)
                moved[index] = arrays[index] + sign * step * direction
                ends.append(plain_loss(*moved))
            expected = (ends[0] - ends[1]) / (2 * step)
            actual_slope = (slope * direction).sum()
            assert abs(actual_slope - expected) < 1e-2 * abs(expected), index

    def test_kernel_of_the_nearest_ratio(self):
        for fine, coarse, expected in [
            ((16, 16), (8, 8), 3),
            ((49, 97), (25, 49), 3),  # 1.96 and 1.98
            ((25, 17), (12, 8), 3),  # rounded down
            ((9, 12), (3, 3), 7),
            ((9, 17), (2, 3), 15),
            ((None, 17), (None, 3), 15),
            ((1, 8), (1, 1), 15),
        ]:
            layer = ImprovedFlowWarp()
            layer.build((None, *fine, 2), (None, *coarse, 2))
            assert layer.flow_conv.kernel_size == expected, (fine, coarse)
            assert layer.get_config()["kernel_size"] is None

    @pytest.mark.parametrize(
        "fine, coarse",
        [((16, 16), (1, 1)), ((5, 5), (5, 5)), ((None, None), (4, 4))],
    )
    def test_kernel_without_a_ratio_must_be_given(self, fine, coarse):
        layer = ImprovedFlowWarp()
        with pytest.raises(ValueError, match="set `kernel_size`.*fine"):
            layer.build((None, *fine, 2), (None, *coarse, 2))

    def test_channels_first_equals_channels_last(self):
        if keras.backend.backend() == "tensorflow":
            pytest.skip("TensorFlow's CPU convolution is channels-last only")
        fine, coarse = maps((9, 7), (3, 2))
        layer = built(fine, coarse)
        inputs = fine.transpose(0, 3, 1, 2), coarse.transpose(0, 3, 1, 2)
        first = built(*inputs, data_format="channels_first")
        actual = to_numpy(jitted(first)(*inputs)).transpose(0, 2, 3, 1)
        self.assert_close(actual, jitted(layer)(fine, coarse), 1e-4)

    def test_layer(self):
        self.run_layer_test(
            ImprovedFlowWarp,
            {
                "flow": "concat",
                "kernel_size": 7,
                "fine_kernel_size": 3,
                "add_fine": False,
            },
            [(2, 13, 9, 3), (2, 4, 3, 3)],
            expected_output_shape=(2, 13, 9, 3),
            expected_num_trainable=2,
        )

    def test_trained_flow_is_saved_with_its_unknown_sizes(self, tmp_path):
        inputs = [keras.Input((None, None, 3)), keras.Input((None, None, 3))]
        layer = ImprovedFlowWarp(kernel_size=3)
        model = keras.Model(inputs, layer(*inputs))
        fine, coarse = maps((7, 5), (4, 3))
        layer.set_weights(built(fine, coarse, kernel_size=3).get_weights())
        model.save(tmp_path / "model.keras")
        loaded = keras.saving.load_model(tmp_path / "model.keras")
        for sizes in (((7, 5), (4, 3)), ((2, 9), (1, 5))):
            fine, coarse = maps(*sizes)
            flow = plain_flow(layer, fine, coarse)
            self.assert_close(
                loaded.predict_on_batch([fine, coarse]),
                fine + reference.flow_warp(coarse, flow),
                1e-4,
            )

    @pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
    def test_mixed_precision_moves_as_float32(self, policy):
        fine, coarse = maps((2, 128), (1, 64))
        # Maps that every dtype holds, so that only flows could differ.
        fine, coarse = np.round(fine * 8) / 8, np.round(coarse * 8) / 8
        layer = built(fine, coarse, add_fine=False, scale=3.0)
        mixed = built(fine, coarse, add_fine=False, scale=3.0, dtype=policy)
        expected, actual = (
            jitted(layer)(fine, coarse),
            jitted(mixed)(fine, coarse),
        )
        assert keras.backend.standardize_dtype(actual.dtype) == policy[6:]
        precision = {"mixed_float16": 2**-11, "mixed_bfloat16": 2**-8}[policy]
        actual = ops.cast(actual, "float32")
        self.assert_close(actual, expected, 1.01 * precision)

    @pytest.mark.parametrize(
        "arguments, named",
        [
            ({"flow": "sum"}, "`flow` must be .*'sum'"),
            ({"kernel_size": 4}, "`kernel_size` must be .* odd.*=4"),
            ({"fine_kernel_size": 2}, "`fine_kernel_size` must be .* odd"),
        ],
    )
    def test_bad_arguments_are_named(self, arguments, named):
        with pytest.raises(ValueError, match=named):
            ImprovedFlowWarp(**arguments)

    def test_maps_that_do_not_go_together(self):
        fine, coarse = maps((8, 6), (4, 3))
        with pytest.raises(ValueError, match="number of channels"):
            ImprovedFlowWarp()(fine, coarse[..., :2])
        with pytest.raises(ValueError, match="`coarse` must not be larger"):
            ImprovedFlowWarp(kernel_size=3)(coarse, fine)
