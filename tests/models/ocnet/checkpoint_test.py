"""OCNet gives the outputs of the released PyTorch code.

The softmax of unnormalised products makes float32 noisier: 1e-4.
"""

import numpy as np
import pytest

from keras_rsseg.models.ocnet.checkpoint import VARIANTS
from tests.models.parity_tester import ParityTester


class TestParity(ParityTester):
    variant = VARIANTS["ocnet_asp_r50"]
    folder = "zoo2"
    fixture = "ocnet_asp_r50"
    seed = 51
    sizes = ("1x96x96", "1x97x75")
    parameters = 64675536
    layers = {
        "object_refine": "head.context.context_every8",
        "object_projection": "head.context_every8",
    }
    tolerance = 1e-4


@pytest.mark.slow
class TestParityOfOpenseg(ParityTester):
    variant = VARIANTS["ocnet_asp_r50_openseg"]
    folder = "zoo2"
    fixture = "ocnet_asp_r50_openseg"
    seed = 52
    sizes = ("1x96x96", "1x97x75")
    parameters = 43546976
    layers = {
        "object_refine": "context.2.context_every8",
        "object_projection": "context_every8",
    }
    tolerance = 1e-4


def test_keys_that_are_no_copies_are_told(caplog):
    stage = "head.context.context.3.stages.0"
    query = np.ones((4, 2, 1, 1), "float32")
    state = {
        f"{stage}.f_key.0.weight": query.copy(),
        f"{stage}.f_query.0.weight": query,
    }
    kept = VARIANTS["ocnet_asp_r50"].prepare(state)
    assert kept == {f"{stage}.f_query.0.weight": query}
    assert not caplog.records
    state[f"{stage}.f_key.0.weight"][0] = 2
    kept = VARIANTS["ocnet_asp_r50"].prepare(state)
    assert list(kept) == [f"{stage}.f_query.0.weight"]
    assert "f_key.0.weight should be copies" in caplog.text
