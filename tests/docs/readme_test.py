"""README is a landing page: short, true, and each block runs as it stands.

The embedded presets' names stand for a small network, trainings stop after
two steps, and data that would have to be downloaded are made: the tests check
the text, not the networks.
"""

import re

import pytest

from tests.cli.commands import run
from tests.docs.documents import ROOT
from tests.docs.documents import blocks
from tests.docs.documents import commands

README = ROOT / "README.md"
PYTHON = blocks(README, "python")
KERAS_RSSEG = [c[1:] for c in commands(README) if c[0] == "keras-rsseg"]


def test_it_is_short():
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 200


def test_links_of_files_lead_somewhere():
    text = README.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text)
    assert "CITATION.cff" in targets
    assert not [path for path in targets if not (ROOT / path).exists()]


def test_extras_that_it_names_are_there():
    import tomllib

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    text = README.read_text(encoding="utf-8")
    for named in re.findall(r'"\.\[([\w,]+)\]"', text):
        assert set(named.split(",")) <= set(extras)


# `keras-rsseg` reads its settings once; TFDS warns of its plans.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
class TestBlocks:
    def test_commands_in_their_order(self, desk):
        """Each uses the files of those before it."""
        assert len(KERAS_RSSEG) >= 5
        for words in KERAS_RSSEG:
            result = run(*words)
            assert result.exit_code == 0, (words, result.output)
        assert (desk / "harbour_classes.tif").exists()
        assert (desk / "maps" / "harbour.gpkg").exists()
        assert (desk / "harbour_trained.tif").exists()

    @pytest.mark.parametrize(
        "code", PYTHON, ids=[f"block {n}" for n in range(1, len(PYTHON) + 1)]
    )
    def test_python(self, desk, code):
        if "tensorflow_datasets" in code:
            pytest.importorskip("tensorflow_datasets")
        if "report.save" in code:
            pytest.importorskip("matplotlib")
        exec(compile(code, "README.md", "exec"), {"__name__": "readme"})


@pytest.mark.slow
def test_the_quick_start_as_it_is(tmp_path, monkeypatch):
    """With the package's preset, most of the harbour's middle is water."""
    import keras_rsseg

    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    assert run(*KERAS_RSSEG[0]).exit_code == 0
    found = keras_rsseg.data.read_mask("harbour_classes.tif")
    names = keras_rsseg.list_presets()[keras_rsseg.DEFAULT_PRESET]
    water = list(names["class_names"]).index("water")
    assert (found[400:600, 530:630] == water).mean() > 0.5
