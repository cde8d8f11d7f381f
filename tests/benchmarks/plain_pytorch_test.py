"""The yardstick is the released network: same tensors, same outputs."""

import keras
import numpy as np
import pytest

from tests.weights.networks import draw_state
from tests.weights.networks import read_outputs

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "torch", reason="once, on torch, is enough"
)


def load(network, state):
    """Load a released state, to the last tensor."""
    tensors = {name: torch.tensor(value) for name, value in state.items()}
    found = network.load_state_dict(tensors, strict=False)
    assert not found.unexpected_keys
    assert all(
        key.endswith("num_batches_tracked") for key in found.missing_keys
    )
    return network.eval()


def assert_outputs(network, expected, key):
    tiles = torch.tensor(expected["x"].transpose(0, 3, 1, 2))
    with torch.no_grad():
        logits = network(tiles).numpy().transpose(0, 2, 3, 1)
    scale = np.abs(expected[key]).max()
    np.testing.assert_allclose(logits, expected[key], rtol=0, atol=2e-5 * scale)


@pytest.mark.parametrize("size", ["2x64x64", "1x128x128"])
def test_pfnet(size):
    from benchmarks.plain_pytorch import PFNet

    state = draw_state("pfnet_r50_nc16", 1, 1043677.694668)
    network = load(PFNet(16), state)
    expected = read_outputs(f"pfnet_r50_nc16_seed1_{size}")
    assert_outputs(network, expected, "main_out")
    assert len(network.train()(torch.zeros(2, 3, 64, 64))[1]) == 3


def test_hrnet():
    from benchmarks.plain_pytorch import HRNet

    network = load(HRNet(6), draw_state("hrnetv2_w18_nc6", 6, 451276.330455))
    expected = read_outputs("hrnetv2_w18_nc6_seed6_1x96x160")
    assert_outputs(network, expected, "align1/main_out")


def test_hrnet_with_ifwm_and_no_flow_resizes():
    from benchmarks.plain_pytorch import HRNet

    state = draw_state("hrnetv2_w18_nc6", 6, 451276.330455)
    network = HRNet(6, ifwm=True)
    for name, parameter in network.named_parameters():
        if ".warps." in name:
            torch.nn.init.zeros_(parameter)
            state[name] = parameter.detach().numpy()
    expected = read_outputs("hrnetv2_w18_nc6_seed6_1x96x160")
    assert_outputs(load(network, state), expected, "align1/main_out")
