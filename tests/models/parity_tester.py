"""A network gives the outputs of the released PyTorch code.

The difference allowed is 2e-5 of an output's largest magnitude, about eight
times the rounding of the reference itself.
"""

import re

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
    """Derive from it for each network of `fixtures/networks`.

    A class whose fixture is not the first of its system is marked slow.

    Attributes:
        variant: the network's `Variant`.
        folder: folder of its fixtures, `"zoo"` or `"zoo2"`.
        fixture: its name in the folder.
        seed: seed of the state.
        sizes: sizes of the fixtures. The first is always tested, others in
            the slow tests.
        parameters: number of trainable parameters.
        layers: dict of layers to the fixture's names of their outputs.
        tolerance: largest difference, relative to the largest value.
        on_all_backends: whether the quick tests try the first size on each
            backend; big networks take half a minute, and names and
            shapes are the same.
        has_point_head: whether the fixture's network changes these logits
            before it resizes them.
    """

    variant = None
    folder = "zoo"
    fixture = None
    seed = None
    sizes = ("1x96x96",)
    parameters = None
    layers = {}
    tolerance = 2e-5
    on_all_backends = False
    has_point_head = False

    def test_outputs(self):
        backend = keras.backend.backend()
        if not self.on_all_backends and backend != "tensorflow":
            pytest.skip("TensorFlow here, the others in the slow tests")
        self.check(self.sizes[0])

    @pytest.mark.slow
    def test_outputs_on_each_backend(self):
        if self.on_all_backends or keras.backend.backend() == "tensorflow":
            pytest.skip("the quick test does it")
        self.check(self.sizes[0])

    @pytest.mark.slow
    def test_outputs_at_other_sizes(self):
        if len(self.sizes) == 1:
            pytest.skip("there is one size")
        for size in self.sizes[1:]:
            self.check(size)

    def check(self, size):
        expected = read_outputs(
            f"{self.folder}/{self.fixture}_seed{self.seed}_{size}"
        )
        model = self.variant.build(NUM_CLASSES)
        assert count_trainable(model) == self.parameters
        network = f"{self.folder}_{self.fixture}_nc{NUM_CLASSES}"
        state_sum = float(expected["state_abs_sum"])
        # It must fit to the last tensor.
        fill(model, self.variant, draw_state(network, self.seed, state_sum))
        self.compare(model, expected)

    def compare(self, model, expected):
        """Compare all outputs that the fixture has."""
        tiles = expected["x"]
        maps = self.run(model.backbone, tiles, expected)
        for name, key in self.layers.items():
            if key in expected:
                self.assert_near(maps[name], expected, key, channels=True)
        for index, logits in enumerate(maps.get("boundary_logits", [])):
            self.assert_near(logits, expected, f"edge_logits{2 - index}")
        for key in {"aux_logits", "aux_classifier"} & set(expected):
            logits = model.auxiliary_classifier(maps["auxiliary_features"])
            self.assert_near(logits, expected, key)
        logits = model.classifier(maps["features"])
        head = [key for key in expected if key.startswith("head_logits")]
        self.assert_near(logits, expected, *head)
        if not self.has_point_head:
            resized = model.upsample(tiles, logits)
            for key in expected:
                if key.startswith("main_out"):
                    self.assert_near(resized, expected, key)

    def assert_near(self, maps, expected, key, channels=False):
        """Compare a map with a fixture that can hold only every N-th pixel."""
        every = re.search(r"_every(\d+)$", key)
        step = int(every[1]) if every else 1
        maps = maps[..., ::step] if channels else maps[:, ::step, ::step]
        self.assert_close(
            maps, expected[key], msg=key, tolerance=self.tolerance
        )

    def run(self, backbone, tiles, expected):
        """Return all maps at once, which JAX compiles once."""
        outputs = {
            name: backbone.get_layer(name).output
            for name, key in self.layers.items()
            if key in expected
        }
        model = keras.Model(backbone.input, {**backbone.output, **outputs})
        return call(model, tiles)
