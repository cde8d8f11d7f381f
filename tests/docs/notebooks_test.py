"""Notebooks run: quickly with a small network, slowly unchanged."""

import json
import shutil
import sys
import types

import pytest

from tests.docs.documents import ROOT
from tests.docs.documents import cells
from tests.docs.documents import notebooks

NOTEBOOKS = notebooks()
IDS = [path.stem for path in NOTEBOOKS]
# In place of cells tagged as parameters.
SHORT = {
    "fine_tune": {"epochs": 1, "limit": 1},
    "evaluate": {"presets": ["hrnet_ifwm_w18_land_cover"]},
}


def test_there_are_four():
    assert len(NOTEBOOKS) >= 4


@pytest.mark.parametrize("path", NOTEBOOKS, ids=IDS)
def test_it_is_small_and_opens_in_colab(path):
    assert path.stat().st_size < 500_000
    book = json.loads(path.read_text(encoding="utf-8"))
    first = "".join(book["cells"][0]["source"])
    assert f"blob/main/examples/notebooks/{path.name}" in first
    tags = [cell["metadata"].get("tags") for cell in book["cells"]]
    assert ["install"] in tags


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
# PointFlow is what `inside` is about, and the small network has none.
@pytest.mark.parametrize("name", ["map_a_scene", "fine_tune", "evaluate"])
def test_cells_run(name, desk, monkeypatch):
    pytest.importorskip("matplotlib")
    pytest.importorskip("pyogrio")
    shown = []
    display = types.SimpleNamespace(display=shown.append)
    # Other packages ask it whether they run in a notebook.
    ipython = types.SimpleNamespace(
        get_ipython=lambda: None, version_info=(9, 0, 0)
    )
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    namespace = {"__name__": "notebook", **SHORT.get(name, {})}
    (path,) = (path for path in NOTEBOOKS if path.stem == name)
    for code in cells(path):
        exec(compile(code, path.name, "exec"), namespace)
    assert len(shown) == {"map_a_scene": 2, "fine_tune": 2, "evaluate": 0}[name]


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=IDS)
def test_it_runs_in_jupyter(path, tmp_path):
    nbformat = pytest.importorskip("nbformat")
    client = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    book = nbformat.read(path, as_version=4)
    short = "\n".join(
        f"{k} = {v!r}" for k, v in SHORT.get(path.stem, {}).items()
    )
    for cell in book.cells:
        if "parameters" in cell.metadata.get("tags", ()):
            cell.source = short
    # Where Jupyter starts it.
    folder = str(tmp_path / "examples" / "notebooks")
    runner = client.NotebookClient(
        book, timeout=900, resources={"metadata": {"path": folder}}
    )
    runner.execute()
    shown = [
        output
        for cell in book.cells
        if "display(" in cell.source
        for output in cell.get("outputs", ())
        if output.output_type == "display_data"
    ]
    # Pictures, not the names of objects.
    assert all("image/png" in output.get("data", ()) for output in shown)
    assert shown or path.stem == "evaluate"
