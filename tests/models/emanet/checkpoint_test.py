"""EMANet gives the outputs of the released PyTorch code."""

import pytest

from keras_rsseg.models.emanet.checkpoint import VARIANTS
from tests.models.parity_tester import ParityTester

# The convolution before the bases, which no gradient reaches.
FROZEN = 512 * 512 + 512


class TestParity(ParityTester):
    variant = VARIANTS["emanet_r50"]
    fixture = "emanet_r50"
    seed = 23
    parameters = 34780112 - FROZEN
    layers = {
        "expectation_reduce": "fc0_every8",
        "expectation_context": "emau[0]_every8",
    }


@pytest.mark.slow
class TestParityOfMmsegmentation(ParityTester):
    variant = VARIANTS["emanet_r50_mmseg"]
    folder = "zoo2"
    fixture = "emanet_r50_mmseg"
    seed = 60
    sizes = ("1x96x96", "1x97x75")
    parameters = 42348416 - FROZEN
    layers = {"output": "decode_head.bottleneck_every8"}
