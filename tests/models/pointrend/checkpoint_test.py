"""PointRend gives the outputs of the released PyTorch code."""

import pytest

from keras_rsseg.models.pointrend.checkpoint import VARIANTS
from tests.layers.compiled import call
from tests.models.parity_tester import ParityTester


class PointRendTester(ParityTester):
    """The classifier's logits are refined; some fixtures have both."""

    has_point_head = True

    def compare(self, model, expected):
        if "head_logits" in expected:
            super().compare(model, expected)
        refined = call(model, expected["x"])
        for key in ("main_out_every3", "head_logits_every3"):
            if key in expected:
                self.assert_near(refined, expected, key)


class TestParity(PointRendTester):
    variant = VARIANTS["pointrend_r50_mmseg"]
    folder = "zoo2"
    fixture = "pointrend_r50_mmseg"
    seed = 62
    sizes = ("1x96x96", "1x97x75")
    parameters = 28711552


@pytest.mark.slow
class TestParityOnDeepLabV3(PointRendTester):
    variant = VARIANTS["pointrend_deeplabv3_r50"]
    fixture = "pointrend_deeplabv3_r50"
    seed = 33
    # With 16 biases of the classifier.
    parameters = 39179472 + 16
    layers = {"atrous_pooling": "bot_aspp_every8"}


@pytest.mark.slow
class TestParityOnDeepLabV3Plus(PointRendTester):
    variant = VARIANTS["pointrend_deeplabv3plus_r50"]
    fixture = "pointrend_deeplabv3plus_r50"
    seed = 25
    parameters = 40482512 + 16
    layers = {"skip": "bot_fine_every8"}
