"""Options of a call, each stated once: as a field of a dataclass.

The fields of an `Options` subclass become keyword arguments of Python
functions (`takes`), flags of the command line and columns of a manifest. To
add an option, add a field.
"""

import dataclasses
import difflib
import functools
import inspect
import re
import textwrap
import typing
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any
from typing import NamedTuple
from typing import Self
from typing import TypeVar
from typing import cast

from keras_rsseg.errors import ArgumentError

R = TypeVar("R")

_WIDTH = 80
# Where a docstring lists the options: an argument of this name.
_PLACE = re.compile(r"^( +)options:.*\n(?:\1 +.*\n)*", re.MULTILINE)


def accept(name: str, value: Any) -> Any:
    """Return a value unchecked: the code that uses it checks it."""
    return value


@dataclasses.dataclass(frozen=True)
class Option:
    """All that describes an option besides its name, type and default.

    It annotates the field of a dataclass. Its texts put option names and
    strings in backticks; Python and the command line spell them differently.

    Attributes:
        help: what it means, in Python and on the command line, without a
            full stop.
        check: `(name, value)` to the value to keep; raises an
            `ArgumentError` that names the option.
        unit: its unit.
        otherwise: what applies when it is not given, if the default does not
            say so.
        in_python: a sentence for callers of the Python function.
        on_command_line: a sentence for users of the command.
        flag: such as `"--tta"` if the name is too long to type; `None` for no
            flag.
        metavar: placeholder for the value in the command's help.
        read: text to value; raises a `ValueError`. Without it, the text is
            taken as text or a number.
        accepted: what `read` accepts.
        group: heading in the command's help.
        per_scene: whether each scene of a manifest can have its own value.
        beside_map: whether it is the path of a raster beside the map.

    Example:

    ```python
    import dataclasses
    from typing import Annotated
    from keras_rsseg.options import Option, Options

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class CutOptions(Options):
        size: Annotated[int, Option("Length of a tile", unit="pixels")] = 512

    CutOptions(size=64).size  # 64
    ```
    """

    help: str
    check: Callable[[str, Any], Any] = accept
    unit: str | None = None
    otherwise: str | None = None
    in_python: str | None = None
    on_command_line: str | None = None
    flag: str | None = ""
    metavar: str | None = None
    read: Callable[[str], Any] | None = None
    accepted: str | None = None
    group: str | None = None
    per_scene: bool = False
    beside_map: bool = False

    @property
    def sentence(self) -> str:
        """The help with its unit."""
        return f"{self.help} ({self.unit})." if self.unit else f"{self.help}."


class Field(NamedTuple):
    """An option with its name.

    Attributes:
        name: its name in Python.
        type: its type.
        default: its default value.
        option: its `Option`.
    """

    name: str
    type: Any
    default: Any
    option: Option

    @property
    def flag(self) -> str | None:
        """Its flag on the command line, `None` if it has none."""
        if self.option.flag == "":
            return "--" + self.name.replace("_", "-")
        return self.option.flag

    def read(self, text: str) -> Any:
        """Parse and check a value.

        Args:
            text: the value as a command line or a manifest gives it.

        Raises:
            ArgumentError: if it cannot be read, or is not accepted.
        """
        value: Any = text
        if self.option.read is not None:
            try:
                value = self.option.read(text.strip())
            except ValueError:
                raise ArgumentError(
                    f"`{self.name}` must be {self.option.accepted}, not "
                    f"{text!r}"
                ) from None
        return self.option.check(self.name, value)


class Options:
    """Base class of option dataclasses: it checks every option."""

    def __post_init__(self) -> None:
        for field in fields(type(self)):
            value = getattr(self, field.name)
            checked = field.option.check(field.name, value)
            object.__setattr__(self, field.name, checked)

    @classmethod
    def of(cls, given: Mapping[str, Any], caller: str | None = None) -> Self:
        """Make the options from keyword arguments.

        Args:
            given: `{name: value}`.
            caller: name of the function that takes them, for errors.

        Raises:
            TypeError: for a name that is not an option.
        """
        _check_names(cls, given, caller or cls.__name__)
        return cls(**given)

    def changed(self, given: Mapping[str, Any]) -> Self:
        """Return a copy with some options replaced.

        Args:
            given: `{name: value}`.

        Raises:
            TypeError: for a name that is not an option.
        """
        _check_names(type(self), given, type(self).__name__)
        return dataclasses.replace(cast(Any, self), **given)

    def arguments(self, options: type["Options"]) -> dict[str, Any]:
        """Return `{name: value}` of the options that a class has.

        Args:
            options: the class.
        """
        return {
            field.name: getattr(self, field.name) for field in fields(options)
        }


def fields(options: type[Options]) -> tuple[Field, ...]:
    """Return the options that can be given, in order.

    Args:
        options: a dataclass of options.
    """
    hints = typing.get_type_hints(options, include_extras=True)
    found = []
    for field in dataclasses.fields(cast(Any, options)):
        if field.init:
            kind, option = typing.get_args(hints[field.name])
            found.append(Field(field.name, kind, field.default, option))
    return tuple(found)


# === Functions that take options ===


def takes(
    options: Callable[..., "Options"],
) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Make a function take the fields of a dataclass as keyword arguments.

    Its last parameter must be `options`, which receives the dataclass. The
    fields replace it in the signature and in the docstring.

    Args:
        options: a dataclass of options.

    Example:

    ```python
    from keras_rsseg.options import takes
    from keras_rsseg.scene_options import SceneOptions

    @takes(SceneOptions)
    def stride(model, options):
        return options.stride

    stride(None, tile_size=64)  # 48
    ```
    """
    listed = cast(type[Options], options)

    def decorate(function: Callable[..., R]) -> Callable[..., R]:
        whole = inspect.signature(function)
        own = [*whole.parameters.values()][:-1]
        bare = inspect.Signature(own)

        @functools.wraps(function)
        def call(*args: Any, **given: Any) -> R:
            names = bare.parameters.keys() & given.keys()
            named = {name: given.pop(name) for name in names}
            bound = bare.bind(*args, **named)
            values = listed.of(given, function.__name__)
            return function(*bound.args, **bound.kwargs, options=values)

        parameters = own + list(map(_parameter, fields(listed)))
        vars(call)["__signature__"] = whole.replace(parameters=parameters)
        call.__annotations__ = {
            **{each.name: each.annotation for each in parameters},
            "return": whole.return_annotation,
        }
        call.__doc__ = _documented(function.__doc__, listed)
        return call

    return decorate


def _parameter(field: Field) -> inspect.Parameter:
    return inspect.Parameter(
        field.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=field.default,
        annotation=field.type,
    )


def _documented(docstring: str | None, options: type[Options]) -> str | None:
    """The docstring with the options in place of the argument `options`."""
    if docstring is None:
        return None

    def describe(place: re.Match[str]) -> str:
        return "".join(
            textwrap.fill(
                f"{field.name}: {_in_python(field)}",
                _WIDTH,
                initial_indent=place[1],
                subsequent_indent=place[1] + "    ",
                break_long_words=False,
                break_on_hyphens=False,
            )
            + "\n"
            for field in fields(options)
        )

    return _PLACE.sub(describe, docstring, count=1)


def _in_python(field: Field) -> str:
    option, default = field.option, field.default
    parts = [option.sentence]
    if option.in_python is not None:
        parts.append(option.in_python)
    if option.otherwise is not None:
        parts.append(f"Defaults to {option.otherwise}.")
    else:
        shown = f'"{default}"' if isinstance(default, str) else default
        parts.append(f"Defaults to `{shown}`.")
    return " ".join(parts)


def _check_names(
    options: type[Options], given: Iterable[str], caller: str
) -> None:
    known = {field.name: field for field in fields(options)}
    for name in given:
        if name not in known:
            raise TypeError(
                f"{caller}() has no option `{name}`. {_near(name, known)}"
            )


def _near(name: str, known: Mapping[str, Field]) -> str:
    """Options with a similar name or flag."""
    spelt = {each: each for each in known}
    for field in known.values():
        spelt[(field.flag or field.name).removeprefix("--")] = field.name
    found = difflib.get_close_matches(name, spelt)
    found += [each for each in known if name in each.split("_")]
    near = dict.fromkeys(f"`{spelt[each]}`" for each in found)
    if near:
        return f"Did you mean {' or '.join(near)}?"
    return f"Options: {', '.join(known)}"
