"""EncNet gives the outputs of the released PyTorch code."""

import pytest

from keras_rsseg.models.encnet.checkpoint import VARIANTS
from tests.models.parity_tester import ParityTester


class TestParity(ParityTester):
    variant = VARIANTS["encodingnet_r50"]
    fixture = "encodingnet_r50"
    seed = 24
    parameters = 41487920
    layers = {
        "encoding_join": "encoding.fusion_every8",
        "encoding": "encoding.encmodule.encoding",
        "encoding_gate": "encoding.encmodule.fc",
        "encoding_context": "encoding.encmodule[0]_every8",
    }


@pytest.mark.slow
class TestParityOfMmsegmentation(ParityTester):
    variant = VARIANTS["encnet_r50_mmseg"]
    folder = "zoo2"
    fixture = "encnet_r50_mmseg"
    seed = 61
    sizes = ("1x96x96", "1x97x75")
    parameters = 35888112
    layers = {
        "encoding_reduce": "decode_head.bottleneck_every8",
        "encoding": "decode_head.enc_module[0]",
        "encoding_context": "decode_head.enc_module[1]_every8",
    }
