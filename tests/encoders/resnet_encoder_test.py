"""Every stage has the size, stride and channels that a decoder expects."""

import keras
import numpy as np
import pytest

from keras_rsseg.encoders import ResNetEncoder
from tests.layers.compiled import call
from tests.test_case import TestCase
from tests.test_case import to_numpy

# Output strides 8 and 16, and the strided and dilated trunk of PFNet.
TRUNKS = {
    "default": ({}, (4, 8, 16, 32)),
    "stride 8": (
        {
            "stackwise_strides": (1, 2, 1, 1),
            "stackwise_dilations": (1, 1, 2, 4),
        },
        (4, 8, 8, 8),
    ),
    "stride 16": (
        {
            "stackwise_strides": (1, 2, 2, 1),
            "stackwise_dilations": (1, 1, 1, 2),
        },
        (4, 8, 16, 16),
    ),
    "pfnet": ({"stackwise_dilations": (1, 1, 2, 4)}, (4, 8, 16, 32)),
}


def images(height, width, bands=3):
    rng = np.random.default_rng(0)
    shape = (1, height, width, bands)
    return rng.standard_normal(shape).astype("float32")


def convolution(encoder, name):
    layer = encoder.get_layer(name)
    return layer.strides, layer.dilation_rate


class TestResNetEncoder(TestCase):
    @pytest.mark.parametrize("trunk", TRUNKS)
    def test_sizes_at_odd_and_even_images(self, trunk):
        arguments, strides = TRUNKS[trunk]
        encoder = ResNetEncoder(18, **arguments)
        for height, width in ((33, 50),):
            x = images(height, width)
            levels = call(encoder, x)
            shapes = encoder.compute_output_shape(x.shape)
            assert list(levels) == ["P2", "P3", "P4", "P5"]
            for index, (name, level) in enumerate(levels.items()):
                stride = strides[index]
                size = (-(-height // stride), -(-width // stride))
                expected = (1, *size, 64 * 2**index)
                assert tuple(level.shape) == expected, name
                assert tuple(shapes[name]) == expected, name
                self.assert_finite(level, name)
                assert to_numpy(level).std() > 0.1, name

    @pytest.mark.parametrize(
        "depth, parameters",
        [
            # torchvision's, less the 1000-class layer.
            (18, 11_689_512 - 513_000),
            (34, 21_797_672 - 513_000),
            (50, 25_557_032 - 2_049_000),
            (101, 44_549_160 - 2_049_000),
        ],
    )
    def test_depths_have_the_published_number_of_weights(
        self, depth, parameters
    ):
        encoder = ResNetEncoder(depth)
        count = sum(np.prod(v.shape) for v in encoder.trainable_variables)
        assert count == parameters

    def test_bottlenecks_and_deep_stem(self):
        encoder = ResNetEncoder(50, stem="deep", image_shape=(65, 32, 4))
        shapes = {name: level.shape for name, level in encoder.output.items()}
        assert shapes == {
            "P2": (None, 17, 8, 256),
            "P3": (None, 9, 4, 512),
            "P4": (None, 5, 2, 1024),
            "P5": (None, 3, 1, 2048),
        }
        stem = [encoder.get_layer(f"stem_conv{i}") for i in (1, 2, 3)]
        assert [layer.filters for layer in stem] == [64, 64, 128]
        assert [layer.strides for layer in stem] == [2, 1, 1]
        assert stem[0].conv.kernel.shape == (3, 3, 4, 64)

    def test_stride_is_on_the_convolution_asked_for(self):
        for stride_on, expected in (("3x3", (1, 2)), ("1x1", (2, 1))):
            encoder = ResNetEncoder(50, stride_on=stride_on)
            names = ("stage3_block1_conv1", "stage3_block1_conv2")
            strides = tuple(convolution(encoder, name)[0] for name in names)
            assert strides == expected
            assert convolution(encoder, "stage3_block1_shortcut")[0] == 2
            assert convolution(encoder, "stage3_block2_conv1")[0] == 1

    def test_dilation_begins_with_the_first_block(self):
        encoder = ResNetEncoder(50, stackwise_dilations=(1, 1, 2, 4))
        # Every other pixel is kept, of which a dilation of 2 is one of 4.
        assert encoder.get_layer("stage4_block1_conv1").keep_every == 2
        assert encoder.get_layer("stage4_block2_conv1").keep_every == 1
        assert convolution(encoder, "stage4_block1_conv2") == (1, 2)
        assert convolution(encoder, "stage4_block2_conv2") == (1, 4)
        # Two 3x3 convolutions a block: the first has stride and dilation.
        encoder = ResNetEncoder(18, stackwise_dilations=(1, 1, 2, 4))
        assert convolution(encoder, "stage4_block1_conv1") == (2, 4)
        assert convolution(encoder, "stage4_block1_conv2") == (1, 4)

    def test_channels_first_equals_channels_last(self):
        if keras.backend.backend() == "tensorflow":
            pytest.skip("TensorFlow's CPU convolution is channels-last only")
        arguments = {"depth": 18, "stackwise_dilations": (1, 1, 2, 4)}
        encoder = ResNetEncoder(**arguments)
        first = ResNetEncoder(**arguments, data_format="channels_first")
        first.set_weights(encoder.get_weights())
        x = images(33, 50)
        actual = call(first, x.transpose(0, 3, 1, 2))
        for name, expected in call(encoder, x).items():
            level = to_numpy(actual[name]).transpose(0, 2, 3, 1)
            self.assert_close(level, expected, 1e-4, name)

    def test_config_names_every_argument(self):
        self.run_config_test(
            ResNetEncoder,
            {
                "depth": 34,
                "stem": "deep",
                "stride_on": "1x1",
                "stackwise_strides": (1, 2, 2, 1),
                "stackwise_dilations": (1, 1, 1, 2),
                "batch_norm_epsilon": 1e-3,
                "image_shape": (64, 32, 5),
                "data_format": "channels_first",
                "dtype": "mixed_bfloat16",
                "name": "trunk",
            },
        )

    @pytest.mark.parametrize(
        "arguments, named",
        [
            ({"depth": 20}, r"`depth` .*18, 34, 50, 101.*depth=20"),
            ({"stem": "wide"}, "`stem` .*'wide'"),
            ({"stride_on": 3}, "`stride_on` .*3x3.*stride_on=3"),
            ({"stackwise_strides": (1, 2)}, "`stackwise_strides` .*4 stages"),
            ({"stackwise_dilations": (1,) * 5}, "`stackwise_dilations` "),
            (
                {"stackwise_dilations": (1, 3, 1, 1)},
                "dilation_rate=3, strides=2",
            ),
            ({"image_shape": (64, 64)}, r"`image_shape`.*\(64, 64\)"),
            ({"image_shape": (64, 64, None)}, "`image_shape`"),
        ],
    )
    def test_bad_arguments_are_named(self, arguments, named):
        with pytest.raises(ValueError, match=named):
            ResNetEncoder(**arguments)
