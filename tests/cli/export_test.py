"""`keras-rsseg export`: its requests, and what it refuses at once."""

import pathlib
import types

import pytest

import keras_rsseg
from keras_rsseg.export import Difference
from keras_rsseg.export import ExportResult
from tests.cli.commands import check_error
from tests.cli.commands import run


@pytest.fixture
def calls(monkeypatch):
    """Replace calls that take minutes; keep their arguments."""
    made = []

    def export_model(model, path, **arguments):
        made.append((model.preset, str(path), arguments))
        path = pathlib.Path(path)
        item = path.with_name(f"{path.name}.stac.json")
        far = [Difference("random", 1e-6, 1.0, 1.0)]
        return ExportResult(path, item, 4_200_000, far, 61.0)

    def from_preset(name):
        return types.SimpleNamespace(preset=name)

    monkeypatch.setattr(
        keras_rsseg, "export_model", export_model, raising=False
    )
    monkeypatch.setattr(keras_rsseg, "from_preset", from_preset, raising=False)
    return made


def test_the_default_preset_as_onnx(calls):
    result = run("export", "--output", "m.onnx")
    assert result.exit_code == 0, result.output
    ((preset, path, arguments),) = calls
    assert (preset, path) == (keras_rsseg.DEFAULT_PRESET, "m.onnx")
    assert arguments == {
        "tile_size": 512,
        "dynamic": False,
        "batch_size": 1,
        "output": "logits",
        "data_format": "channels_last",
        "weights": "float32",
        "target": None,
        "tiles": None,
        "overwrite": False,
        "verbose": True,
    }
    assert "Wrote m.onnx (4.2 MB) and m.onnx.stac.json in 61 s" in result.stdout
    assert "--preset m.onnx --tile-size 512" in result.stdout


def test_every_option_arrives(calls):
    result = run(
        *("export", "mine", "--output", "m.xml", "--tile-size", 256),
        *("--dynamic", "--batch-size", 0, "--probabilities"),
        *("--channels-first", "--weights", "float16"),
        *("--check-on", "s.tif", "--overwrite", "--quiet"),
    )
    assert result.exit_code == 0 and result.stdout == ""
    ((preset, _, arguments),) = calls
    assert preset == "mine"
    assert arguments["batch_size"] is None and arguments["dynamic"]
    assert arguments["output"] == "probabilities"
    assert arguments["data_format"] == "channels_first"
    assert arguments["weights"] == "float16"
    assert arguments["tiles"] == "s.tif"
    assert arguments["overwrite"] and not arguments["verbose"]


def test_qgis(calls):
    assert run("export", "--output", "m.onnx", "--for", "qgis").exit_code == 0
    assert calls[0][2]["target"] == "qgis"


def test_wrong_requests_load_no_model(calls):
    check_error(run("export", "--output", "m.h5"), "must end in .onnx")
    check_error(run("export", "--output", "m.tflite", "--dynamic"), "one size")
    assert run("export").exit_code == 2
    assert not calls
