"""The table of exported files holds measurements and failures."""

import json

import keras
import pytest

pytest.importorskip("tensorflow")

from benchmarks import export_formats
from keras_rsseg.errors import ExportError


def test_table_keeps_what_was_measured_before(tmp_path):
    one = {"difference": 2e-6, "size": 4e6, "seconds": 0.5}
    one["keras_seconds"] = 0.25
    export_formats.write({"pfnet|.onnx|jax|64": one}, tmp_path)
    export_formats.write(
        {"pfnet||torch|64": {"error": "no | such operator"}}, tmp_path
    )
    rounded = {**one, "mean_iou": 0.94}
    export_formats.write({"pfnet|.onnx|jax|64, int8": rounded}, tmp_path)
    known = json.loads((tmp_path / "exports.json").read_text())
    assert len(known) == 3
    assert {"pfnet|.onnx|jax|64", "pfnet||torch|64"} < set(known)
    lines = (tmp_path / "EXPORTS.md").read_text().splitlines()
    assert lines[-3].startswith("| `pfnet` | ONNX | jax | 64 | 2.0e-06 | 4.0 |")
    # Files of rounded weights are judged by their classes.
    assert "| 64, int8 | 2.0e-06, mean IoU 0.9400 | 4.0 |" in lines[-2]
    assert r"SavedModel | torch | 64 | no \| such operator" in lines[-1]


def test_a_format_that_fails_is_a_row(tmp_path, monkeypatch, capsys):
    def fail(*args, **kwargs):
        raise ExportError("differs by 0.01")

    monkeypatch.setattr(export_formats, "load", lambda network: network)
    monkeypatch.setattr(export_formats.keras_rsseg, "export_model", fail)
    export_formats.main(
        ["--networks", "pfnet", "--formats", "saved_model", "--write"]
        + ["--folder", str(tmp_path)]
    )
    assert "differs by 0.01" in capsys.readouterr().out
    known = json.loads((tmp_path / "exports.json").read_text())
    backend = keras.backend.backend()
    assert known == {f"pfnet||{backend}|256": {"error": "differs by 0.01"}}
