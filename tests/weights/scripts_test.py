"""The converters run as files, as their docstrings say."""

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("convert_encoders", "--checkpoint"),
        ("convert_hrnet", "--checkpoint"),
        ("convert_pfsegnets", "--checkpoint"),
        ("convert_sfsegnets", "--checkpoint"),
    ],
)
def test_help_from_another_folder(name, option, tmp_path):
    result = subprocess.run(
        [sys.executable, ROOT / "weights" / f"{name}.py", "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert option in result.stdout.lower()


@pytest.mark.parametrize(
    ("name", "option"),
    [("halve_preset", "destination"), ("publish", "--checkpoints")],
)
def test_help_of_modules(name, option):
    result = subprocess.run(
        [sys.executable, "-m", f"weights.{name}", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert option in result.stdout.lower()
