"""A network gives the outputs of the released PyTorch code.

The difference allowed is 2e-5 of an output's largest magnitude, about eight
times the rounding of the reference itself.
"""

import keras
import pytest

from tests.layers.compiled import call
from tests.test_case import TestCase
from tests.weights.networks import count_trainable
from tests.weights.networks import draw_state
from tests.weights.networks import fill
from tests.weights.networks import read_outputs

NUM_CLASSES = 16


class ParityTester(TestCase):
    """Derive from it for each network of `fixtures/networks/zoo`.

    Attributes:
        variant: the network's `Variant`.
        fixture: its name in the folder.
        seed: of the state.
        parameters: number of trainable ones.
        layers: dict of layers to the fixture's names of their outputs.
        on_all_backends: whether it is built on each backend; big networks
            take half a minute, and names and shapes are the same.
        has_point_head: whether the fixture's network changes these logits
            before it resizes them.
    """

    variant = None
    fixture = None
    seed = None
    parameters = None
    layers = {}
    on_all_backends = False
    has_point_head = False

    def test_outputs(self):
        backend = keras.backend.backend()
        if not self.on_all_backends and backend != "tensorflow":
            pytest.skip("once, on TensorFlow, is enough")
        expected = read_outputs(f"zoo/{self.fixture}_seed{self.seed}_1x96x96")
        model = self.variant.build(NUM_CLASSES)
        assert count_trainable(model) == self.parameters
        network = f"zoo_{self.fixture}_nc{NUM_CLASSES}"
        state_sum = float(expected["state_abs_sum"])
        # It has to fit to the last tensor.
        fill(model, self.variant, draw_state(network, self.seed, state_sum))

        tiles = expected["x"]
        maps = self.run(model.backbone, tiles)
        for name, key in self.layers.items():
            self.assert_close(maps[name][..., ::8], expected[key], msg=key)
        for index, logits in enumerate(maps.get("boundary_logits", [])):
            key = f"edge_logits{2 - index}"
            self.assert_close(logits, expected[key], msg=key)
        logits = model.classifier(maps["features"])
        self.assert_close(logits, expected["head_logits"], msg="head_logits")
        if not self.has_point_head:
            main_out = model.upsample(tiles, logits)[:, ::3, ::3]
            key = "main_out_every3"
            self.assert_close(main_out, expected[key], msg=key)

    def run(self, backbone, tiles):
        """Return all maps at once, which JAX compiles once."""
        outputs = {
            name: backbone.get_layer(name).output for name in self.layers
        }
        model = keras.Model(backbone.input, {**backbone.output, **outputs})
        return call(model, tiles)
