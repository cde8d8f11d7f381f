"""Arguments in a preset's configuration: types, sizes and facts.

A network of absurd size would exhaust memory before any error could name the
preset, and a string in place of a flag would go unnoticed until the first
tile. So the values are checked before anything is built.
"""

import inspect
import math
import re
import types
import typing
from collections.abc import Collection
from collections.abc import Iterator
from collections.abc import Mapping
from typing import Any

from keras_rsseg.errors import ArgumentError
from keras_rsseg.hub.allowed_classes import registered_class
from keras_rsseg.hub.preset_files import DamagedFileError
from keras_rsseg.hub.preset_weights import WeightSizes
from keras_rsseg.model_facts import check_class_facts
from keras_rsseg.model_facts import check_tile_facts

_OWN = "keras_rsseg>"
_COUNTS = re.compile("depth|modules|blocks|bottlenecks|layers|repeats")
_WIDTHS = re.compile("width|filters|channels|dim$|units|kernel")
_SEEDS = ("seed",)
_LONGEST_TILE = 1 << 14
# For other arguments: points, sides of pooling grids, dilations, strides.
_LARGEST = 1 << 12
# Numbers of points that are not compared with one another.
_MANY = {"num_points": 1 << 14, "training_points": 1 << 14}
# If weights are not to be loaded.
_WITHOUT_WEIGHTS = WeightSizes(arrays=1 << 9, largest=1 << 12)

_CLASS_FACTS = tuple(inspect.signature(check_class_facts).parameters)
_TILE_FACTS = tuple(inspect.signature(check_tile_facts).parameters)


def check_arguments(
    name: str, configuration: Any, weights: WeightSizes | None
) -> None:
    """Refuse arguments that their classes cannot take.

    Args:
        name: name of the file that holds the configuration.
        configuration: its content; all of its classes are known.
        weights: sizes of the weights, `None` if they are not to be loaded.

    Raises:
        DamagedFileError: names file, class and argument.
    """
    for entry in _entries(configuration):
        cls = entry.get("class_name")
        config = entry.get("config")
        if not isinstance(config, dict):
            continue
        try:
            _check_facts(config)
            if str(entry.get("registered_name")).startswith(_OWN):
                _check_types(entry["registered_name"], config)
            if "image_converter" not in config and "scale" not in config:
                _check_sizes(config, weights or _WITHOUT_WEIGHTS)
        except ArgumentError as error:
            raise DamagedFileError(
                name, f"cannot hold, for {cls}: {error}"
            ) from error


def _entries(item: Any) -> Iterator[dict[str, Any]]:
    """Yield all entries that describe objects."""
    stack = [item]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            if "class_name" in item:
                yield item
            stack += item.values()
        elif isinstance(item, list):
            stack += item


def _check_facts(config: dict[str, Any]) -> None:
    if "num_classes" in config and "class_names" in config:
        check_class_facts(**{key: config.get(key) for key in _CLASS_FACTS})
    if "bands" in config and "scale" in config:
        check_tile_facts(**{key: config.get(key) for key in _TILE_FACTS})
        if config["scale"] is None and config.get("offset") is None:
            raise ArgumentError(
                "`scale` and `offset` must not both be null, as the "
                "normalisation of tiles would be unknown"
            )


def _check_types(registered: str, config: dict[str, Any]) -> None:
    cls = registered_class(registered)
    try:
        hints = typing.get_type_hints(cls.__init__)
    except NameError:  # of a name for type checkers alone
        return
    for key, value in config.items():
        if key in hints and not _fits(value, hints[key]):
            raise ArgumentError(
                f"`{key}` of the wrong type. Received: {key}={value!r:.200}"
            )


def _fits(value: Any, hint: Any) -> bool:
    """Return whether a value of JSON fits an annotation, as far as it can."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, part) for part in parts)
    if origin is typing.Literal:
        return value in parts
    if hint is type(None):
        return value is None
    if hint in (bool, str):
        return isinstance(value, hint)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if hint is float:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and math.isfinite(value)
    if inspect.isclass(origin) and issubclass(origin, Mapping):
        return isinstance(value, dict)
    if inspect.isclass(origin) and issubclass(origin, Collection):
        return _fits_all(value, origin, parts)
    return True


def _fits_all(value: Any, origin: type, parts: tuple[Any, ...]) -> bool:
    if not isinstance(value, list):
        return False
    if issubclass(origin, tuple) and Ellipsis not in parts:
        return len(value) == len(parts) and all(map(_fits, value, parts))
    return all(_fits(each, parts[0]) for each in value)


def _check_sizes(config: dict[str, Any], weights: WeightSizes) -> None:
    times = 1
    for key, value in config.items():
        numbers = [n for n in _flat(value) if not isinstance(n, bool)]
        if not numbers or key in _SEEDS:
            continue
        if key == "image_shape":
            *sides, bands = (number or 0 for number in value)
            _check_size(key, value, max(sides, default=0), _LONGEST_TILE)
            _check_size(key, value, bands, weights.largest)
        elif _COUNTS.search(key):
            times *= max(1, int(sum(map(abs, numbers))))
            # Each part of a network has weights.
            _check_size(key, value, times, weights.arrays)
        elif _WIDTHS.search(key):
            _check_size(key, value, max(map(abs, numbers)), weights.largest)
        else:
            most = _MANY.get(key, _LARGEST)
            _check_size(key, value, max(map(abs, numbers)), most)


def _check_size(key: str, value: Any, size: float, most: int) -> None:
    if size > most:
        raise ArgumentError(
            f"`{key}` out of proportion to its weights. Received: "
            f"{key}={value!r:.200}"
        )


def _flat(value: Any) -> list[Any]:
    """Return the numbers of a value, in lists at any depth."""
    stack, found = [value], []
    while stack:
        item = stack.pop()
        if isinstance(item, list):
            stack += item
        elif isinstance(item, int | float):
            found.append(item)
    return found
