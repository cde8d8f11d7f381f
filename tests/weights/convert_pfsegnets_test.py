"""The PFNet converter as a command, from a released checkpoint's form."""

import importlib.util
import re

import numpy as np
import typer
from typer.testing import CliRunner

from keras_rsseg.models.pfnet.pfnet import PFNet
from tests.shared import shared_path
from tests.test_case import TestCase
from tests.test_case import to_numpy
from tests.weights.networks import draw_state
from weights import convert_pfsegnets


def write_training_checkpoint(folder, state):
    """Write what the released training script saves, or its tensors."""
    if importlib.util.find_spec("torch") is None:
        names = {f"module.{name}": value for name, value in state.items()}
        np.savez(folder / "pfnet.npz", **names)
        return folder / "pfnet.npz"
    import torch

    content = {
        "state_dict": {
            f"module.{name}": torch.from_numpy(value)
            for name, value in state.items()
        },
        "optimizer": {"state": {}, "param_groups": [{"lr": 0.007}]},
        "epoch": 15,
        "mean_iu": np.float64(0.669),
        "command": "train.py --joint_edge_loss_pfnet",
    }
    torch.save(content, folder / "pfnet.pth")
    return folder / "pfnet.pth"


class TestCommand(TestCase):
    def test_preset_and_its_difference(self, tmp_path):
        state = draw_state("pfnet_r50_nc16", 1, 1043677.694668)
        reference = shared_path(
            "fixtures", "networks", "pfnet_r50_nc16_seed1_2x64x64.npz"
        )
        output = tmp_path / "preset"
        app = typer.Typer()
        app.command()(convert_pfsegnets.main)
        arguments = [
            *("--checkpoint", write_training_checkpoint(tmp_path, state)),
            *("--variant", "pfnet_r50", "--num-classes", 16),
            *("--output", output, "--reference", reference),
            *("--max-pool-size", 14),
        ]
        result = CliRunner().invoke(app, [str(a) for a in arguments])
        assert result.exit_code == 0, result.output
        found = re.findall(r"(\w+): largest difference (\S+)", result.output)
        assert [name for name, _ in found] == ["main_out", "head_logits"]
        assert all(float(value) <= 2e-5 for _, value in found)
        loaded = PFNet.from_preset(str(output))
        assert loaded.backbone.get_config()["max_pool_size"] == 14
        for weight in loaded.weights:
            value = state[convert_pfsegnets.name_of(weight.path)]
            value = value.transpose(2, 3, 1, 0) if value.ndim == 4 else value
            np.testing.assert_array_equal(to_numpy(weight), value)
