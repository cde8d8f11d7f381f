"""Four branches of the sizes and channels that the head expects."""

import keras
import numpy as np
import pytest

from keras_rsseg.encoders import HRNetEncoder
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


def random_statistics(encoder):
    """Statistics under which branches differ and none is all zero."""
    rng = np.random.default_rng(1)
    for variable in encoder.weights:
        if variable.path.endswith("moving_variance"):
            variable.assign(rng.uniform(0.05, 0.2, variable.shape))


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
        # The released segmentation network, less its head.
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

    def test_config_names_every_argument(self):
        self.run_config_test(
            HRNetEncoder,
            {
                **TINY,
                "align_corners": False,
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
        ],
    )
    def test_bad_arguments_are_named(self, arguments, named):
        with pytest.raises(ValueError, match=named):
            HRNetEncoder(**{**TINY, **arguments})
