"""SFNet gives the outputs of the released PyTorch code."""

from keras_rsseg.models.sfnet.checkpoint import VARIANTS
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
        variant = VARIANTS["sfnet_r50"]
        model = variant.build(16)
        assert count_trainable(model) == 31324368
        assert_keys(model, "sfnet_r50_nc16", variant.name_of)
        state = draw_state("sfnet_r50_nc16", 9, 1007751.528174)
        fill(model, variant, state)
        expected = read_outputs("sfnet_r50_nc16_seed9_1x128x128")
        tiles = expected["x"]
        names = [f"flow_alignment_{level}" for level in LEVELS]
        maps = run_layers(
            model.backbone, tiles, ["pyramid_pooling", *names, "output_P4"]
        )
        self.assert_close(maps["pyramid_pooling"], expected["ppm"], msg="ppm")
        for index, name in enumerate(names):
            key = f"fam{index}_out"
            self.assert_close(maps[name], expected[key], msg=key)
        self.assert_close(maps["output_P4"], expected["fpn_out2"])
        logits = model(tiles, training=False)
        self.assert_close(logits, expected["main_out"], msg="main_out")
