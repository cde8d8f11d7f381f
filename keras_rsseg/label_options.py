"""What masks and bands mean: options for evaluation, checks and training."""

import dataclasses
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Annotated
from typing import Any

from keras_rsseg import option_values as values
from keras_rsseg.checks import is_integer
from keras_rsseg.checks import unless_none
from keras_rsseg.errors import ArgumentError
from keras_rsseg.options import Option
from keras_rsseg.options import Options

# Headings in a command's help.
LABELS = "Labels: what the masks hold"
READING = "Tiles: how images are read"


def _mapping(name: str, value: Any) -> dict[Any, int]:
    if not isinstance(value, Mapping):
        raise ArgumentError(
            f"`{name}` must be a dict such as {{255: 1}}. Received: "
            f"{name}={value!r}"
        )
    return dict(value)


def _classes(name: str, value: Any) -> Any:
    """Refuse a single class: there would be nothing to distinguish."""
    number = getattr(value, "num_classes", None)
    if number is None and hasattr(value, "__len__"):
        if isinstance(value, str):
            value = [value]
        number = len(value)
    if number is not None and number < 2:
        raise ArgumentError(
            f"`{name}` must name two classes or more, in the order of their "
            f"ids; background counts as a class. Received: {value!r}"
        )
    return value


def _num_classes(name: str, value: Any) -> int:
    if not is_integer(value) or not 2 <= value <= 255:
        raise ArgumentError(
            f"`{name}` must be an integer from 2 to 255. Received: "
            f"{name}={value!r}"
        )
    return int(value)


@dataclasses.dataclass(frozen=True, kw_only=True)
class MaskOptions(Options):
    """What the masks and bands of files mean; also options of `evaluate`.

    Raises:
        ArgumentError: if an option is out of range.

    Example:

    ```python
    from keras_rsseg.label_options import MaskOptions

    MaskOptions(bands=[3, 2, 1]).bands  # [3, 2, 1]
    ```
    """

    palette: Annotated[
        Any,
        Option(
            "What the colours of masks mean",
            in_python="A `keras_rsseg.data.Palette`, or what the command "
            "line accepts.",
            on_command_line="A data set's name, or a JSON file such as "
            '{"colors": [[255, 0, 0], ...], "names": [...], "tolerance": 20}.',
            otherwise="masks hold ids",
            metavar="NAME|FILE",
            read=str,
            group=LABELS,
        ),
    ] = None
    ids: Annotated[
        Mapping[Any, int] | None,
        Option(
            "Map the values in masks to class ids (255 is void)",
            in_python="A dict such as `{255: 1}`; for polygons, from the "
            "values of `class_attribute`.",
            on_command_line="Such as 255=1 or roof=1,road=2.",
            otherwise="masks hold class ids",
            check=unless_none(_mapping),
            flag="--map",
            metavar="VALUE=ID,...",
            read=values.read_ids,
            accepted="pairs such as 255=1 or roof=2, separated by commas",
            group=LABELS,
        ),
    ] = None
    class_attribute: Annotated[
        str | None,
        Option(
            "Attribute that holds a polygon's class: its name, its id, or a "
            "key of `ids`",
            otherwise="all polygons are class 1",
            check=unless_none(values.check_text),
            metavar="NAME",
            read=str,
            group=LABELS,
        ),
    ] = None
    bands: Annotated[
        Sequence[int | str] | None,
        Option(
            "Bands to read, by number (from 1) or name, in the model's order",
            otherwise="all",
            check=unless_none(values.check_bands),
            metavar="N,N...",
            read=values.read_band_numbers,
            accepted="band numbers (from 1) or names, separated by commas",
            group=READING,
        ),
    ] = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class LabelOptions(MaskOptions):
    """What masks and bands mean: the options of `check` and of `train`.

    Raises:
        ArgumentError: an option is out of range, or two contradict each other.

    Example:

    ```python
    from keras_rsseg.label_options import LabelOptions

    LabelOptions(ids={255: 1}).ids  # {255: 1}
    ```
    """

    classes: Annotated[
        Any,
        Option(
            "Names of the classes, in the order of their ids",
            in_python="A list, or a dict of names to colours.",
            on_command_line="Separated by commas.",
            otherwise="the preset's, or the palette's",
            check=unless_none(_classes),
            metavar="NAME,NAME...",
            read=values.read_names,
            accepted="names, separated by commas",
            group=LABELS,
        ),
    ] = None
    num_classes: Annotated[
        int | None,
        Option(
            "Number of classes, if they have no names",
            otherwise="the preset's",
            check=unless_none(_num_classes),
            group=LABELS,
        ),
    ] = None
