"""Public functions and methods have annotations: arguments and results.

mypy checks that annotations hold, but could only require them for all
functions, including private ones. They are read from the source, so that
nothing is imported.
"""

import ast
import pathlib

import pytest

import keras_rsseg
from tests.public_names import rooms

_ROOT = pathlib.Path(keras_rsseg.__file__).parent


@pytest.mark.parametrize("room", rooms())
def test_annotations(room):
    paths = [_ROOT / f"{room}.py", *sorted((_ROOT / room).rglob("*.py"))]
    lacking = [
        f"{path.relative_to(_ROOT)}:{function.lineno} {function.name}: {names}"
        for path in paths
        if path.exists()
        for function in _public_functions(ast.parse(path.read_text()))
        if (names := _not_annotated(function))
    ]
    assert not lacking, "\n" + "\n".join(lacking)


def _public_functions(node):
    """Functions of a module and methods of its classes, without inner ones."""
    for child in node.body:
        special = child.name[:2] == "__" if hasattr(child, "name") else False
        if not hasattr(child, "name") or (
            child.name.startswith("_") and not special
        ):
            continue
        if isinstance(child, ast.ClassDef):
            yield from _public_functions(child)
        else:
            yield child


def _not_annotated(function):
    """Names of arguments without a type, and "return"."""
    given = function.args
    arguments = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    if arguments and arguments[0].arg in ("self", "cls"):
        del arguments[0]
    arguments += filter(None, (given.vararg, given.kwarg))
    names = [each.arg for each in arguments if each.annotation is None]
    # For mypy, `__init__` returns None if its arguments have types.
    told = function.name == "__init__" and arguments
    if function.returns is None and not told:
        names.append("return")
    return names


def test_what_is_public():
    code = "def f(a: int, b, *c): ...\nclass A:\n    def _g(self): ...\n"
    code += "    def __init__(self, a: int): ...\n    def h(self): ...\n"
    f, init, h = _public_functions(ast.parse(code))
    assert _not_annotated(f) == ["b", "c", "return"]
    assert _not_annotated(init) == []
    assert _not_annotated(h) == ["return"]
