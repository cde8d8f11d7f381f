"""Wide ResNet-38 has the sizes and levels that GSCNN expects."""

import keras
import numpy as np
import pytest

from keras_rsseg.encoders import WideResNetEncoder
from keras_rsseg.encoders.wide_resnet_encoder import _pool
from tests.layers.compiled import call
from tests.test_case import TestCase
from tests.test_case import to_numpy

TINY = {"width": 2, "stackwise_num_blocks": (1, 1, 2, 1, 1, 1)}


def images():
    x = np.random.default_rng(0).standard_normal((1, 33, 50, 3))
    return x.astype("float32")


class TestWideResNetEncoder(TestCase):
    def test_sizes(self):
        encoder = WideResNetEncoder(**TINY, finest_level="P1")
        levels = call(encoder, images())
        shapes = {name: tuple(x.shape)[1:] for name, x in levels.items()}
        assert shapes == {
            "P1": (33, 50, 2),
            "P2": (17, 25, 4),
            "P3": (9, 13, 8),
            "P4": (5, 7, 16),
            "P5": (5, 7, 128),
        }
        spec = encoder.compute_output_shape((1, 33, 50, 3))
        assert {name: shape[1:] for name, shape in spec.items()} == shapes
        assert min(to_numpy(x).min() for x in levels.values()) < 0
        assert "P1" not in WideResNetEncoder(**TINY).output

    def test_shortcuts_are_where_size_or_channels_change(self):
        encoder = WideResNetEncoder(**TINY)
        names = [layer.name for layer in encoder.layers]
        for stage in range(2, 8):
            assert f"stage{stage}_block1_shortcut" in names
        assert "stage4_block2_shortcut" not in names
        assert encoder.get_layer("stage4_block1_conv1").strides == 2
        assert encoder.get_layer("stage5_block1_conv1").dilation_rate == 2
        assert encoder.get_layer("stage6_block1_conv2").dilation_rate == 4

    def test_pools_take_negative_maps_as_they_are(self):
        x = -1 - np.random.default_rng(0).random((1, 6, 5, 1)).astype("float32")
        inputs = keras.Input((None, None, 1))
        pooled = _pool(inputs, 2, "channels_last", None)
        found = to_numpy(keras.Model(inputs, pooled)(x))
        expected = np.pad(x[0, ..., 0], 1, constant_values=-np.inf)
        for row in range(3):
            for column in range(3):
                window = expected[2 * row :, 2 * column :][:3, :3]
                assert found[0, row, column, 0] == window.max()
        assert found.shape == (1, 3, 3, 1)

    def test_channels_first_equals_channels_last(self):
        if keras.backend.backend() == "tensorflow":
            pytest.skip("TensorFlow's CPU convolution is channels-last only")
        encoder = WideResNetEncoder(**TINY)
        first = WideResNetEncoder(**TINY, data_format="channels_first")
        first.set_weights(encoder.get_weights())
        actual = call(first, images().transpose(0, 3, 1, 2))
        for name, expected in call(encoder, images()).items():
            level = to_numpy(actual[name]).transpose(0, 2, 3, 1)
            self.assert_close(level, expected, 1e-4, name)

    def test_config_names_every_argument(self):
        self.run_config_test(
            WideResNetEncoder,
            {
                **TINY,
                "finest_level": "P1",
                "image_shape": (64, 32, 5),
                "data_format": "channels_first",
                "dtype": "mixed_bfloat16",
                "name": "trunk",
            },
        )

    @pytest.mark.parametrize(
        "arguments, named",
        [
            ({"width": 0}, "`width` .*width=0"),
            ({"stackwise_num_blocks": (1, 1)}, r"`stackwise_num.*\(1, 1\)"),
            ({"finest_level": "P0"}, "`finest_level` .*P1.*'P0'"),
        ],
    )
    def test_bad_arguments_are_named(self, arguments, named):
        with pytest.raises(ValueError, match=named):
            WideResNetEncoder(**arguments)
