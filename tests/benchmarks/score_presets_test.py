"""The table of presets holds the measurements of each."""

import json

import pytest

pytest.importorskip("tensorflow")

from benchmarks import score_presets
from tests.hub.tiny_preset import make_task

IOUS = [0.5, 0.75, 0.25, 1.0, 0.0]


def test_table(tmp_path, monkeypatch, capsys):
    make_task().save_to_preset(tmp_path / "tiny")
    monkeypatch.setattr(
        score_presets.train_dubai, "evaluate", lambda *args, **kwargs: IOUS
    )
    arguments = ["scenes", str(tmp_path / "tiny"), "--size", "32"]
    score_presets.main([*arguments, "--rounds", "1"])
    head, _, line = capsys.readouterr().out.splitlines()
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert len(cells) == head.count("|") - 1
    assert cells[:3] == ["`tiny`", "0.500", "0.500"]
    assert float(cells[-1].split()[0]) > 0
    # Or the cards' scores.
    classes = dict(zip(score_presets.CLASSES, IOUS[::-1], strict=True))
    card = {"score": {"mean_iou": 0.5, "classes": classes}}
    (tmp_path / "tiny" / "card.json").write_text(json.dumps(card))
    score_presets.main([*arguments, "--rounds", "1", "--from-cards"])
    assert "| `tiny` | 0.500 | 0.000 |" in capsys.readouterr().out


def test_all_seeds_of_a_name(tmp_path):
    for seed, mean in enumerate((0.5, 0.6, 0.7)):
        folder = tmp_path / f"seed{seed}" / "net"
        folder.mkdir(parents=True)
        card = {"score": {"mean_iou": mean}}
        (folder / "card.json").write_text(json.dumps(card))
    cell = score_presets.over_seeds("presets/net", tmp_path)
    assert cell == "0.600 ± 0.100 (3)"
    assert score_presets.over_seeds("presets/other", tmp_path) == "0 of them"


def test_networks_take_turns():
    calls = []

    class Network:
        def __init__(self, name):
            self.name = name

        def predict_on_batch(self, tile):
            assert tile.shape == (1, 20, 20, 3) and tile.dtype == "uint8"
            calls.append(self.name)

    times = score_presets.seconds_per_megapixel(
        [Network("a"), Network("b")], 20, 2
    )
    assert "".join(calls) == "ababab"
    # The first, which compiles, is not counted.
    assert [len(seconds) for seconds in times] == [2, 2]
