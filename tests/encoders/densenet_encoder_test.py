"""DenseNet has the published weights, and the sizes that a decoder expects."""

import keras
import numpy as np
import pytest

from keras_rsseg.encoders import DenseNetEncoder
from keras_rsseg.encoders import densenet_encoder
from tests.layers.compiled import call
from tests.test_case import TestCase
from tests.test_case import to_numpy
from tests.weights.networks import count_trainable
from tests.weights.networks import on_one_backend


@pytest.fixture
def tiny(monkeypatch):
    """Depth 4 in place of 121."""
    layouts = {4: (8, 4, (1, 1, 2, 1))}
    monkeypatch.setattr(densenet_encoder, "_LAYOUTS", layouts)
    return {"depth": 4}


class TestDenseNetEncoder(TestCase):
    @pytest.mark.parametrize(
        "depth, parameters",
        on_one_backend(
            # torchvision's, without the 1000-class layer.
            (121, 7_978_856 - 1_025_000),
            pytest.param(161, 28_681_000 - 2_209_000, marks=pytest.mark.slow),
            pytest.param(169, 14_149_480 - 1_665_000, marks=pytest.mark.slow),
            pytest.param(201, 20_013_928 - 1_921_000, marks=pytest.mark.slow),
        ),
    )
    def test_depths_have_the_published_number_of_weights(
        self, depth, parameters
    ):
        assert count_trainable(DenseNetEncoder(depth)) == parameters

    @pytest.mark.parametrize(
        "arguments, sizes, width",
        [
            ({}, [(13, 10), (6, 5), (3, 2), (1, 1)], 10),
            (
                {
                    "stackwise_strides": (1, 2, 1, 1),
                    "stackwise_dilations": (1, 1, 2, 4),
                    "reduce_output": True,
                },
                [(13, 10), (6, 5), (6, 5), (6, 5)],
                5,
            ),
        ],
    )
    def test_sizes_are_rounded_down_from_stride_4(
        self, tiny, arguments, sizes, width
    ):
        encoder = DenseNetEncoder(**tiny, **arguments)
        x = np.random.default_rng(0).standard_normal((1, 50, 37, 3))
        levels = call(encoder, x.astype("float32"))
        shapes = [tuple(level.shape) for level in levels.values()]
        # Each layer adds 4 channels, each transition halves them.
        assert list(levels) == ["P2", "P3", "P4", "P5"]
        assert [shape[1:3] for shape in shapes] == sizes
        assert [shape[3] for shape in shapes] == [12, 10, 13, width]
        spec = encoder.compute_output_shape((1, 50, 37, 3))
        assert [spec[name] for name in levels] == shapes
        for level in levels.values():
            assert to_numpy(level).min() >= 0

    def test_dilation_is_that_of_the_block(self, tiny):
        encoder = DenseNetEncoder(**tiny, stackwise_dilations=(1, 1, 2, 4))
        for stage, layer, expected in ((2, 1, 1), (3, 2, 2), (4, 1, 4)):
            conv = encoder.get_layer(f"stage{stage}_layer{layer}_conv2")
            assert conv.dilation_rate == (expected, expected)

    def test_channels_first_equals_channels_last(self, tiny):
        if keras.backend.backend() == "tensorflow":
            pytest.skip("TensorFlow's CPU convolution is channels-last only")
        encoder = DenseNetEncoder(**tiny)
        first = DenseNetEncoder(**tiny, data_format="channels_first")
        first.set_weights(encoder.get_weights())
        x = np.random.default_rng(0).standard_normal((1, 40, 37, 3))
        actual = call(first, x.transpose(0, 3, 1, 2).astype("float32"))
        for name, expected in call(encoder, x.astype("float32")).items():
            level = to_numpy(actual[name]).transpose(0, 2, 3, 1)
            self.assert_close(level, expected, 1e-4, name)

    def test_config_names_every_argument(self):
        self.run_config_test(
            DenseNetEncoder,
            {
                "depth": 121,
                "stackwise_strides": (1, 2, 1, 1),
                "stackwise_dilations": (1, 1, 2, 4),
                "reduce_output": True,
                "image_shape": (64, 32, 5),
                "data_format": "channels_first",
                "dtype": "mixed_bfloat16",
                "name": "trunk",
            },
        )

    @pytest.mark.parametrize(
        "arguments, named",
        [
            ({"depth": 50}, r"`depth` .*121, 161, 169, 201.*depth=50"),
            ({"stackwise_strides": (1, 2)}, "`stackwise_strides` .*4 stages"),
            ({"stackwise_strides": (2, 2, 2, 2)}, "`stackwise_strides` .*1 be"),
            ({"stackwise_strides": (1, 4, 1, 1)}, r"`stackwise_.*\(1, 4, 1"),
            ({"stackwise_dilations": (1,)}, "`stackwise_dilations` "),
        ],
    )
    def test_bad_arguments_are_named(self, arguments, named):
        with pytest.raises(ValueError, match=named):
            DenseNetEncoder(**arguments)
