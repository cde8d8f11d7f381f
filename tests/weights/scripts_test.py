"""The converters run as files, as their docstrings say."""

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]


@pytest.mark.parametrize(
    "name", ["convert_encoders", "convert_hrnet", "convert_pfsegnets"]
)
def test_help_from_another_folder(name, tmp_path):
    result = subprocess.run(
        [sys.executable, ROOT / "weights" / f"{name}.py", "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert "--checkpoint" in result.stdout
