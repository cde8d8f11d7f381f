"""Presets at hand are checked, missing ones named, and none is sent unasked."""

import json

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from keras_rsseg.hub import registry
from tests.hub.tiny_preset import FACTS
from tests.hub.tiny_preset import make_task
from tests.weights.tiny_hrnet import TINY
from tests.weights.tiny_hrnet import torch_state
from tests.weights.tiny_hrnet import use_tiny_hrnet
from weights import publish

CONVERTED = "hrnet_w18_whu_building"


@pytest.fixture
def trained(tmp_path):
    """Folder of a trained preset with its card."""
    folder = tmp_path / "trained" / "tiny"
    make_task().save_to_preset(folder)
    (folder / "card.json").write_text(json.dumps(FACTS))
    return folder


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the command for a registry of two presets."""
    known = registry.registered_presets()
    before = dict(known)
    for name in set(known) - {CONVERTED}:
        monkeypatch.delitem(known, name)
    tiny = {"handle": "hf://o/tiny", "how_to_get": {"train": "train it"}}
    monkeypatch.setitem(known, "tiny", tiny)
    use_tiny_hrnet(monkeypatch)
    app = typer.Typer()
    app.command()(publish.main)

    def run(*arguments):
        places = [
            *("--trained", tmp_path / "trained"),
            *("--checkpoints", tmp_path / "checkpoints"),
            *("--output", tmp_path / "presets"),
        ]
        result = CliRunner().invoke(
            app, [str(a) for a in (*places, *arguments)]
        )
        lines = result.output.splitlines()
        return result.exit_code, dict(
            line.split(": ", 1) for line in lines if ": " in line
        )

    yield run
    # In its order again: the items that come back would be the last.
    monkeypatch.undo()
    known.clear()
    known.update(before)


def test_what_is_not_at_hand(run):
    code, said = run()
    assert code == 0
    assert said["tiny"] == "not at hand: it has not been trained; train it"
    assert (
        "no checkpoint was given for it; python -m weights" in said[CONVERTED]
    )
    assert f"--variant {CONVERTED}" in said[CONVERTED]


def test_trained_and_converted(run, trained, tmp_path):
    model = TINY.build(2, align_corners=True)
    (tmp_path / "checkpoints").mkdir()
    checkpoint = tmp_path / "checkpoints" / f"{CONVERTED}.npz"
    np.savez(checkpoint, **torch_state(model))
    code, said = run()
    assert code == 0
    assert said["tiny"] == f"ready: {trained}"
    held_back = "checked, not published: no licence allows it"
    assert said[CONVERTED].startswith(held_back)
    assert (tmp_path / "presets" / CONVERTED / "card.json").is_file()
    # It is not converted again.
    checkpoint.unlink()
    _, said = run("--only", CONVERTED)
    assert said[CONVERTED].startswith(held_back) and "tiny" not in said


def test_one_that_is_broken_does_not_stop_the_others(run, trained, tmp_path):
    (tmp_path / "checkpoints").mkdir()
    np.savez(tmp_path / "checkpoints" / f"{CONVERTED}.npz", x=np.zeros(3))
    code, said = run()
    assert code == 1
    assert "does not fit" in said[CONVERTED]
    assert said["tiny"].startswith("ready")
    assert not (tmp_path / "presets" / CONVERTED).exists()


def test_without_a_card(run, trained):
    (trained / "card.json").unlink()
    code, said = run("--only", "tiny")
    assert code == 1 and "lacks facts" in said["tiny"]


def test_unknown_name(run):
    code, said = run("--only", "nonsense")
    assert code == 1
    assert said["Error"] == "no presets are named nonsense"
