"""DeepLabV3 gives the outputs of the released PyTorch code."""

import pytest

from keras_rsseg.models.deeplab_v3.checkpoint import VARIANTS
from tests.models.parity_tester import ParityTester


class TestParity(ParityTester):
    variant = VARIANTS["deeplab_v3_r50"]
    fixture = "pointrend_deeplabv3_r50"
    seed = 33
    # Without the 8464 parameters of the point head, with 16 biases.
    parameters = 39171024
    layers = {"atrous_pooling": "bot_aspp_every8"}
    has_point_head = True


@pytest.mark.slow
class TestParityWithTorchvision(ParityTester):
    variant = VARIANTS["deeplabv3_r50_torchvision"]
    folder = "zoo2"
    fixture = "deeplabv3_r50_torchvision"
    seed = 59
    sizes = ("1x96x96", "1x97x75")
    parameters = 42001504
    layers = {
        "context_dropout": "classifier.0_every8",
        "output": "classifier.3_every8",
    }
    on_all_backends = True
