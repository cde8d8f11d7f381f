"""Four branches of the sizes and channels that the head expects."""

import keras
import numpy as np
import pytest

from keras_rsseg.encoders import HRNetEncoder
from tests.gradients import gradient
from tests.layers.compiled import call
from tests.test_case import TestCase
from tests.test_case import to_numpy

TINY = {
    "width": 4,
    "stackwise_num_modules": (1, 1, 1),
    "num_blocks": 1,
    "num_bottlenecks": 1,
    "bottleneck_filters": 8,
}


def images(height, width):
    rng = np.random.default_rng(0)
    return rng.standard_normal((1, height, width, 3)).astype("float32")


def flow_weights(encoder):
    return [w for w in encoder.weights if "_warp/flow_conv/" in w.path]


def random_statistics(encoder):
    """Statistics with which branches differ and none is all zero."""
    rng = np.random.default_rng(1)
    for variable in encoder.weights:
        if variable.path.endswith("moving_variance"):
            variable.assign(rng.uniform(0.05, 0.2, variable.shape))


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A plain network and its preset, which the tests only read."""
    encoder = HRNetEncoder(**TINY)
    random_statistics(encoder)
    folder = tmp_path_factory.mktemp("plain")
    encoder.save_to_preset(folder)
    return encoder, folder


class TestHRNetEncoder(TestCase):
    def test_sizes_at_odd_and_even_images(self):
        encoder = HRNetEncoder(**TINY)
        for height, width in ((33, 66), (1, 2)):
            x = images(height, width)
            levels = call(encoder, x)
            shapes = encoder.compute_output_shape(x.shape)
            assert list(levels) == ["P2", "P3", "P4", "P5"]
            for index, (name, level) in enumerate(levels.items()):
                stride = 4 * 2**index
                size = (-(-height // stride), -(-width // stride))
                expected = (1, *size, 4 * 2**index)
                assert tuple(level.shape) == expected, name
                assert tuple(shapes[name]) == expected, name
                self.assert_finite(level, name)

    def test_the_stem_is_a_level_where_it_is_asked_for(self, plain):
        encoder, folder = plain
        other = HRNetEncoder.from_preset(str(folder), finest_level="P1")
        levels = ["P1", "P2", "P3", "P4", "P5"]
        assert list(other.pyramid_outputs) == list(other.output) == levels
        x = images(33, 50)
        actual, stem = call(other, x), encoder.get_layer("stem_conv1")
        self.assert_close(actual["P1"], call(stem, x), 1e-6)
        assert tuple(actual["P1"].shape) == (1, 17, 25, 64)
        shapes = other.compute_output_shape(x.shape)
        assert {name: tuple(actual[name].shape) for name in levels} == shapes
        self.assert_allclose(other.get_weights(), encoder.get_weights(), 0, 0)

    def test_every_branch_hears_from_every_other(self):
        encoder = HRNetEncoder(**{**TINY, "stackwise_num_modules": (1, 1, 2)})
        paths = [
            layer.name
            for layer in encoder.layers
            if layer.name.startswith("stage4_module2_fuse")
            and layer.name.endswith(("_conv", "_conv1"))
        ]
        pairs = {name.split("fuse")[1].split("_")[0] for name in paths}
        assert pairs == {
            f"{i}to{j}" for i in range(1, 5) for j in range(1, 5) if i != j
        }

    def test_published_size(self):
        # The released segmentation network, without its head.
        encoder = HRNetEncoder(18, image_shape=(64, 32, 3))
        count = sum(np.prod(v.shape) for v in encoder.trainable_variables)
        assert count == 9_562_260

    def test_channels_first_equals_channels_last(self):
        if keras.backend.backend() == "tensorflow":
            pytest.skip("TensorFlow's CPU convolution is channels-last only")
        encoder = HRNetEncoder(**TINY)
        random_statistics(encoder)
        first = HRNetEncoder(**TINY, data_format="channels_first")
        first.set_weights(encoder.get_weights())
        x = images(33, 50)
        actual = call(first, x.transpose(0, 3, 1, 2))
        for name, expected in call(encoder, x).items():
            level = to_numpy(actual[name]).transpose(0, 2, 3, 1)
            assert np.ptp(level) > 0, name
            self.assert_close(level, expected, 1e-4, name)

    def test_align_corners_reaches_the_fusion(self):
        for align_corners in (True, False):
            encoder = HRNetEncoder(**TINY, align_corners=align_corners)
            layer = encoder.get_layer("stage2_module1_fuse2to1_resize")
            assert layer.align_corners is align_corners

    def test_resizing_by_a_factor_first_matters_where_sizes_are_odd(self):
        options = {**TINY, "align_corners": False}
        encoder = HRNetEncoder(**options)
        random_statistics(encoder)
        other = HRNetEncoder(**options, resize_by_factor=True)
        other.set_weights(encoder.get_weights())
        layer = other.get_layer("stage4_module1_fuse4to1_resize")
        assert layer.factor == 8
        for size, same in ((64, True), (70, False)):
            x = images(size, size)
            finest = [call(e, x)["P2"] for e in (encoder, other)]
            difference = np.ptp(to_numpy(finest[0]) - to_numpy(finest[1]))
            assert (difference < 1e-5) == same, size

    def test_flow_starts_as_the_plain_network_and_learns(self, plain):
        encoder, folder = plain
        warped = HRNetEncoder.from_preset(str(folder), fusion="ifwm")
        assert warped.fusion == "ifwm"
        # Two kernels and a bias per path; stages have 1, 3 and 6 paths up.
        assert len(flow_weights(warped)) == 3 * (1 + 3 + 6)
        assert len(warped.weights) == len(encoder.weights) + 30
        x = images(70, 65)
        levels, slopes = self.levels_and_gradients_of_flow(warped, x)
        for name, expected in call(encoder, x).items():
            assert np.ptp(to_numpy(expected)) > 0
            self.assert_close(levels[name], expected, 1e-5, name)
        for weight, slope in zip(flow_weights(warped), slopes, strict=True):
            assert np.isfinite(slope).all() and np.any(slope), weight.path

    def levels_and_gradients_of_flow(self, encoder, x):
        """Outputs, and gradients of their sum by the flow's weights."""
        flow = {w.path: to_numpy(w) for w in flow_weights(encoder)}
        names = list(encoder.pyramid_outputs)

        # The gradient by the factors is the output, in the same program.
        def loss(*arguments):
            factors, values = arguments[:4], arguments[4:]
            values = dict(zip(flow, values, strict=True))
            levels, _ = encoder.stateless_call(
                [values.get(v.path, v) for v in encoder.trainable_variables],
                [v.value for v in encoder.non_trainable_variables],
                keras.ops.convert_to_tensor(x),
            )
            return sum(
                keras.ops.sum(keras.ops.multiply(levels[name], factor))
                for name, factor in zip(names, factors, strict=True)
            )

        shapes = encoder.compute_output_shape(x.shape)
        ones = [np.ones(shapes[name], "float32") for name in names]
        gradients = gradient(loss, *ones, *flow.values())
        levels, slopes = gradients[:4], gradients[4:]
        return dict(zip(names, levels, strict=True)), slopes

    def test_only_the_flow_may_be_missing_from_weights(self, plain, tmp_path):
        _, folder = plain
        with pytest.raises(ValueError, match="could not be loaded"):
            HRNetEncoder.from_preset(str(folder), fusion="ifwm", num_blocks=2)
        warped = HRNetEncoder(**TINY, fusion="ifwm")
        for weight in flow_weights(warped):
            weight.assign(np.ones(weight.shape))
        warped.save_to_preset(tmp_path)
        loaded = HRNetEncoder.from_preset(str(tmp_path))
        assert loaded.fusion == "ifwm"
        for weight in flow_weights(loaded):
            assert np.all(to_numpy(weight) == 1)
        # A plain network has no flow.
        warped.load_weights(folder / "model.weights.h5")
        for weight in flow_weights(warped):
            assert not np.any(to_numpy(weight))

    @pytest.mark.parametrize(
        "fusion, fine_sizes, coarse_sizes",
        [
            ("sf", None, (3, 3, 3)),
            ("lsf", None, (3, 7, 15)),
            ("rifw", (3, 3, 3), (3, 7, 15)),
            ("ifwm", (1, 1, 1), (3, 7, 15)),
        ],
    )
    def test_every_path_up_is_warped(self, fusion, fine_sizes, coarse_sizes):
        encoder = HRNetEncoder(**TINY, fusion=fusion, image_shape=(64, 64, 3))
        names = {layer.name for layer in encoder.layers}
        assert not any(name.endswith("_resize") for name in names)
        for stage, branches in ((2, 2), (3, 3), (4, 4)):
            for i in range(branches):
                for j in range(i + 1, branches):
                    path = f"stage{stage}_module1_fuse{j + 1}to{i + 1}"
                    layer = encoder.get_layer(f"{path}_warp")
                    # The sum has the fine branch once, not once per warp.
                    assert not layer.add_fine
                    kernel = layer.flow_conv.kernel
                    assert kernel.shape[0] == coarse_sizes[j - i - 1]
                    channels = 4 * 2**i
                    if fine_sizes is None:
                        assert kernel.shape[2] == 2 * channels
                    else:
                        fine_kernel = layer.flow_conv.fine_kernel
                        assert fine_kernel.shape[0] == fine_sizes[j - i - 1]
                        assert kernel.shape[2] == channels

    @pytest.mark.parametrize("fusion", ["bilinear", "lsf"])
    def test_config_names_every_argument(self, fusion):
        self.run_config_test(
            HRNetEncoder,
            {
                **TINY,
                "align_corners": fusion != "bilinear",
                "fusion": fusion,
                "resize_by_factor": fusion == "bilinear",
                "finest_level": "P1",
                "image_shape": (64, None, 5),
                "data_format": "channels_first",
                "dtype": "mixed_float16",
                "name": "trunk",
            },
        )

    @pytest.mark.parametrize(
        "arguments, named",
        [
            (
                {"stackwise_num_modules": (1, 4)},
                r"`stackwise_num_modules`.*\(1, 4\)",
            ),
            ({"image_shape": (64, 64)}, r"`image_shape`.*\(64, 64\)"),
            ({"fusion": "fam"}, r"`fusion`.*'rifw'.*'fam'"),
            ({"finest_level": "P0"}, "`finest_level` .*'P1'.*'P0'"),
            (
                {"fusion": "sf", "align_corners": False},
                r"`align_corners` must be True.*'sf'",
            ),
            (
                {"fusion": "sf", "resize_by_factor": True},
                r"`resize_by_factor` must be False.*'sf'",
            ),
        ],
    )
    def test_bad_arguments_are_named(self, arguments, named):
        with pytest.raises(ValueError, match=named):
            HRNetEncoder(**{**TINY, **arguments})
