"""Costs match those computed by hand or stated in papers."""

import keras
import pytest

import keras_rsseg
from benchmarks import count_macs as script
from benchmarks.count_macs import count_macs
from benchmarks.count_macs import count_parameters
from keras_rsseg.ops.attention import attend
from keras_rsseg.ops.resize import resize


def test_by_hand():
    tile = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(8, 3, strides=2, padding="same")(tile)
    x = keras.layers.Conv2D(16, 3, dilation_rate=2, groups=4)(x)
    x = keras.layers.DepthwiseConv2D(3, padding="same")(x)
    x = keras.layers.SeparableConv2D(4, 5, padding="same")(x)
    x = keras.layers.Conv2DTranspose(2, 2, strides=2)(x)
    x = keras.layers.Dense(10)(x)
    model = keras.Model(tile, x)
    assert count_macs(model, 32, 64) == (
        16 * 32 * 8 * 27
        + 12 * 28 * 16 * (9 * 2)
        + 12 * 28 * 16 * 9
        + 12 * 28 * 16 * (25 + 4)
        + 12 * 28 * 4 * (2 * 4)
        + 24 * 56 * 2 * 10
    )
    expected = 8 * 28 + 16 * 19 + 16 * 10 + 16 * 25 + 4 * 17 + 2 * 17 + 30
    assert count_parameters(model) == expected


class Attend(keras.layers.Layer):
    def call(self, x):
        points = keras.ops.reshape(x, (1, -1, 4))
        x = attend(points, points, points)
        x = keras.ops.reshape(x, (1, 8, 8, 4))
        # Papers do not count it, however a backend computes it.
        return resize(x, (16, 16))


def test_products_count_and_interpolation_does_not():
    tile = keras.Input((8, 8, 4), batch_size=1)
    model = keras.Model(tile, Attend()(tile))
    assert count_macs(model, 8) == 2 * 64 * 64 * 4


@pytest.mark.parametrize(
    "arguments, gmacs",
    # V1.5 and V1, without the 2 M for the classes.
    [({}, 4.087), ({"stride_on": "1x1"}, 3.856)],
)
def test_resnet_costs_what_is_known(arguments, gmacs):
    encoder = keras_rsseg.encoders.ResNetEncoder(50, **arguments)
    assert count_macs(encoder, 224) / 1e9 == pytest.approx(gmacs, abs=5e-4)


def test_layout_does_not_matter():
    # Only shapes are computed, which also works on TensorFlow.
    counts = [
        count_macs(
            keras_rsseg.encoders.ResNetEncoder(18, data_format=data_format), 64
        )
        for data_format in ("channels_last", "channels_first")
    ]
    assert counts[0] == counts[1] > 0


def test_table(capsys):
    script.main(["hrnet_ifwm_w18_land_cover", "--size", "64"])
    head, _, line = capsys.readouterr().out.splitlines()
    assert "GMACs at 64 px" in head
    assert line.startswith("| hrnet_ifwm_w18_land_cover | 9,697,435 | 0.3 |")
