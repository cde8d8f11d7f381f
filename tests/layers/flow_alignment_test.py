"""Flow alignment is that of the released SFNet, both versions."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_rsseg.layers import FlowAlignment
from tests.gradients import gradient
from tests.layers import plain
from tests.layers.compiled import jitted
from tests.ops import reference
from tests.shared import read_arrays
from tests.shared import shared_path
from tests.test_case import TestCase
from tests.test_case import to_numpy

NAMES = ["fam_even", "fam_odd", "fam_same", "famv2_even", "famv2_odd"]
# Names of each layer in the released state.
CONVOLUTIONS = {
    "reduce_fine": "down_l",
    "reduce_coarse": "down_h",
    "flow_conv": "flow_make",
    "gate_conv": "flow_gate.0",
}


def last(array):
    return array.transpose(0, 2, 3, 1)


def kernel_last(array):
    return array.transpose(2, 3, 1, 0)


def maps(fine=(2, 9, 7, 6), coarse=(2, 5, 4, 6)):
    rng = np.random.default_rng(0)
    return [rng.standard_normal(s).astype("float32") for s in (fine, coarse)]


def built(fine, coarse, **kwargs):
    layer = FlowAlignment(**kwargs)
    layer.build(fine.shape, coarse.shape)
    rng = np.random.default_rng(1)
    layer.set_weights([rng.standard_normal(w.shape) for w in layer.weights])
    return layer


def plain_alignment(layer, fine, coarse):
    """Both versions from their definition, in float64."""
    kernels = {
        name: np.asarray(getattr(layer, name).get_weights()[0], "float64")
        for name in CONVOLUTIONS
        if hasattr(layer, name)
    }
    reduced_coarse = plain.resize_aligned(
        coarse @ kernels["reduce_coarse"][0, 0], fine.shape[1:3]
    )
    reduced_fine = fine @ kernels["reduce_fine"][0, 0]
    reduced = np.concatenate([reduced_coarse, reduced_fine], axis=-1)
    flow = plain.convolution(reduced, kernels["flow_conv"])
    warped = reference.flow_warp(coarse, flow[..., :2])
    if layer.version == 1:
        return warped
    gate = plain.sigmoid(plain.convolution(reduced, kernels["gate_conv"]))
    warped_fine = reference.flow_warp(fine, flow[..., 2:])
    return gate * warped + (1 - gate) * warped_fine


def released(name):
    """A fixture, its maps and a layer with its weights."""
    truth = read_arrays(shared_path("fixtures", "modules", f"{name}.npz"))
    fine, coarse = last(truth["low_feature"]), last(truth["h_feature"])
    layer = FlowAlignment(version=2 if "v2" in name else 1)
    layer.build(fine.shape, coarse.shape)
    for ours, theirs in CONVOLUTIONS.items():
        if hasattr(layer, ours):
            kernel = kernel_last(truth[f"sd/{theirs}.weight"])
            getattr(layer, ours).set_weights([kernel])
    return truth, fine, coarse, layer


class TestFlowAlignment(TestCase):
    @pytest.mark.parametrize("version", [1, 2])
    def test_equals_a_plain_computation(self, version):
        fine, coarse = maps()
        layer = built(fine, coarse, version=version, reduced_dim=2)
        expected = plain_alignment(layer, fine, coarse)
        self.assert_close(jitted(layer)(fine, coarse), expected, 1e-4)

    @pytest.mark.parametrize("name", NAMES)
    def test_released_outputs_and_gradients(self, name):
        truth, fine, coarse, layer = released(name)

        # Its gradient by the cotangent is the output, in the same program.
        def loss(cotangent, fine, coarse, *weights):
            out, _ = layer.stateless_call(list(weights), [], fine, coarse)
            return ops.sum(ops.multiply(out, cotangent))

        weights = [to_numpy(v) for v in layer.trainable_variables]
        cotangent = last(truth["cot_out"])
        actual = gradient(loss, cotangent, fine, coarse, *weights)
        expected = {
            getattr(layer, ours).kernel.path: truth[f"grad/{theirs}.weight"]
            for ours, theirs in CONVOLUTIONS.items()
            if hasattr(layer, ours)
        }
        names = ["output", "fine", "coarse"]
        names += [v.path for v in layer.trainable_variables]
        expected = [
            last(truth["out"]),
            last(truth["grad_low_feature"]),
            last(truth["grad_h_feature"]),
            *(kernel_last(expected[path]) for path in names[3:]),
        ]
        for key, x, y in zip(names, actual, expected, strict=True):
            self.assert_close(x, y, 5e-5, msg=key)

    def test_channels_first_equals_channels_last(self):
        if keras.backend.backend() == "tensorflow":
            pytest.skip("TensorFlow's CPU convolution is channels-last only")
        fine, coarse = maps()
        layer = built(fine, coarse, version=2)
        inputs = fine.transpose(0, 3, 1, 2), coarse.transpose(0, 3, 1, 2)
        first = built(*inputs, version=2, data_format="channels_first")
        first.set_weights(layer.get_weights())
        actual = last(to_numpy(jitted(first)(*inputs)))
        self.assert_close(actual, jitted(layer)(fine, coarse), 1e-4)

    def test_layer(self):
        self.run_config_test(FlowAlignment, {"data_format": "channels_first"})
        self.run_layer_test(
            FlowAlignment,
            {"reduced_dim": 3, "version": 2},
            [(2, 9, 7, 6), (2, 5, 4, 6)],
            expected_output_shape=(2, 9, 7, 6),
            expected_num_trainable=4,
        )

    def test_flow_is_float32_in_mixed_precision(self):
        # Positions in a map of 300 columns, which bfloat16 cannot tell apart.
        ramp = np.arange(300, dtype="float32") / 300
        coarse = np.stack([ramp, np.ones(300)], -1)[None, None]
        fine = np.zeros((1, 1, 300, 2), "float32")
        layer = FlowAlignment(dtype="mixed_bfloat16")
        layer.build(fine.shape, coarse.shape)
        # The second channel makes a flow of 5.01, which would be 5.0.
        layer.reduce_coarse.set_weights([np.array([[[[0.0], [1.0]]]])])
        kernel = np.zeros((3, 3, 2, 2))
        kernel[1, 1, 0, 0] = 5.01
        layer.flow_conv.set_weights([kernel])
        warped = jitted(layer)(fine, coarse.astype("float32"))
        assert keras.backend.standardize_dtype(warped.dtype) == "bfloat16"
        flow = layer.flow_conv(
            layer.reduce_fine(fine), layer.reduce_coarse(coarse)
        )
        assert keras.backend.standardize_dtype(flow.dtype) == "float32"
        self.assert_close(flow[..., 0], np.full((1, 1, 300), 5.01), 1e-6)
        moved = np.interp(
            np.arange(300) + 5.01 * 299 / 600, np.arange(300), ramp
        )
        actual = to_numpy(ops.cast(warped, "float32"))[0, 0, :290, 0]
        self.assert_close(actual, moved[:290], 2**-7)

    @pytest.mark.parametrize(
        "arguments, named",
        [
            ({"version": 3}, "`version` must be one of 1, 2.*3"),
            ({"reduced_dim": 0}, "`reduced_dim` must be .*0"),
        ],
    )
    def test_bad_arguments_are_named(self, arguments, named):
        with pytest.raises(ValueError, match=named):
            FlowAlignment(**arguments)

    def test_maps_that_do_not_go_together(self):
        fine, coarse = maps()
        with pytest.raises(ValueError, match="number of channels"):
            FlowAlignment()(fine, coarse[..., :5])
        with pytest.raises(ValueError, match="`coarse` must not be larger"):
            FlowAlignment()(coarse, fine)
