"""Palettes by name: of a data set, or in a file."""

import inspect
import json
import os
from collections.abc import Mapping
from typing import Any

from keras_rsseg.data.palette import Palette
from keras_rsseg.datasets.catalog import facts
from keras_rsseg.errors import ArgumentError


def as_named_palette(palette: Any) -> Any:
    """Return the `Palette` of a name.

    Args:
        palette: the name of a data set; the path of a JSON file; or what such
            a file holds, a dict of arguments of `Palette`. Anything else is
            returned as it is.

    Raises:
        ArgumentError: if there is no such data set, or the file holds no
            palette.

    Example:

    ```python
    from keras_rsseg.datasets.palettes import as_named_palette

    as_named_palette("dubai").names[0]  # "building"
    ```
    """
    if isinstance(palette, Mapping):
        return _made("`palette`", palette)
    if not isinstance(palette, str | os.PathLike):
        return palette
    if not os.path.isfile(palette):
        return facts(os.fspath(palette)).to_palette()
    try:
        with open(palette) as file:
            content = json.load(file)
    except ValueError as error:
        raise ArgumentError(f"{palette} is not JSON: {error}") from error
    return _made(str(palette), content)


def _made(source: str, content: Any) -> Palette:
    if isinstance(content, list):
        content = {"colors": content}
    # What a file of colours can hold: arguments of `Palette`.
    accepted = inspect.signature(Palette).parameters.keys()
    if not isinstance(content, Mapping) or not set(content) <= accepted:
        raise ArgumentError(
            f'{source} must hold JSON such as {{"colors": [[255, 0, 0]], '
            f'"void_colors": [[0, 0, 0]]}}, with {", ".join(accepted)}'
        )
    try:
        return Palette(**content)
    except (TypeError, ArgumentError) as error:
        raise ArgumentError(f"{source}: {error}") from error
