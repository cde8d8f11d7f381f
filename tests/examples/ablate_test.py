"""Ablation tables: rows exist, runs are kept, summarised and resumed."""

import csv
import inspect

import numpy as np
import pytest

import keras_rsseg
from examples import ablate
from examples import ablation_tables
from examples.networks import SYSTEMS
from tests.models.tiny_encoder import TinyEncoder

pytest.importorskip("tensorflow")
pytestmark = pytest.mark.filterwarnings(
    "ignore:.*does not apply to tf.data functions:UserWarning"
)


@pytest.mark.slow
@pytest.mark.parametrize("table", ablate.TABLES)
def test_every_row_can_be_built(table):
    rows = ablate.TABLES[table].rows
    names = [row.name for row in rows]
    assert len(set(names)) == len(names) > 2
    for row in rows:
        system = SYSTEMS[row.system]
        encoder_cls = getattr(keras_rsseg.encoders, system.encoder)
        encoder = {**system.encoder_options, **row.encoder}
        if system.encoder == "HRNetEncoder":
            network = encoder_cls(8, (1, 1, 1), 1, 1, **encoder)
            assert network.get_config().items() >= encoder.items()
            continue
        unknown = set(encoder) - set(inspect.signature(encoder_cls).parameters)
        assert not unknown
        backbone_cls = getattr(keras_rsseg, system.task).backbone_cls
        levels = [encoder.get("finest_level", "P2"), "P2", "P3", "P4", "P5"]
        shape = encoder.get("image_shape", (None, None, 3))
        backbone = backbone_cls(
            TinyEncoder(list(dict.fromkeys(levels)), shape), **row.backbone
        )
        assert backbone.get_config().items() >= row.backbone.items()


@pytest.fixture
def short_table(monkeypatch):
    rows = [
        ablate.Row("plain", "semantic_fpn", {"fpn_dim": 8, "context": None}),
        ablate.Row("pooled", "semantic_fpn", {"fpn_dim": 8}),
    ]
    monkeypatch.setitem(
        ablate.TABLES, "pfnet-2a", ablation_tables.Table("A table", rows)
    )


@pytest.mark.slow
def test_runs_a_table_and_goes_on_where_it_stopped(
    short_table, scenes, tiny_encoder, tmp_path, capsys
):
    command = (
        f"{scenes} --table pfnet-2a --encoder {tiny_encoder} "
        f"--output {tmp_path} --steps 1 --batch-size 2 --tile-size 32 --seeds"
    ).split()
    ablate.main([*command, "1"])
    printed = capsys.readouterr().out
    assert "plain, seed 1" in printed and "pooled, seed 1" in printed
    first = (tmp_path / "pfnet-2a.csv").read_text()
    ablate.main([*command, "2"])
    printed = capsys.readouterr().out
    assert "plain, seed 2" in printed and "plain, seed 1" not in printed
    text = (tmp_path / "pfnet-2a.csv").read_text()
    assert text.startswith(first)
    runs = list(csv.DictReader(text.splitlines()))
    assert [(x["row"], x["seed"]) for x in runs] == [
        ("plain", "1"),
        ("pooled", "1"),
        ("plain", "2"),
        ("pooled", "2"),
    ]
    for line in runs:
        ious = [float(line[name]) for name in ablate.CLASSES]
        assert float(line["mean IoU"]) == pytest.approx(np.mean(ious), abs=1e-4)
    summary = (tmp_path / "pfnet-2a.md").read_text()
    assert summary in printed
    scores = [100 * float(x["mean IoU"]) for x in runs if x["row"] == "plain"]
    cell = f"{np.mean(scores):.2f} ± {np.std(scores, ddof=1):.2f}"
    assert f"| plain | 2 | {cell} |" in summary
    with pytest.raises(SystemExit, match="other settings"):
        ablate.main([*command, "2", "--learning-rate", "0.1"])


@pytest.mark.slow
def test_a_comparison_is_scored_at_both_places_and_drawn(
    places, tiny_encoder, monkeypatch, tmp_path
):
    rows = [
        ablate.Row("FPN", "semantic_fpn", {"fpn_dim": 8}),
        ablate.Row("PFNet", "pfnet", {"fpn_dim": 8}),
    ]
    table = ablation_tables.Table("Systems", rows, on_both_places=True)
    monkeypatch.setitem(ablate.TABLES, "pfnet-4", table)
    monkeypatch.setitem(ablate.TABLES, "ifwm-1", table)
    picture = tmp_path / "pfnet-4.svg"
    command = (
        f"{places} --table pfnet-4 --encoder {tiny_encoder} --plot {picture} "
        f"--output {tmp_path} --steps 1 --batch-size 2 --tile-size 32 --seeds 1"
        f" --presets {tmp_path}"
    )
    ablate.main(command.split())
    kept = keras_rsseg.from_preset(tmp_path / "pfnet-4 PFNet 1")
    assert isinstance(kept, keras_rsseg.PFNet)
    lines = (tmp_path / "pfnet-4.csv").read_text().splitlines()
    for run in csv.DictReader(lines):
        means = [float(run[place]) for place in ("Dubai", "Ohio")]
        assert float(run["mean IoU"]) == pytest.approx(np.mean(means), abs=1e-4)
        assert int(run["parameters"]) > 0
        assert float(run["GMACs a megapixel"]) > 0
    text = (tmp_path / "pfnet-4.md").read_text()
    assert "| mean IoU | smallest to largest | Dubai | Ohio |" in text
    drawn = picture.read_text()
    assert "<!-- FPN -->" in drawn and "<!-- PFNet -->" in drawn
    # Runs that both tables have are made once.
    monkeypatch.setattr(ablate, "run", pytest.fail)
    ablate.main(command.replace("pfnet-4", "ifwm-1").split())
    assert (tmp_path / "ifwm-1.csv").read_text().splitlines() == lines


def test_half_of_a_comparisons_batch_is_of_each_place(capsys):
    with pytest.raises(SystemExit):
        ablate.parse_arguments(
            "data --table ifwm-1 --encoder e --output o --batch-size 3".split()
        )
    assert "--batch-size must be even" in capsys.readouterr().err


def test_a_table_of_one_seed_has_no_spread():
    line = {"row": "a", "seed": 1, "mean IoU": "0.5000"}
    line |= dict.fromkeys(ablate.CLASSES, "0.5")
    args = ablate.parse_arguments(
        "data --table pfnet-2a --encoder e --output o".split()
    )
    summary = ablate.summarise([line], args, "command")
    assert "| a | 1 | 50.00 | 50.00 to 50.00 |" in summary
    header, rule = [x for x in summary.splitlines() if x.startswith("|")][:2]
    assert header.count("|") == rule.count("|") == 10
