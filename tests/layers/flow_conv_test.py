"""One convolution of two maps: kernels, initial values, weights file."""

import keras
import numpy as np
import pytest

from keras_rsseg.layers import FlowConv
from keras_rsseg.layers import ResizeLike
from tests.layers import plain
from tests.layers.compiled import jitted
from tests.test_case import TestCase
from tests.test_case import to_numpy

SHAPES = (2, 7, 9, 3), (2, 4, 5, 2)


def maps(shapes=SHAPES):
    rng = np.random.default_rng(0)
    return [rng.standard_normal(s).astype("float32") for s in shapes]


def built(**kwargs):
    layer = FlowConv(**kwargs)
    layer.build(*SHAPES)
    rng = np.random.default_rng(1)
    layer.set_weights([rng.standard_normal(w.shape) for w in layer.weights])
    return layer


def model_of(layer):
    """A model with another layer besides the one that joins maps."""
    fine, coarse = [keras.Input(shape[1:]) for shape in SHAPES]
    return keras.Model(
        [fine, coarse], layer(keras.layers.Dense(3)(fine), coarse)
    )


class TestFlowConv(TestCase):
    def test_one_kernel_on_both_maps_the_coarse_one_first(self):
        fine, coarse = maps()
        layer = built(filters=4, kernel_size=5)
        kernel, bias = layer.get_weights()
        assert kernel.shape == (5, 5, 5, 4)
        both = np.concatenate(
            [plain.resize_aligned(coarse, (7, 9)), fine], axis=-1
        )
        expected = plain.convolution(both, kernel, bias)
        self.assert_close(jitted(layer)(fine, coarse), expected, 1e-5)

    def test_a_kernel_for_each_map(self):
        fine, coarse = maps()
        # Wider than the map, as at HRNet's coarsest branches.
        layer = built(join="add", kernel_size=15, fine_kernel_size=3)
        kernel, fine_kernel, bias = layer.get_weights()
        assert kernel.shape == (15, 15, 2, 2)
        assert fine_kernel.shape == (3, 3, 3, 2)
        coarse_part = plain.convolution(
            plain.resize_aligned(coarse, (7, 9)), kernel, bias
        )
        expected = coarse_part + plain.convolution(fine, fine_kernel)
        self.assert_close(jitted(layer)(fine, coarse), expected, 1e-5)

    @pytest.mark.parametrize(
        "arguments",
        [
            {"filters": 4, "use_bias": False},
            {"join": "add", "fine_kernel_size": 3, "zero_start": True},
        ],
    )
    def test_layer(self, arguments):
        outputs = self.run_layer_test(
            FlowConv,
            arguments,
            list(SHAPES),
            expected_output_shape=(2, 7, 9, arguments.get("filters", 2)),
            expected_num_trainable=3 if "join" in arguments else 1,
        )
        zero = arguments.get("zero_start", False)
        assert np.any(to_numpy(outputs)) != zero

    # Keras' message for a file that fails to load.
    @pytest.mark.filterwarnings("ignore:Skipping nested container")
    def test_only_a_zero_start_may_be_missing_from_a_file(self, tmp_path):
        path = tmp_path / "model.weights.h5"
        model_of(ResizeLike(align_corners=True)).save_weights(path)
        flow = built(join="add", zero_start=True)
        model = model_of(flow)
        model.load_weights(path)
        assert not any(np.any(w) for w in flow.get_weights())
        with pytest.raises(ValueError, match="0 variables"):
            model_of(FlowConv()).load_weights(path)
        # If a file has a flow, it must match.
        model.save_weights(path)
        for other in ({"join": "concat"}, {"join": "add", "kernel_size": 5}):
            other = model_of(FlowConv(**other, zero_start=True))
            with pytest.raises(ValueError, match="could not be loaded"):
                other.load_weights(path)

    def test_coarse_map_must_not_be_the_larger(self):
        fine, coarse = maps()
        layer = FlowConv()
        with pytest.raises(ValueError, match=r"fine, coarse.*\(2, 4, 5, 2\)"):
            layer(coarse, fine)

    @pytest.mark.parametrize(
        "arguments, named",
        [
            ({"join": "sum"}, "`join` must be .*'sum'"),
            ({"kernel_size": 4}, "`kernel_size` must be .* odd.*=4"),
            ({"fine_kernel_size": 0}, "`fine_kernel_size` must be .* odd.*=0"),
            ({"data_format": "NCHW"}, "`data_format` must be"),
        ],
    )
    def test_bad_arguments_are_named(self, arguments, named):
        with pytest.raises(ValueError, match=named):
            FlowConv(**arguments)
