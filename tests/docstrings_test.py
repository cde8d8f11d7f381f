"""The examples in docstrings run as they stand and give the stated values.

An example is a block between ```python and ``` under `Example:`, indented as
the docstring is. Each runs separately in an empty folder, without a
network, after

    import numpy as np, keras, keras_rsseg

A comment that is a Python literal states the value of the expression or
assigned variable before it, or, on its own line, above it:

    layer(np.zeros((2, 25, 17, 32))).shape  # (2, 25, 17, 64)
    f1 = metric.result()
    # {"boundary_f1_3": 0.25}

Numbers are compared to the decimals given, shapes and tensors as tuples.
"""

import ast
import decimal
import io
import linecache
import re
import socket
import tokenize

import keras
import numpy as np
import pytest

import keras_rsseg
from keras_rsseg.hub.registry import registered_presets
from tests.public_names import exported_names
from tests.public_names import public_names
from tests.public_names import rooms

_FENCE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)

# Whole networks, which take TensorFlow up to a minute each to trace: torch runs
# their examples at once, so `.ci/run` runs them there.
_NETWORKS = ("encoders", "hub", "models", "training")
_traces = keras.backend.backend() == "tensorflow"

# Examples that show a warning: pytest's filter for it, by the public name.
_WARNINGS = {}


def _examples():
    """One parameter for each example: its name, its code."""
    parameters = []
    for public in public_names():
        for number, code in enumerate(_FENCE.findall(public.doc), 1):
            name = public.name if number == 1 else f"{public.name}-{number}"
            marks = []
            if public.name in _WARNINGS:
                marks.append(pytest.mark.filterwarnings(_WARNINGS[public.name]))
            if _traces and public.name.split(".")[0] in _NETWORKS:
                marks.append(pytest.mark.slow)
            parameters.append(pytest.param(name, code, id=name, marks=marks))
    return parameters


@pytest.fixture
def desk(tmp_path, monkeypatch):
    """An empty folder, no network; no figure and no preset stays behind."""

    def refuse(self, address):
        raise OSError(f"An example connects to {address}.")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "agg")
    monkeypatch.setattr(socket.socket, "connect", refuse)
    presets = registered_presets()
    before = dict(presets)
    yield
    presets.clear()
    presets.update(before)
    try:
        import matplotlib.pyplot
    except ImportError:
        return
    matplotlib.pyplot.close("all")


@pytest.mark.parametrize("name, code", _examples())
def test_example(name, code, desk):
    run_example(name, code)


@pytest.mark.parametrize("room", rooms())
def test_exported_names_have_examples(room):
    lacking = [
        public.name
        for public in exported_names()
        if public.value.__module__.split(".")[1] == room
        and not _FENCE.search(public.doc)
        and not _is_exception(public.value)
    ]
    assert not lacking


@pytest.mark.parametrize("room", rooms())
def test_one_style_of_examples(room):
    """Examples that `test_example` would miss are refused."""
    wrong = [
        public.name
        for public in public_names()
        if public.room == room and _other_style(public.doc)
    ]
    assert not wrong


def _other_style(doc):
    rest = _FENCE.sub("", doc)
    fenced_elsewhere = "Example:" not in doc and rest != doc
    return fenced_elsewhere or ">>>" in doc or "```" in rest


def _is_exception(value):
    return isinstance(value, type) and issubclass(value, BaseException)


def run_example(name, code):
    """Run the statements of an example and compare what comments state."""
    filename = f"<example of {name}>"
    lines = code.splitlines(keepends=True)
    # So that a traceback quotes the example.
    linecache.cache[filename] = (len(code), None, lines, filename)
    namespace = {
        "__name__": "example",
        "np": np,
        "keras": keras,
        "keras_rsseg": keras_rsseg,
    }
    expected = stated_values(code)
    for node in ast.parse(code, filename).body:
        value = _run(node, filename, namespace)
        if node.end_lineno in expected:
            stated = expected.pop(node.end_lineno)
            assert agrees(value, stated), (
                f"{filename}, line {node.end_lineno}: {lines[node.lineno - 1]}"
                f"states {stated!r}, but the value is {value!r}"
            )
    assert not expected, f"{filename}: behind no expression: {expected}"


def _run(node, filename, namespace):
    """Execute one statement; return its value or the value it assigns."""
    if isinstance(node, ast.Expr):
        expression = ast.Expression(node.value)
        return eval(compile(expression, filename, "eval"), namespace)
    exec(compile(ast.Module([node], []), filename, "exec"), namespace)
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return namespace[node.targets[0].id]
    return None


def stated_values(code):
    """Return the literals in comments, by the line they refer to."""
    stated, comments = {}, {}
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type == tokenize.COMMENT:
            comments[token.start[0]] = token
    for line, token in comments.items():
        try:
            value = ast.literal_eval(token.string.lstrip("# "))
        except (SyntaxError, ValueError):
            continue
        alone = not token.line[: token.start[1]].strip()
        stated[line - 1 if alone else line] = value
    return stated


def agrees(value, stated):
    """Whether a value equals a literal, to the given decimals."""
    if stated is None or isinstance(stated, bool | str | bytes):
        return value == stated
    if isinstance(stated, dict):
        return value.keys() == stated.keys() and all(
            agrees(value[key], stated[key]) for key in stated
        )
    if isinstance(stated, tuple | list):
        if keras.ops.is_tensor(value):
            value = keras.ops.convert_to_numpy(value)
        value = list(value)
        return len(value) == len(stated) and all(map(agrees, value, stated))
    if isinstance(stated, float):
        if keras.ops.is_tensor(value):
            value = keras.ops.convert_to_numpy(value)
        exponent = decimal.Decimal(repr(stated)).as_tuple().exponent
        return abs(float(value) - stated) <= 0.51 * 10.0**exponent
    return value == stated


def test_literals_are_compared():
    code = "x = 1.23456  # 1.23\nnp.zeros((2, 3)).shape\n# (2, 3)\n1  # one\n"
    assert stated_values(code) == {1: 1.23, 2: (2, 3)}
    run_example("this test", code)
    for wrong in ("1 + 1  # 3", "'a'  # 'b'", "1.24  # 1.23", "(1, 2)  # (1,)"):
        with pytest.raises(AssertionError):
            run_example("this test", wrong)
    with pytest.raises(AssertionError, match="behind no expression"):
        run_example("this test", "# 3\n")


def test_styles_are_told_apart():
    assert not _other_style("Example:\n\n```python\nf()\n```")
    for wrong in (
        "Example:\n    ```python\n    f()\n    ```",
        "Example:\n>>> f()",
        "```python\nf()\n```",
    ):
        assert _other_style(wrong)
