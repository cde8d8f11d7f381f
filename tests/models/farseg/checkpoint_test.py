"""FarSeg gives the outputs of the released PyTorch code, and of torchgeo."""

import keras
import pytest

from keras_rsseg.models.farseg.checkpoint import VARIANTS
from tests.models.parity_tester import ParityTester


class TestParity(ParityTester):
    variant = VARIANTS["farseg_r50"]
    folder = "zoo2"
    fixture = "farseg_r50"
    seed = 74
    sizes = ("1x96x96", "1x64x96")
    parameters = 31370064
    layers = {
        "neck_output_P2": "fpn[0]_every64",
        "neck_output_P5": "fpn[3]_every64",
        **{f"relation_P{i + 2}": f"sr[{i}]_every64" for i in range(4)},
    }
    on_all_backends = True

    def compare(self, model, expected):
        """It outputs probabilities, unlike a task's `predict()`."""
        (key,) = (key for key in expected if key.startswith("main_out"))
        probabilities = {key: expected.pop(key)}
        super().compare(model, expected)
        logits = model.classifier(model.backbone(expected["x"])["features"])
        actual = keras.ops.softmax(model.upsample(expected["x"], logits))
        self.assert_near(actual, probabilities, key)


@pytest.mark.slow
class TestTorchgeoParity(ParityTester):
    variant = VARIANTS["farseg_r50_torchgeo"]
    folder = "zoo2"
    fixture = "farseg_r50_torchgeo"
    seed = 56
    sizes = ("1x96x96", "1x64x96")
    # Without ImageNet's classifier.
    parameters = 33435448 - 2049000
    layers = {
        "neck_output_P2": "fpn[0]_every64",
        "neck_output_P5": "fpn[3]_every64",
    }
