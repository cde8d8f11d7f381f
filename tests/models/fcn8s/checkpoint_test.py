"""FCN-8s gives the outputs of the released PyTorch code."""

import keras

from keras_rsseg.models.fcn8s.checkpoint import VARIANTS
from tests.layers.compiled import call
from tests.models.parity_tester import ParityTester


class TestParity(ParityTester):
    variant = VARIANTS["fcn8s_vgg16"]
    folder = "zoo2"
    fixture = "fcn8s_vgg16"
    seed = 40
    sizes = ("1x64x64", "1x97x75")
    parameters = 134412144

    def compare(self, model, expected):
        # Its logits, from three classifiers, are as large as the tile.
        outputs = {
            "pool4_every64": model.get_layer("classifier_P4").input,
            "score_fr": model.get_layer("classifier").output,
            "head_logits_every2": model.output,
            "head_logits_every3": model.output,
        }
        outputs = {key: x for key, x in outputs.items() if key in expected}
        found = call(keras.Model(model.input, outputs), expected["x"])
        assert len(found) >= 1
        for key, maps in found.items():
            channels = not key.startswith("head")
            self.assert_near(maps, expected, key, channels=channels)
