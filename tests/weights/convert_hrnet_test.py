"""The HRNet converter as a command: what it writes and what it refuses."""

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from keras_rsseg.encoders.hrnet_encoder import HRNetEncoder
from keras_rsseg.models.hrnet.hrnet import HRNet
from keras_rsseg.models.hrnet.hrnet import HRNetBackbone
from tests.test_case import TestCase
from tests.test_case import to_numpy
from weights import convert_hrnet


def build_tiny(
    variant, num_classes, align_corners, fusion="bilinear", **legend
):
    """A network with every kind of layer, which builds in a second."""
    encoder = HRNetEncoder(
        width=2,
        stackwise_num_modules=(1, 1, 1),
        num_blocks=1,
        num_bottlenecks=2,
        bottleneck_filters=2,
        align_corners=align_corners,
        fusion=str(fusion),
    )
    return HRNet(HRNetBackbone(encoder), num_classes=num_classes, **legend)


def torch_state(model):
    """Return a model's weights under PyTorch's names."""
    state = {}
    for weight in model.weights:
        value = to_numpy(weight)
        if value.ndim == 4:
            value = value.transpose(3, 2, 0, 1)
        state[convert_hrnet.name_of(weight.path)] = value
    return state


@pytest.fixture(scope="module")
def model():
    """Shared by the tests, which only read it."""
    return build_tiny("hrnet_w18", 3, align_corners=False)


class TestCommand(TestCase):
    @pytest.fixture(autouse=True)
    def tiny(self, monkeypatch):
        monkeypatch.setattr(convert_hrnet, "build", build_tiny)

    @pytest.fixture
    def checkpoint(self, model, tmp_path):
        np.savez(tmp_path / "hrnet.npz", **torch_state(model))
        return tmp_path / "hrnet.npz"

    def run(self, checkpoint, output, *others, classes=3, align=False):
        app = typer.Typer()
        app.command()(convert_hrnet.main)
        arguments = [
            *("--checkpoint", checkpoint, "--output", output),
            *("--variant", "hrnet_w18", "--num-classes", classes),
            "--align-corners" if align else "--no-align-corners",
            *others,
        ]
        return CliRunner().invoke(app, [str(a) for a in arguments])

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
        model = build_tiny("hrnet_w18", 3, align_corners=True)
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
        flow = [w for w in loaded.weights if convert_hrnet.is_flow(w.path)]
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
        app = typer.Typer()
        app.command()(convert_hrnet.main)
        result = CliRunner().invoke(
            app,
            f"--checkpoint {checkpoint} --output {tmp_path / 'preset'} "
            "--variant hrnet_w18 --num-classes 3",
        )
        assert result.exit_code == 1
        assert "--align-corners or --no-align-corners" in result.output
