"""Models of any backend, exported by a process with TensorFlow."""

import sys

import pytest

from keras_rsseg.errors import ExportError
from keras_rsseg.export import export_model
from keras_rsseg.export import other_backends
from tests.export.tiny_models import make_model

pytest.importorskip("tensorflow")


def through_a_process(monkeypatch):
    """Make TensorFlow's models take the same way."""
    # The module; a function has the same name.
    module = sys.modules["keras_rsseg.export.export_model"]
    monkeypatch.setattr(module, "_write", other_backends.write_by_tensorflow)


@pytest.mark.slow  # Loads TensorFlow again.
def test_file_answers_as_the_model_of_this_backend(tmp_path, monkeypatch):
    for package in ("onnx", "onnxruntime", "tf2onnx"):
        pytest.importorskip(package)
    through_a_process(monkeypatch)
    model = make_model("HRNet")
    result = export_model(model, tmp_path / "m.onnx", 64, verbose=False)
    assert result.difference < 1e-4
    names = sorted(each.name for each in tmp_path.iterdir())
    assert names == ["m.onnx", "m.onnx.stac.json"]


def test_what_the_process_says_when_it_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(other_backends.sys, "executable", "false")
    through_a_process(monkeypatch)
    model = make_model("SemanticFPN")
    with pytest.raises(ExportError, match="in a separate process, which"):
        export_model(model, tmp_path / "m.onnx", 64)
    assert not list(tmp_path.iterdir())
