"""RefineNet gives the outputs of the released PyTorch code."""

import pytest

from keras_rsseg.models.refinenet.checkpoint import VARIANTS
from tests.models.parity_tester import ParityTester


class TestParity(ParityTester):
    variant = VARIANTS["refinenet_r50"]
    folder = "zoo2"
    fixture = "refinenet_r50"
    seed = 50
    sizes = ("1x96x96", "1x64x96")
    parameters = 95011024
    layers = {
        "add_output_P5_unit1": "refinenet4_every32",
        "add_output_P3_unit1": "refinenet2_every32",
    }


@pytest.mark.slow
class TestParityOfPublished(ParityTester):
    variant = VARIANTS["refinenet_r50_drsleep"]
    folder = "zoo2"
    fixture = "refinenet_r50_drsleep"
    seed = 49
    sizes = ("1x96x96", "1x97x75")
    parameters = 99048784
    layers = {
        "add_pooling_P5": "mflow_conv_g1_pool_every32",
        "coarse_P4": "mflow_conv_g1_b3_joint_varout_dimred_every32",
        "coarse_P3": "mflow_conv_g2_b3_joint_varout_dimred_every32",
    }
