"""The site's pages name existing commands, options and names."""

import ast
import importlib
import re

import pytest
import typer

import keras_rsseg
from keras_rsseg.cli import app
from tests.docs.documents import DOCS
from tests.docs.documents import ROOT
from tests.docs.documents import blocks
from tests.docs.documents import commands
from tests.docs.documents import pages

PAGES = pages()
IDS = [str(path.relative_to(ROOT)) for path in PAGES]


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_commands_are_understood(page):
    """The command line parses each, with its options, without running it."""
    program = typer.main.get_command(app)
    for words in commands(page):
        if words[0] != "keras-rsseg":
            continue
        command = program.commands[words[1]]
        with command.make_context(words[1], words[2:]) as context:
            assert context.params


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_scripts_are_there(page):
    text = page.read_text(encoding="utf-8")
    for name in re.findall(r"python -m ([\w.]+)", text):
        if name.split(".")[0] in ("examples", "benchmarks", "weights", "docs"):
            assert (ROOT / f"{name.replace('.', '/')}.py").is_file(), name


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_python_names_what_there_is(page):
    """Imports in blocks exist, and so do attributes of the package."""
    for code in blocks(page, "python"):
        for node in ast.walk(ast.parse(code, str(page))):
            if isinstance(node, ast.ImportFrom) and node.module:
                module = importlib.import_module(node.module)
                for alias in node.names:
                    assert hasattr(module, alias.name), alias.name
            if isinstance(node, ast.Attribute):
                _resolve(ast.unparse(node))


def _resolve(dotted):
    """Follow `keras_rsseg.layers.PointFlow`."""
    first, *rest = dotted.split(".")
    if first != "keras_rsseg" or not all(re.fullmatch(r"\w+", r) for r in rest):
        return
    found = keras_rsseg
    for name in rest:
        found = getattr(found, name)


def test_pages_made_from_the_code_are_new():
    make_pages = importlib.import_module("docs.make_pages")
    for path, text in make_pages.pages().items():
        stored = path.read_text(encoding="utf-8")
        assert stored == text, f"{path}: run `python -m docs.make_pages`"


def test_every_page_is_reached():
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    navigation += (DOCS / "hooks.py").read_text(encoding="utf-8")
    for page in PAGES[1:]:
        name = str(page.relative_to(DOCS))
        assert name in navigation, name
