"""GSCNN gives the outputs of the released PyTorch code."""

import numpy as np

from keras_rsseg.models.gscnn.checkpoint import VARIANTS
from tests.models.parity_tester import ParityTester


class TestParity(ParityTester):
    variant = VARIANTS["gscnn_wrn38"]
    folder = "zoo2"
    fixture = "gscnn_wrn38"
    seed = 53
    sizes = ("1x64x64", "1x97x75")
    # With the biases of the classifier, without an unused convolution.
    parameters = 137277422 + 16 - 65
    layers = {
        "pooling_project": "bot_aspp_every32",
        **{
            f"shape_gate{i}_conv3": f"gate{i}_channel0_every2"
            for i in (1, 2, 3)
        },
    }

    def compare(self, model, expected):
        canny = expected["canny"][None, ..., None].astype("float32")
        expected["x"] = np.concatenate([expected["x"], canny], axis=-1)
        super().compare(model, expected)

    def run(self, backbone, tiles, expected):
        maps = super().run(backbone, tiles, expected)
        self.assert_near(maps["edges"], expected, "edge_every2")
        return maps

    def assert_near(self, maps, expected, key, channels=False):
        if key.startswith("gate"):
            maps, channels = maps[..., :1], False
        super().assert_near(maps, expected, key, channels)
