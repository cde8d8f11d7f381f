"""What a model states about itself, checked before it runs."""

import dataclasses
from collections.abc import Callable
from typing import Any
from typing import Self

from keras_rsseg.checks import check_range
from keras_rsseg.checks import is_integer
from keras_rsseg.checks import unless_none
from keras_rsseg.errors import ArgumentError
from keras_rsseg.option_values import check_class_names
from keras_rsseg.option_values import check_distance
from keras_rsseg.option_values import check_palette
from keras_rsseg.rasters.bands import ModelBands

# Ids are bytes, and the highest is void.
_LEAST_CLASSES, _MOST_CLASSES = 2, 255


@dataclasses.dataclass(frozen=True)
class ModelFacts:
    """The attributes of a model that a map depends on; `None` for unknown.

    Attributes:
        bands: number of bands that it takes, or a list of their names.
        class_names: list of the names of its classes.
        palette: list of their colours.
        display_palette: list of their colours in maps.
        num_classes: number of classes.
        value_range: `(low, high)` of the values that it takes.
        ground_sample_distance: pixel size, in metres.
    """

    bands: ModelBands = None
    class_names: list[str] | None = None
    palette: list[Any] | None = None
    display_palette: list[Any] | None = None
    num_classes: int | None = None
    value_range: tuple[float, float] | None = None
    ground_sample_distance: float | None = None

    @classmethod
    def of(cls, model: Any) -> Self:
        """Return what a model states about itself.

        Args:
            model: any object; the attributes that it has are used.

        Raises:
            ArgumentError: if one has an impossible value.
        """
        found = {}
        for name, (check, accepted) in _CHECKS.items():
            value = getattr(model, name, None)
            try:
                found[name] = unless_none(check)(name, value)
            except (ArgumentError, TypeError, ValueError) as error:
                shown = repr(value)
                raise ArgumentError(
                    f"The model's `{name}` must be {accepted}. Received: "
                    f"{shown if len(shown) < 200 else shown[:200] + '...'}"
                ) from error
        return cls(**found)


def check_number_of_classes(count: int | None) -> None:
    """Refuse a number of classes that no map can hold.

    Args:
        count: number of names or colours, or the model's; `None` for unknown.

    Raises:
        ArgumentError: if it is not from 2 to 255.
    """
    if count is not None and not _LEAST_CLASSES <= count <= _MOST_CLASSES:
        raise ArgumentError(
            f"A map has {_LEAST_CLASSES} to {_MOST_CLASSES} classes. "
            f"`class_names`, `palette` or the model state {count}"
        )


def _check_bands(name: str, value: Any) -> ModelBands:
    if is_integer(value) and value >= 1:
        return int(value)
    if isinstance(value, str | dict) or is_integer(value):
        raise ArgumentError(name)
    names = list(value)
    if not names or not all(each and isinstance(each, str) for each in names):
        raise ArgumentError(name)
    return names


def _check_number(name: str, value: Any) -> int:
    if not is_integer(value):
        raise ArgumentError(name)
    check_number_of_classes(int(value))
    return int(value)


def _check_metres(name: str, value: Any) -> float:
    if isinstance(value, str | bool):
        raise ArgumentError(name)
    metres = check_distance(name, value)
    assert isinstance(metres, float)
    return metres


_COLORS = "a list of colours (red, green, blue), integers from 0 to 255"
_CHECKS: dict[str, tuple[Callable[[str, Any], Any], str]] = {
    "bands": (_check_bands, "a number of bands, or a list of their names"),
    "class_names": (check_class_names, "a list of different names"),
    "palette": (check_palette, _COLORS),
    "display_palette": (check_palette, _COLORS),
    "num_classes": (_check_number, "an integer from 2 to 255"),
    "value_range": (check_range, "two numbers, the lower first"),
    "ground_sample_distance": (_check_metres, "a positive number of metres"),
}
