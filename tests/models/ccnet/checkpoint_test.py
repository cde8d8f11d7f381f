"""CCNet gives the outputs of the released PyTorch code."""

from keras_rsseg.models.ccnet.checkpoint import VARIANTS
from tests.models.parity_tester import ParityTester


class TestParity(ParityTester):
    variant = VARIANTS["ccnet_r50"]
    fixture = "ccnet_r50"
    seed = 21
    parameters = 47564369
    layers = {
        "criss_cross_reduce": "head.rcca.conva_every8",
        "criss_cross_join": "head.rcca_every8",
    }


class TestParityWithPFNet(ParityTester):
    variant = VARIANTS["ccnet_pfnet_r50"]
    fixture = "ccnet_pfnet_r50"
    seed = 32
    parameters = 49360980
    on_all_backends = True
