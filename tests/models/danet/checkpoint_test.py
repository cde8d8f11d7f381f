"""DANet gives the outputs of the released PyTorch code."""

from keras_rsseg.models.danet.checkpoint import VARIANTS
from tests.models.parity_tester import ParityTester


class TestParity(ParityTester):
    variant = VARIANTS["danet_r50"]
    fixture = "danet_r50"
    seed = 22
    parameters = 48090706
    layers = {
        "position_attention": "da_head.sa_every8",
        "channel_attention": "da_head.sc_every8",
    }


class TestParityWithFPN(ParityTester):
    variant = VARIANTS["danet_fpn_r50"]
    fixture = "danet_fpn_r50"
    seed = 30
    parameters = 49414226


class TestParityWithPFNet(ParityTester):
    variant = VARIANTS["danet_pfnet_r50"]
    fixture = "danet_pfnet_r50"
    seed = 31
    parameters = 49887317
