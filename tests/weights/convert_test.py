"""The conversion as a command: what it writes and what it refuses."""

import importlib.util
import re

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from keras_rsseg.models.hrnet.checkpoint import is_flow
from keras_rsseg.models.hrnet.hrnet import HRNet
from keras_rsseg.models.pfnet.checkpoint import VARIANTS
from keras_rsseg.models.pfnet.pfnet import PFNet
from tests.shared import shared_path
from tests.test_case import TestCase
from tests.test_case import to_numpy
from tests.weights.networks import draw_state
from tests.weights.tiny_hrnet import TINY
from tests.weights.tiny_hrnet import torch_state
from tests.weights.tiny_hrnet import use_tiny_hrnet
from weights import convert


def run(*arguments):
    app = typer.Typer()
    app.command()(convert.main)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def model():
    """Shared by the tests, which only read it."""
    return TINY.build(3, align_corners=False)


class TestHRNet(TestCase):
    @pytest.fixture(autouse=True)
    def tiny(self, monkeypatch):
        use_tiny_hrnet(monkeypatch)

    @pytest.fixture
    def checkpoint(self, model, tmp_path):
        np.savez(tmp_path / "hrnet.npz", **torch_state(model))
        return tmp_path / "hrnet.npz"

    def run(self, checkpoint, output, *others, classes=3, align=False):
        return run(
            *("--checkpoint", checkpoint, "--output", output),
            *("--variant", "hrnet_w18", "--num-classes", classes),
            "--align-corners" if align else "--no-align-corners",
            *others,
        )

    def reference(self, model, path, **changes):
        tiles = np.random.default_rng(0).standard_normal((1, 40, 56, 3))
        tiles = tiles.astype("float32")
        logits = to_numpy(model(tiles, training=False))
        arrays = {"x": tiles, "main_out": logits, **changes}
        arrays = {k: v.transpose(0, 3, 1, 2) for k, v in arrays.items()}
        np.savez(path, **arrays)
        return path

    def test_preset_and_its_difference(self, model, checkpoint, tmp_path):
        reference = self.reference(model, tmp_path / "reference.npz")
        output = tmp_path / "preset"
        result = self.run(checkpoint, output, "--reference", reference)
        assert result.exit_code == 0, result.output
        assert "none missing, none unused" in result.output
        assert "main_out: largest difference 0 of" in result.output
        loaded = HRNet.from_preset(str(output))
        assert not loaded.backbone.align_corners
        tiles = np.random.default_rng(1).integers(0, 256, (1, 32, 32, 3))
        tiles = loaded.preprocessor(tiles.astype("uint8"))
        self.assert_allclose(
            loaded(tiles, training=False), model(tiles, training=False)
        )

    def test_names_of_the_training_script(self, model, checkpoint, tmp_path):
        names = {f"model.{k}": v for k, v in torch_state(model).items()}
        names["loss.criterion.weight"] = np.ones(3, "float32")
        np.savez(checkpoint, **names)
        assert self.run(checkpoint, tmp_path / "preset").exit_code == 0

    def test_other_corners_than_trained_with(self, model, checkpoint, tmp_path):
        reference = self.reference(model, tmp_path / "reference.npz")
        output = tmp_path / "preset"
        result = self.run(
            checkpoint, output, "--reference", reference, align=True
        )
        assert result.exit_code == 1
        assert "nothing was written" in result.output
        assert not output.exists()

    def test_reference_without_outputs(self, checkpoint, tmp_path):
        np.savez(tmp_path / "reference.npz", y=np.zeros((1, 3, 8, 8)))
        result = self.run(
            *(checkpoint, tmp_path / "preset"),
            *("--reference", tmp_path / "reference.npz"),
        )
        assert result.exit_code == 1
        assert "must hold x and one of main_out" in result.output

    def test_flow_that_no_checkpoint_has_is_zero(self, tmp_path):
        model = TINY.build(3, align_corners=True)
        np.savez(tmp_path / "hrnet.npz", **torch_state(model))
        result = self.run(
            *(tmp_path / "hrnet.npz", tmp_path / "preset"),
            *("--fusion", "ifwm"),
            align=True,
        )
        assert result.exit_code == 0, result.output
        assert f"{len(model.weights)} tensors assigned" in result.output
        loaded = HRNet.from_preset(str(tmp_path / "preset"))
        assert loaded.backbone.image_encoder.fusion == "ifwm"
        flow = [w for w in loaded.weights if is_flow(w.path)]
        assert len(flow) == len(loaded.weights) - len(model.weights) > 0
        assert not any(np.any(to_numpy(w)) for w in flow)

    def test_flow_needs_aligned_corners(self, checkpoint, tmp_path):
        result = self.run(checkpoint, tmp_path / "preset", "--fusion", "ifwm")
        assert result.exit_code == 1
        assert "`align_corners` must be True" in result.output

    def test_damaged_reference(self, checkpoint, tmp_path):
        (tmp_path / "reference.npz").write_bytes(b"PK damaged")
        result = self.run(
            *(checkpoint, tmp_path / "preset"),
            *("--reference", tmp_path / "reference.npz"),
        )
        assert result.exit_code == 1
        assert "reference.npz cannot be read" in result.output
        assert not (tmp_path / "preset").exists()

    def test_missing_and_unused_keys(self, model, checkpoint, tmp_path):
        state = torch_state(model)
        state["head.weight"] = state.pop("last_layer.0.weight")
        np.savez(checkpoint, **state)
        result = self.run(checkpoint, tmp_path / "preset")
        assert result.exit_code == 1
        assert "missing from the checkpoint: 1" in result.output
        assert "last_layer.0.weight (for fusion/" in result.output
        assert "unused keys of the checkpoint: 1" in result.output
        assert "head.weight (30, 30, 1, 1)" in result.output
        assert not (tmp_path / "preset").exists()

    def test_other_number_of_classes(self, checkpoint, tmp_path):
        result = self.run(checkpoint, tmp_path / "preset", classes=4)
        assert result.exit_code == 1
        assert "wrong shapes: 2" in result.output
        assert "last_layer.3.bias: (3,)" in result.output

    def test_nothing_is_overwritten(self, checkpoint, tmp_path):
        output = tmp_path / "preset"
        output.mkdir()
        (output / "mine.txt").write_text("kept")
        result = self.run(checkpoint, output)
        assert result.exit_code == 1
        assert "not empty" in result.output
        assert [p.name for p in output.iterdir()] == ["mine.txt"]

    def test_corners_must_be_stated(self, checkpoint, tmp_path):
        result = run(
            *("--checkpoint", checkpoint, "--output", tmp_path / "preset"),
            *("--variant", "hrnet_w18", "--num-classes", 3),
        )
        assert result.exit_code == 1
        assert "--align-corners or --no-align-corners" in result.output

    def test_names_of_the_classes(self, checkpoint, tmp_path):
        output = tmp_path / "preset"
        names = ("--class-names", "road,roof,tree")
        assert self.run(checkpoint, output, *names).exit_code == 0
        loaded = HRNet.from_preset(str(output), load_weights=False)
        assert loaded.class_names == ["road", "roof", "tree"]


def write_training_checkpoint(folder, state):
    """Write a file as the released training script does, or its tensors."""
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


class TestPFNet(TestCase):
    def test_preset_and_its_difference(self, tmp_path):
        state = draw_state("pfnet_r50_nc16", 1, 1043677.694668)
        reference = shared_path(
            "fixtures", "networks", "pfnet_r50_nc16_seed1_2x64x64.npz"
        )
        output = tmp_path / "preset"
        result = run(
            *("--checkpoint", write_training_checkpoint(tmp_path, state)),
            *("--variant", "pfnet_r50", "--num-classes", 16),
            *("--output", output, "--reference", reference),
            *("--max-pool-size", 14),
        )
        assert result.exit_code == 0, result.output
        found = re.findall(r"(\w+): largest difference (\S+)", result.output)
        assert [name for name, _ in found] == ["main_out", "head_logits"]
        assert all(float(value) <= 2e-5 for _, value in found)
        loaded = PFNet.from_preset(str(output))
        assert loaded.backbone.get_config()["max_pool_size"] == 14
        name_of = VARIANTS["pfnet_r50"].name_of
        for weight in loaded.weights:
            value = state[name_of(weight.path)]
            value = value.transpose(2, 3, 1, 0) if value.ndim == 4 else value
            np.testing.assert_array_equal(to_numpy(weight), value)


class TestRefusals:
    """Refused before anything is read: there is no checkpoint here."""

    @pytest.mark.parametrize(
        "words, message",
        [
            ("", "give `preset`, or `variant`"),
            ("--variant pfnet_50", "Did you mean pfnet_r50"),
            ("--variant pfnet_r50_isiad", "Did you mean pfnet_r50_isaid"),
            ("--variant unet", "must be one of resnet50_imagenet, "),
            ("--variant pfnet_r50", "`num_classes` must be given"),
            ("--preset nonsense", "must be one of 'ccnet_r50_isaid'"),
            (
                "--preset hrnet_w18_vaihingen --num-classes 6",
                "omit them",
            ),
            (
                "--variant hrnet_w18_vaihingen --num-classes 6",
                "omit them",
            ),
            (
                "--preset hrnet_w18_vaihingen --variant hrnet_w18",
                "omit them",
            ),
            # Networks without points have no grid.
            (
                "--variant danet_fpn_r50 --num-classes 16 --max-pool-size 9",
                "`max_pool_size` is for ccnet_pfnet_r50, danet_pfnet_r50, "
                "pfnet_r50, pfnet_r101. Received: danet_fpn_r50",
            ),
            (
                "--variant pfnet_r50 --num-classes 16 --align-corners",
                "`align_corners` is for hrnet_w18",
            ),
            (
                "--variant resnet50_imagenet --num-classes 16",
                "resnet50_imagenet is an encoder: it has no `num_classes`",
            ),
            (
                "--variant resnet50_imagenet --reference x.npz",
                "resnet50_imagenet is an encoder: it has no `reference`",
            ),
        ],
    )
    def test_what_is_missing_or_too_much(self, tmp_path, words, message):
        output = tmp_path / "preset"
        result = run(
            *("--checkpoint", tmp_path / "absent.npz", "--output", output),
            *words.split(),
        )
        assert result.exit_code == 1
        assert message in result.output
        assert not output.exists()
