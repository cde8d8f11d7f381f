"""VGG has the published weights, and levels before or after its pools."""

import keras
import numpy as np
import pytest

from keras_rsseg.encoders import VGGEncoder
from keras_rsseg.encoders import vgg_encoder
from tests.layers.compiled import call
from tests.test_case import TestCase
from tests.test_case import to_numpy
from tests.weights.networks import count_trainable


@pytest.fixture
def narrow(monkeypatch):
    monkeypatch.setattr(vgg_encoder, "_WIDTHS", (2, 3, 4, 5, 6))


def images():
    x = np.random.default_rng(0).standard_normal((1, 33, 50, 3))
    return x.astype("float32")


class TestVGGEncoder(TestCase):
    @pytest.mark.parametrize(
        "depth, parameters", [(16, 14_714_688), (19, 20_024_384)]
    )
    def test_depths_have_the_published_number_of_weights(
        self, depth, parameters
    ):
        assert count_trainable(VGGEncoder(depth)) == parameters

    def test_levels_are_pools_or_what_was_pooled(self, narrow):
        pools = VGGEncoder(16)
        blocks = VGGEncoder(16, levels_from="blocks")
        blocks.set_weights(pools.get_weights())
        pools, blocks = call(pools, images()), call(blocks, images())
        sizes = [(17, 25), (9, 13), (5, 7), (3, 4), (2, 2)]
        for levels, found in ((blocks, sizes[:-1]), (pools, sizes[1:])):
            shapes = {name: tuple(x.shape) for name, x in levels.items()}
            assert shapes == {
                f"P{index}": (1, *size, index + 1)
                for index, size in enumerate(found, 2)
            }
        for level in pools:
            pooled = to_numpy(pools[level])
            whole = to_numpy(blocks[level])
            height, width = whole.shape[1] // 2, whole.shape[2] // 2
            whole = whole[:, : 2 * height, : 2 * width]
            whole = whole.reshape(1, height, 2, width, 2, -1).max((2, 4))
            self.assert_allclose(pooled[:, :height, :width], whole)

    def test_padding_of_the_first_convolution(self, narrow):
        padded = VGGEncoder(16, first_padding=100)
        plain = VGGEncoder(16)
        plain.set_weights(padded.get_weights())
        x = np.pad(images(), ((0, 0), (99, 99), (99, 99), (0, 0)))
        actual, expected = call(padded, images()), call(plain, x)
        for name, level in expected.items():
            self.assert_close(actual[name], level, 1e-5)

    def test_channels_first_equals_channels_last(self, narrow):
        if keras.backend.backend() == "tensorflow":
            pytest.skip("TensorFlow's CPU convolution is channels-last only")
        encoder = VGGEncoder(16)
        first = VGGEncoder(16, data_format="channels_first")
        first.set_weights(encoder.get_weights())
        actual = call(first, images().transpose(0, 3, 1, 2))
        for name, expected in call(encoder, images()).items():
            level = to_numpy(actual[name]).transpose(0, 2, 3, 1)
            self.assert_close(level, expected, 1e-4, name)

    def test_config_names_every_argument(self):
        self.run_config_test(
            VGGEncoder,
            {
                "depth": 19,
                "levels_from": "blocks",
                "first_padding": 100,
                "image_shape": (64, 32, 5),
                "data_format": "channels_first",
                "dtype": "mixed_bfloat16",
                "name": "trunk",
            },
        )

    @pytest.mark.parametrize(
        "arguments, named",
        [
            ({"depth": 11}, "`depth` .*16, 19.*depth=11"),
            ({"levels_from": "P1"}, "`levels_from` .*blocks.*'P1'"),
            ({"first_padding": 50}, "`first_padding` .*100.*=50"),
        ],
    )
    def test_bad_arguments_are_named(self, arguments, named):
        with pytest.raises(ValueError, match=named):
            VGGEncoder(**arguments)
