"""DenseASPP gives the outputs of the released PyTorch code."""

import pytest

from keras_rsseg.models.denseaspp.checkpoint import VARIANTS
from keras_rsseg.models.denseaspp.checkpoint import join_names
from tests.models.parity_tester import ParityTester
from tests.weights.networks import count_trainable


class TestParity(ParityTester):
    variant = VARIANTS["denseaspp121"]
    folder = "zoo2"
    fixture = "denseaspp121"
    seed = 47
    sizes = ("1x96x96", "1x97x75")
    parameters = 8278352
    layers = {
        "dense_atrous_rate3_dropout": "ASPP_3_every8",
        "dense_atrous_rate6_dropout": "ASPP_6_every8",
        "dense_atrous_rate24_dropout": "ASPP_24_every8",
    }

    def compare(self, model, expected):
        # Their logits are 8 times as large as the map, which can be less
        # than the tile. Then only the tile's size matters.
        maps = self.run(model.backbone, expected["x"], expected)
        height, width = (8 * n for n in maps["features"].shape[1:3])
        logits = model.classifier(maps["features"])
        tiles = expected["x"][:, :height, :width]
        resized = model.upsample(tiles, logits)
        self.assert_near(resized, expected, "main_out_every3")
        others = {k: v for k, v in expected.items() if k != "main_out_every3"}
        super().compare(model, others)


@pytest.mark.slow
class TestParityOnResNet(ParityTester):
    variant = VARIANTS["denseaspp_r50"]
    folder = "zoo2"
    fixture = "denseaspp_r50"
    seed = 48
    sizes = ("1x96x96", "1x97x75")
    parameters = 25450896
    layers = TestParity.layers


@pytest.mark.slow
@pytest.mark.parametrize(
    "depth, parameters", [(161, 35390192), (169, 18415656), (201, 28633504)]
)
def test_other_depths_have_the_published_number_of_weights(depth, parameters):
    model = VARIANTS[f"denseaspp{depth}"].build(16)
    assert count_trainable(model) == parameters


def test_published_names_are_those_that_pytorch_takes():
    names = (
        "features.denseblock1.denselayer1.norm.1.weight",
        "ASPP_3.conv.2.bias",
        "features.conv0.weight",
        "classification.1.weight",
    )
    assert list(join_names(dict.fromkeys(names, 0))) == [
        "features.denseblock1.denselayer1.norm1.weight",
        "ASPP_3.conv2.bias",
        "features.conv0.weight",
        "classification.1.weight",
    ]
