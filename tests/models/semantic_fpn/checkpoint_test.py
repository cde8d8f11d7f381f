"""PFNet's baseline and mmsegmentation's FPN give the released outputs.

The difference allowed is 2e-5 of an output's largest magnitude, about eight
times the rounding of the reference itself.
"""

import pytest

from keras_rsseg.models.semantic_fpn.checkpoint import VARIANTS
from tests.models.parity_tester import ParityTester
from tests.test_case import TestCase
from tests.weights.networks import assert_keys
from tests.weights.networks import count_trainable
from tests.weights.networks import draw_state
from tests.weights.networks import fill
from tests.weights.networks import read_outputs
from tests.weights.networks import run_layers

LEVELS = ("P2", "P3", "P4")


class TestParity(TestCase):
    def test_outputs(self):
        variant = VARIANTS["semantic_fpn_r50"]
        model = variant.build(16)
        assert count_trainable(model) == 31113936
        assert_keys(model, "fpnppm_r50_nc16", variant.name_of)
        state = draw_state("fpnppm_r50_nc16", 5, 993192.534184)
        fill(model, variant, state)
        expected = read_outputs("fpnppm_r50_nc16_seed5_1x128x128")
        tiles = expected["x"]
        pyramid = model.backbone.image_encoder(tiles, training=False)
        for key, level in (("layer3", "P4"), ("layer4", "P5")):
            self.assert_close(pyramid[level], expected[key], msg=key)
        maps = run_layers(
            model.backbone, tiles, ["output_P2", "output_P3", "output_P4"]
        )
        for index, level in enumerate(LEVELS):
            key = f"fpn_out{index}"
            self.assert_close(maps[f"output_{level}"], expected[key], msg=key)
        logits = model(tiles, training=False)
        self.assert_close(logits, expected["main_out"], msg="main_out")


class TestParityOnResNet18(ParityTester):
    """Only the second convolutions of its blocks are dilated."""

    variant = VARIANTS["fpnppm_r18"]
    fixture = "fpnppm_r18"
    seed = 27
    parameters = 12664784
    on_all_backends = True


class TestParityOnResNet101(ParityTester):
    variant = VARIANTS["fpnppm_r101"]
    fixture = "fpnppm_r101"
    seed = 35
    parameters = 50106064


@pytest.mark.slow
class TestParityOfDenseDeformable(ParityTester):
    variant = VARIANTS["datten_r50"]
    fixture = "datten_r50"
    seed = 28
    # Less the normalization that the released network never calls.
    parameters = 60591018 - 2 * 1408


@pytest.mark.slow
class TestMmsegParity(ParityTester):
    variant = VARIANTS["fpn_r50_mmseg"]
    folder = "zoo2"
    fixture = "fpn_r50_mmseg"
    seed = 58
    sizes = ("1x96x96", "1x97x75")
    parameters = 28497520
    layers = {f"neck_output_P{i + 2}": f"neck[{i}]_every32" for i in range(4)}
