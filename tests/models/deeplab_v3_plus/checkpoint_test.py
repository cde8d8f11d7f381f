"""DeepLabV3+ gives the outputs of the released PyTorch code."""

import pytest

import keras_rsseg
from keras_rsseg.models.deeplab_v3_plus.checkpoint import VARIANTS
from tests.models.parity_tester import ParityTester
from tests.weights.networks import count_trainable


class TestParity(ParityTester):
    variant = VARIANTS["deeplabv3plus_r50_mmseg"]
    folder = "zoo2"
    fixture = "deeplabv3plus_r50_mmseg"
    seed = 44
    sizes = ("1x96x96", "1x97x75")
    parameters = 43587568
    layers = {
        "atrous_pooling": "decode_head.bottleneck_every32",
        "output_conv2": "decode_head.sep_bottleneck_every32",
    }


@pytest.mark.slow
class TestParityOfReleased(ParityTester):
    variant = VARIANTS["deeplabv3plus_r50"]
    folder = "zoo2"
    fixture = "deeplabv3plus_r50"
    seed = 45
    sizes = ("1x96x96", "1x97x75")
    # With the 16 biases of the classifier, which has none there.
    parameters = 40474048 + 16
    layers = {"context_projection": "bot_aspp_every32"}
    on_all_backends = True


@pytest.mark.slow
class TestParityWithSmp(ParityTester):
    variant = VARIANTS["deeplabv3plus_r50_smp"]
    folder = "zoo2"
    fixture = "deeplabv3plus_r50_smp"
    seed = 64
    sizes = ("1x96x96", "1x64x96")
    parameters = 26681440
    layers = {
        "context_conv": "decoder.aspp_every32",
        "skip": "decoder.block1_every32",
    }
    on_all_backends = True


def test_the_narrow_one_of_mmsegmentation():
    # With a ResNet-18: trunk, pooling, skip, two convolutions, auxiliary head.
    trunk, pooling, skip, convs = 11195744, 1083392, 792, 19716 + 18048
    model = VARIANTS["deeplabv3plus_r18_mmseg"].build(6)
    expected = trunk + pooling + skip + convs + 147584 + 6 * (129 + 65)
    assert count_trainable(model) == expected
    facts = keras_rsseg.list_presets()["deeplabv3plus_r18_potsdam"]
    assert facts["parameters"] == expected
