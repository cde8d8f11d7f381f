"""Flags of a command, made from the fields of a dataclass of options."""

import functools
import inspect
import re
import types
import typing
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Annotated
from typing import Any

import typer

from keras_rsseg.cli.errors import plain_errors
from keras_rsseg.errors import ArgumentError
from keras_rsseg.options import Field
from keras_rsseg.options import Options
from keras_rsseg.options import fields

# Turns the words of Python into those of a command line.
Speller = Callable[[str], str]


def speller(
    options: type[Options], own_words: Mapping[str, str] | None = None
) -> Speller:
    """Return a function from the words of Python to those of a command.

    "give `overwrite=True`" becomes "give --overwrite".

    Args:
        options: the options that the command takes.
        own_words: dict of other arguments to their names in the command.

    Example:

    ```python
    from keras_rsseg.cli.option_flags import speller
    from keras_rsseg.scene_options import SceneOptions

    speller(SceneOptions)("`tile_size` is 0")  # "--tile-size is 0"
    ```
    """
    flags = {f.name: f.flag for f in fields(options) if f.flag}
    flags.update(own_words or {})
    names = "|".join(flags)
    value = r"\([^)]*\)|'[^']*'|[^\s,;`]*"
    alone = re.compile(rf"`({names})()`")
    with_value = re.compile(rf"`?\b({names})=({value})`?")

    def flag(found: re.Match[str]) -> str:
        value = (found[2] or "").strip("'()").replace(", ", ",")
        shown = flags[found[1]]
        if value == "False":
            return _negated(shown)
        return f"{shown} {value}" if value not in ("", "True") else shown

    return lambda text: with_value.sub(flag, alone.sub(flag, text))


def flag_parameters(
    options: type[Options], spell: Speller, unset: bool = False
) -> list[inspect.Parameter]:
    """Return the parameters of a command for its options.

    Args:
        options: the options; those without a flag are left out.
        spell: turns the words of Python into those of the command.
        unset: whether options not given are `None`, so that a file can give
            them; the help still shows the defaults.
    """
    return [_parameter(f, spell, unset) for f in fields(options) if f.flag]


def take_values(
    options: type[Options], given: dict[str, Any], spell: Speller
) -> dict[str, Any]:
    """Take the values of options out of a command's arguments.

    Args:
        options: the options.
        given: `{name: value}`, from which they are removed; `None` for an
            option that was not given.
        spell: turns the words of Python into those of the command.

    Returns:
        `{name: value}` of the options, checked.

    Raises:
        typer.BadParameter: a value is not accepted.
    """
    return {
        field.name: _value(field, given.pop(field.name), spell)
        for field in fields(options)
        if field.flag
    }


def takes_options(
    options: type[Options],
    groups: Sequence[str],
    own_words: Mapping[str, str] | None = None,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a command of a function whose last argument is `options`.

    It receives a dict of the options given, parsed but not yet checked
    against each other, as others may come from a file. User errors are
    printed as one line in the words of the command line.

    Args:
        options: the options that become flags.
        groups: their headings in the help, in order.
        own_words: dict of other arguments to their names in the command.
    """
    spell = speller(options, own_words)
    flagged = [field for field in fields(options) if field.flag]

    def decorate(function: Callable[..., None]) -> Callable[..., None]:
        own = dict(inspect.signature(function).parameters)
        del own["options"]

        @functools.wraps(function)
        def command(**given: Any) -> None:
            with plain_errors(spell):
                found = {
                    field.name: _value(field, value, spell)
                    for field in flagged
                    if (value := given.pop(field.name)) is not None
                }
                function(**given, options=found)

        kind = inspect.Parameter.KEYWORD_ONLY
        parameters = [each.replace(kind=kind) for each in own.values()]
        flags = flag_parameters(options, spell, unset=True)
        vars(command)["__signature__"] = inspect.Signature(
            in_groups([*parameters, *flags], groups)
        )
        return command

    return decorate


def in_groups(
    parameters: Sequence[inspect.Parameter], groups: Sequence[str]
) -> list[inspect.Parameter]:
    """Return parameters in the order of their headings in the help.

    Args:
        parameters: parameters of a command.
        groups: the headings.
    """

    def group(parameter: inspect.Parameter) -> int:
        (*_, info) = typing.get_args(parameter.annotation) or [None]
        panel = getattr(info, "rich_help_panel", None)
        return groups.index(panel) if panel in groups else -1

    return sorted(parameters, key=group)


def _negated(flag: str) -> str:
    """The flag that negates another."""
    return flag.replace("--", "--no-", 1)


def _parameter(field: Field, spell: Speller, unset: bool) -> inspect.Parameter:
    """The parameter of a command for an option."""
    option, kind = field.option, _kind(field)
    sentences = [option.sentence, option.on_command_line]
    default = _as_text(field.default) if kind is str else field.default
    otherwise = option.otherwise or (_shown(default) if unset else None)
    if otherwise is not None:
        sentences.append(f"Default: {otherwise}.")
    help = " ".join(filter(None, sentences))
    flag = field.flag or ""
    if field.default is True:
        flag = f"{flag}/{_negated(flag)}"
    info = typer.Option(
        flag,
        metavar=option.metavar,
        # Only Python puts strings in quotes.
        help=spell(help.replace('`"', "").replace('"`', "")),
        rich_help_panel=option.group,
    )
    return inspect.Parameter(
        field.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None if unset else default,
        annotation=Annotated[
            bool if kind is bool and not unset else kind | None, info
        ],
    )


def _shown(default: Any) -> str | None:
    """The default to show in the help if the command itself has none."""
    if default is None or isinstance(default, bool):
        return None
    return f"{default:g}" if isinstance(default, float) else str(default)


def _kind(field: Field) -> type:
    """The type that the command line converts a text to by itself."""
    kinds = {*(typing.get_args(field.type) or [field.type])} - {types.NoneType}
    if len(kinds) == 1:
        (kind,) = kinds
        # A switch has two flags, however a manifest writes it.
        if kind is bool or (field.option.read is None and kind in (float, int)):
            return kind
    return str


def _as_text(default: Any) -> str | None:
    if isinstance(default, tuple):
        return ",".join(f"{part:g}" for part in default)
    return default


def _value(field: Field, given: Any, spell: Speller) -> Any:
    """The value of an option, checked."""
    try:
        if given is None:
            return field.default
        if isinstance(given, str):
            return field.read(given)
        return field.option.check(field.name, given)
    except ArgumentError as error:
        raise typer.BadParameter(spell(str(error))) from None
