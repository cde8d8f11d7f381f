"""Code blocks in README and the site's pages, and notebooks."""

import json
import pathlib
import re
import shlex

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def pages():
    """Return README and the pages written by hand."""
    made = DOCS / "systems"
    found = sorted(DOCS.rglob("*.md"))
    return [ROOT / "README.md", *(p for p in found if p.parent != made)]


def blocks(path, language):
    """Return the fenced blocks of a language in a file."""
    text = path.read_text(encoding="utf-8")
    return [code for kind, code in _FENCE.findall(text) if kind == language]


def commands(path):
    """Return the commands in the shell blocks of a file, as lists of words."""
    lines = [
        line
        for block in blocks(path, "shell")
        for line in block.replace("\\\n", " ").splitlines()
    ]
    parts = [part for line in lines for part in line.split("&&")]
    return [words for part in parts if (words := shlex.split(part, True))]


def notebooks():
    """Return the paths of the notebooks."""
    return sorted((ROOT / "examples" / "notebooks").glob("*.ipynb"))


def cells(path, without=("install", "parameters")):
    """Return the code of a notebook's cells, except those with some tags."""
    book = json.loads(path.read_text(encoding="utf-8"))
    return [
        "".join(cell["source"])
        for cell in book["cells"]
        if cell["cell_type"] == "code"
        and not set(without) & set(cell["metadata"].get("tags", ()))
    ]
