"""DGMN gives the outputs of the released PyTorch code."""

import pytest

from keras_rsseg.models.dgmn.checkpoint import VARIANTS
from tests.models.parity_tester import ParityTester


class TestParity(ParityTester):
    variant = VARIANTS["dgmn_r50_dynamic"]
    fixture = "dgmn_r50_dynamic"
    seed = 36
    parameters = 35401680
    layers = {"message_reduce": "fc0_every8", "message_join": "head_every8"}


@pytest.mark.slow
class TestParityOfFixedNeighbourhoods(ParityTester):
    variant = VARIANTS["dgmn_r50_fixed"]
    fixture = "dgmn_r50_fixed"
    seed = 29
    parameters = 34986960
    layers = TestParity.layers
