"""PSPNet gives the outputs of the released PyTorch code."""

import pytest

from keras_rsseg.models.pspnet.checkpoint import VARIANTS
from tests.models.parity_tester import ParityTester


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
