"""RANet gives the outputs of a PyTorch network of the same definition."""

import keras
import pytest

from keras_rsseg.models.ranet.checkpoint import VARIANTS
from tests.layers.compiled import call
from tests.models.parity_tester import ParityTester


class TestParity(ParityTester):
    variant = VARIANTS["ranet_vgg16_serial_64x64"]
    folder = "zoo2"
    fixture = "ranet_vgg16_serial_64x64"
    seed = 54
    sizes = ("1x64x64",)
    parameters = 17105008
    on_all_backends = True

    def compare(self, model, expected):
        # Its logits, from three classifiers, are as large as the tile.
        names = ("classifier", "classifier_P4", "classifier_P5")
        fine, middle, coarse = (model.get_layer(name) for name in names)
        outputs = {
            "relation3_every64": fine.input,
            "relation5_every64": coarse.input,
            "score3": fine.output,
            "score4": middle.output,
            "score5": coarse.output,
            "head_logits_every2": model.output,
        }
        found = call(keras.Model(model.input, outputs), expected["x"])
        for key, maps in found.items():
            channels = not key.startswith("head")
            self.assert_near(maps, expected, key, channels=channels)


@pytest.mark.slow
class TestParityOfParallel(TestParity):
    variant = VARIANTS["ranet_vgg16_parallel_64x64"]
    fixture = "ranet_vgg16_parallel_64x64"
    seed = 69
    parameters = 17125488
