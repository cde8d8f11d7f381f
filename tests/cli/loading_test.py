"""The output of a command while it loads: only what was requested."""

import logging
import subprocess
import sys

import pytest

from keras_rsseg.cli.loading import load_model
from keras_rsseg.cli.loading import talkative
from keras_rsseg.cli.terminal import Status
from tests.cli.commands import run


def test_a_model_is_loaded_by_name(loaded, capsys):
    load_model("large", Status(verbose=True))
    load_model(None)
    assert loaded == ["large", "small"]
    assert "Loading large ...\n" in capsys.readouterr().err


def test_verbose_prints_the_log(capsys):
    logger = logging.getLogger("keras_rsseg.scenes")
    for verbose in (True, False):
        with talkative(quiet=False, verbose=verbose):
            logger.info("read at 0.5 m")
        said = capsys.readouterr().err
        assert ("read at 0.5 m" in said) == verbose


def test_quiet_and_verbose_exclude_each_other(scene, tmp_path, loaded):
    result = run(
        *("predict", scene, "--output", tmp_path / "map.tif", "-q", "-v")
    )
    assert result.exit_code == 2
    assert "exclude each other" in result.stderr
    assert loaded == []


def test_verbose_names_each_step(scene, tmp_path, loaded):
    result = run("predict", scene, "--output", tmp_path / "map.tif", "-v")
    assert result.exit_code == 0, result.output
    assert "Loading small ..." in result.stderr


@pytest.mark.slow
def test_no_noise_before_the_answer():
    """TensorFlow's lines about CUDA and oneDNN, written before its logger."""
    code = (
        "import keras_rsseg.cli, sys\n"
        "from keras_rsseg.cli.loading import load_framework\n"
        "load_framework()\n"
        "print('tensorflow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True
    )
    assert done.stderr == ""
    assert done.returncode == 0


def test_the_backend_that_is_loaded_is_named(tmp_path, monkeypatch):
    """In Keras' order: the environment, its file, TensorFlow."""
    from keras_rsseg.cli import loading

    monkeypatch.delitem(sys.modules, "keras")
    monkeypatch.delenv("KERAS_BACKEND")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert loading._backend_name() == "tensorflow"
    (tmp_path / "keras.json").write_text('{"backend": "jax"}')
    assert loading._backend_name() == "jax"
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    assert loading._backend_name() == "torch"
