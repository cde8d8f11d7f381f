"""PSPNet gives the outputs of the released PyTorch code."""

import pytest

import keras_rsseg
from keras_rsseg.models.pspnet.checkpoint import VARIANTS
from tests.models.parity_tester import ParityTester
from tests.weights.networks import count_trainable


class TestParity(ParityTester):
    variant = VARIANTS["pspnet_r50"]
    fixture = "pspnet_r50"
    seed = 20
    # With the 16 biases of the classifier, which has none there.
    parameters = 31112640 + 16
    layers = {"pyramid_pooling": "ppm_every8"}
    on_all_backends = True


class TestParityAtStride16(ParityTester):
    variant = VARIANTS["pspnet_os16_r50"]
    fixture = "pspnet_os16_r50"
    seed = 34
    parameters = 31112640 + 16
    layers = {"pyramid_pooling": "ppm_every8"}
    on_all_backends = True


@pytest.mark.slow
class TestParityWithMmsegmentation(ParityTester):
    variant = VARIANTS["pspnet_r50_mmseg"]
    folder = "zoo2"
    fixture = "pspnet_r50_mmseg"
    seed = 57
    sizes = ("1x96x96", "1x97x75")
    parameters = 48973184
    layers = {"pyramid_pooling": "decode_head.bottleneck_every8"}
    on_all_backends = True


def test_the_narrow_one_of_mmsegmentation():
    # With a ResNet-18: trunk, four bins, their join, and the auxiliary head.
    trunk, bins, join, auxiliary = 11195744, 263168, 1179904, 147584
    model = VARIANTS["pspnet_r18_mmseg"].build(6)
    expected = trunk + bins + join + auxiliary + 6 * (129 + 65)
    assert count_trainable(model) == expected
    facts = keras_rsseg.list_presets()["pspnet_r18_potsdam"]
    assert facts["parameters"] == expected
