"""`keras-rsseg` as a whole."""

import os
import pathlib
import subprocess
import sys

import keras_rsseg
from tests.cli.commands import run

ROOT = pathlib.Path(__file__).resolve().parents[2]


def test_presets_are_listed_with_what_they_are():
    result = run("presets")
    assert result.exit_code == 0
    for name, facts in keras_rsseg.list_presets().items():
        assert f"{name}: {facts['description']}" in result.stdout
    assert "comes with the package; " in result.stdout
    assert "mean IoU 0.707 (measured)" in result.stdout
    assert "mean IoU 0.669 (the paper's)" in result.stdout
    assert "not published: convert a released checkpoint" in result.stdout


def test_version_and_help():
    assert run("--version").stdout.startswith("keras-rsseg ")
    result = run("predict", "--help")
    assert result.exit_code == 0
    for name in ("--output", "--preset", "--gsd", "--overwrite"):
        assert name in result.stdout


def test_cli_evaluation_and_scenes_load_no_framework_themselves():
    """Help and wrong paths need not wait for TensorFlow."""
    code = (
        "import os, sys;"
        "import keras_rsseg.cli, keras_rsseg.evaluation, keras_rsseg.scenes;"
        "heavy = {'tensorflow', 'jax', 'torch', 'keras', 'matplotlib'};"
        "heavy &= set(sys.modules);"
        "print(sorted(heavy), os.environ['TF_CPP_MIN_LOG_LEVEL'])"
    )
    environment = {**os.environ}
    environment.pop("TF_CPP_MIN_LOG_LEVEL", None)
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["[]", "3"]
