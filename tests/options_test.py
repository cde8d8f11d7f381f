"""Options that are stated once."""

import dataclasses
import inspect
from typing import Annotated

import pytest

from keras_rsseg.checks import check_positive
from keras_rsseg.errors import ArgumentError
from keras_rsseg.options import Option
from keras_rsseg.options import Options
from keras_rsseg.options import fields
from keras_rsseg.options import takes


@dataclasses.dataclass(frozen=True, kw_only=True)
class CutOptions(Options):
    size: Annotated[
        int, Option("Length of a tile", unit="pixels", check=check_positive)
    ] = 512
    kind: Annotated[
        str | None,
        Option(
            "Kind of the cut, told at some length so that it needs a line more",
            otherwise="the usual one",
            in_python="See `size`.",
            flag="--how",
        ),
    ] = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class LargeCutOptions(CutOptions):
    count: Annotated[int, Option("How many", read=int, accepted="a number")] = 1
    # Fixed: users cannot set it.
    kind: str | None = dataclasses.field(default="large", init=False)


@takes(CutOptions)
def cut(scene: str, mask: str = "none", *, options: CutOptions) -> tuple:
    """Cut a scene.

    Args:
        scene: what to cut.
        options: keyword arguments, which
            these are.

    Returns:
        All that was given.
    """
    return scene, mask, options


def test_the_function_gets_an_object():
    assert cut("a") == ("a", "none", CutOptions())
    assert cut(mask="b", scene="a", size=3) == ("a", "b", CutOptions(size=3))


def test_the_signature_names_them():
    assert str(inspect.signature(cut)) == (
        "(scene: str, mask: str = 'none', *, size: int = 512, "
        "kind: str | None = None) -> tuple"
    )


def test_the_docstring_describes_them():
    assert cut.__doc__ == (
        """Cut a scene.

    Args:
        scene: what to cut.
        size: Length of a tile (pixels). Defaults to `512`.
        kind: Kind of the cut, told at some length so that it needs a line more.
            See `size`. Defaults to the usual one.

    Returns:
        All that was given.
    """
    )


@pytest.mark.parametrize(
    "arguments, options, message",
    [
        (["a"], {"sise": 1}, r"cut\(\) has no option `sise`.*mean `size`\?"),
        (["a"], {"how": 1}, "Did you mean `kind`"),
        (["a"], {"zzz": 1}, "Options: size, kind$"),
        (["a"], {"options": CutOptions()}, "no option `options`"),
        ([], {}, "missing a required argument: 'scene'"),
        (["a", "b", 512], {}, "too many positional arguments"),
        (["a", "b"], {"mask": "c"}, "multiple values for argument 'mask'"),
    ],
)
def test_wrong_calls(arguments, options, message):
    with pytest.raises(TypeError, match=message):
        cut(*arguments, **options)


def test_each_is_checked():
    with pytest.raises(ArgumentError, match="`size` must be a positive int"):
        CutOptions(size=0)
    with pytest.raises(ArgumentError, match="`size`"):
        CutOptions().changed({"size": 0})
    with pytest.raises(TypeError, match="CutOptions.*`kin`.*`kind`"):
        CutOptions().changed({"kin": 0})


def test_a_subclass_adds_and_fixes():
    assert [field.name for field in fields(LargeCutOptions)] == [
        *("size", "count")
    ]
    options = LargeCutOptions(size=9).changed({"count": 2})
    assert options.kind == "large"
    assert options.arguments(LargeCutOptions) == {"size": 9, "count": 2}
    assert options.arguments(CutOptions) == {"size": 9, "kind": "large"}
    with pytest.raises(TypeError, match="no option `kind`"):
        options.changed({"kind": "small"})


def test_text_is_read():
    size, count = fields(LargeCutOptions)
    assert (size.flag, count.flag) == ("--size", "--count")
    assert fields(CutOptions)[1].flag == "--how"
    assert count.read(" 3 ") == 3
    with pytest.raises(ArgumentError, match="`count` must be a number, not 'x"):
        count.read("x")
