"""FCN gives the outputs of the released PyTorch code."""

import pytest

from keras_rsseg.models.fcn.checkpoint import VARIANTS
from tests.models.parity_tester import ParityTester

SIZES = ("1x96x96", "1x97x75")


class TestParity(ParityTester):
    variant = VARIANTS["fcn_r50_mmseg"]
    folder = "zoo2"
    fixture = "fcn_r50_mmseg"
    seed = 42
    sizes = SIZES
    parameters = 49495424
    layers = {
        "fcn_conv2": "decode_head.convs_every8",
        "fcn_join": "decode_head.conv_cat_every8",
    }


@pytest.mark.slow
class TestParityWithTorchvision(ParityTester):
    variant = VARIANTS["fcn_r50_torchvision"]
    folder = "zoo2"
    fixture = "fcn_r50_torchvision"
    seed = 41
    sizes = SIZES
    parameters = 35318368
    layers = {"fcn_conv1": "classifier.2_every8"}
    on_all_backends = True


@pytest.mark.slow
class TestParityWithSkip(ParityTester):
    variant = VARIANTS["fcn_skip_r50"]
    folder = "zoo2"
    fixture = "fcn_skip_r50"
    seed = 68
    sizes = SIZES
    # With the 16 biases of the classifier, which has none there.
    parameters = 29658560 + 16
    layers = {"fcn_conv1": "fcn_head_every32"}
    on_all_backends = True
