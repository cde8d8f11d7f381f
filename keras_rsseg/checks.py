"""Checks of arguments, for the whole package."""

import math
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Sequence
from typing import Any

from keras_rsseg.errors import ArgumentError
from keras_rsseg.typing import Color


def is_integer(value: Any) -> bool:
    """Return whether a value is a whole number, NumPy's included.

    Args:
        value: anything. A bool is not a number.
    """
    return hasattr(value, "__index__") and not isinstance(value, bool)


def check_positive(name: str, value: Any) -> int:
    """Return a positive integer, or raise.

    Args:
        name: what the error calls the argument.
        value: what was given.

    Returns:
        `value` as an int.

    Raises:
        ArgumentError: if it is not an integer, or is below 1.
    """
    if not is_integer(value) or value < 1:
        raise ArgumentError(
            f"`{name}` must be a positive integer. Received: {name}={value!r}"
        )
    return int(value)


def check_not_negative(name: str, value: Any) -> float:
    """Return a finite number of at least 0, or raise.

    Args:
        name: what the error calls the argument.
        value: what was given.

    Returns:
        `value` as a float.

    Raises:
        ArgumentError: if it is negative, infinite or NaN.
    """
    number = as_number(value)
    if not 0 <= number < math.inf:
        raise ArgumentError(
            f"`{name}` must be a number, 0 or more. Received: {name}={value!r}"
        )
    return number


def check_different_positives(
    name: str, values: Iterable[Any]
) -> tuple[int, ...]:
    """Return one or more different positive integers.

    Args:
        name: what the error calls the argument.
        values: what was given.

    Raises:
        ArgumentError: if there is none, or one is repeated or is not a
            positive integer.
    """
    given = tuple(values)
    if (
        not given
        or not all(is_integer(value) and value >= 1 for value in given)
        or len(set(given)) != len(given)
    ):
        raise ArgumentError(
            f"`{name}` must hold one or more different positive integers. "
            f"Received: {name}={given}"
        )
    return tuple(int(value) for value in given)


def check_choice(name: str, value: Any, accepted: Collection[Any]) -> None:
    """Raise if a value is not one of those accepted.

    Args:
        name: what the error calls the argument.
        value: what was given.
        accepted: the values to choose from, in the order to list them.

    Raises:
        ArgumentError: if `value` is none of them.
    """
    if value not in accepted:
        listed = ", ".join(map(repr, accepted))
        raise ArgumentError(
            f"`{name}` must be one of {listed}. Received: {name}={value!r}"
        )


def as_color(name: str, color: Sequence[int]) -> Color:
    """Return a colour as three ints.

    Args:
        name: what the error calls the argument.
        color: `(red, green, blue)`, whole numbers from 0 to 255.

    Raises:
        ArgumentError: if it is not such a triple.
    """
    try:
        parts = tuple(color)
    except TypeError:
        parts = ()
    if len(parts) != 3 or not all(
        is_integer(part) and 0 <= part <= 255 for part in parts
    ):
        raise ArgumentError(
            f"`{name}` must hold colours (red, green, blue) of whole numbers "
            f"from 0 to 255. Received: {color!r}"
        )
    return int(parts[0]), int(parts[1]), int(parts[2])


def as_number(value: Any) -> float:
    """Return a value as a float, NaN if it is not a number.

    Args:
        value: anything.
    """
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def check_range(name: str, value: Any) -> tuple[float, float]:
    """Return `(low, high)` as floats, or raise.

    Args:
        name: what the error calls the argument.
        value: what was given.

    Raises:
        ArgumentError: if these are not two finite numbers, the lower first.
    """
    try:
        low, high = map(float, value)
    except (TypeError, ValueError):
        low, high = math.nan, math.nan
    if not -math.inf < low < high < math.inf:
        raise ArgumentError(
            f"`{name}` must be two numbers, the lower first. Received: "
            f"{value!r}"
        )
    return low, high


def check_share(name: str, value: Any) -> float:
    """Return a share as a float.

    Args:
        name: what the error calls the argument.
        value: what was given.

    Raises:
        ArgumentError: if it does not lie between 0 and 1.
    """
    share = as_number(value)
    if not 0 < share < 1:
        raise ArgumentError(
            f"`{name}` must be a share, between 0 and 1. Received: "
            f"{name}={value!r}"
        )
    return share


def unless_none(check: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    """Return a check that lets `None` pass.

    Args:
        check: `(name, value)` to the value; may raise.
    """

    def check_unless_none(name: str, value: Any) -> Any:
        return None if value is None else check(name, value)

    return check_unless_none
