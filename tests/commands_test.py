"""Commands in the documentation exist and start."""

import importlib.util
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
ROOMS = ("benchmarks", "examples", "weights")
_MODULE = re.compile(rf"-m ((?:{'|'.join(ROOMS)})\.\w+)")
_FILE = re.compile(rf"python (?:{'|'.join(ROOMS)})/")


def documents():
    """Return all files with commands for users."""
    folders = [ROOT / room for room in ROOMS]
    return [
        *ROOT.glob("*.md"),
        *(path for folder in folders for path in folder.rglob("*.md")),
        *(path for folder in folders for path in folder.rglob("*.py")),
    ]


def test_commands_are_modules_that_exist():
    named = set()
    for path in documents():
        text = path.read_text(encoding="utf-8")
        named |= set(_MODULE.findall(text))
        assert not _FILE.search(text), path
    assert "weights.convert" in named and "examples.train_dubai" in named
    missing = [name for name in named if importlib.util.find_spec(name) is None]
    assert not missing


def test_nobody_changes_where_python_looks():
    for path in documents():
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"sys\.path\b", text), path


@pytest.mark.parametrize(
    ("module", "option"),
    [
        ("weights.convert", "--checkpoint"),
        ("weights.halve_preset", "destination"),
        ("weights.publish", "--checkpoints"),
        ("examples.train_pfnet_isaid", "--manual-dir"),
        ("benchmarks.count_macs", "--size"),
    ],
)
def test_help(module, option):
    result = subprocess.run(
        [sys.executable, "-m", module, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert option in result.stdout.lower()
