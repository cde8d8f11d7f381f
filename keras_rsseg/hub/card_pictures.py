"""Pictures of a preset's card: a map, and the colours of its classes."""

import os
import pathlib
import struct
import zlib
from typing import Any

from keras_rsseg.checks import Color
from keras_rsseg.class_legends import colors_of

# In the preset's folder; shown and uploaded if it exists.
MAP = "map.png"
# Side of a swatch, pixels.
_SIDE = 16


def map_picture(folder: str | os.PathLike) -> pathlib.Path | None:
    """Return the picture of a map in a preset's folder, or `None`.

    Args:
        folder: path of the preset.
    """
    path = pathlib.Path(folder) / MAP
    return path if path.is_file() else None


def swatch_name(color: Color) -> str:
    """Return the path of a colour's swatch beside the card.

    Args:
        color: red, green and blue from 0 to 255.

    Example:

    ```python
    from keras_rsseg.hub.card_pictures import swatch_name

    swatch_name((0, 0, 255))  # "swatches/0000ff.png"
    ```
    """
    return "swatches/{:02x}{:02x}{:02x}.png".format(*color)


def swatches(task: Any) -> dict[str, bytes]:
    """Return the files of the swatches of a task's classes.

    Args:
        task: the task; it need not have a `palette`.

    Returns:
        `{path: content}`, PNGs; empty if the classes have no colours.
    """
    return {
        swatch_name(color): _png(color) for color in (colors_of(task) or ())
    }


def _png(color: Color) -> bytes:
    """Return a square of one colour."""
    header = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 2, 0, 0, 0)
    row = b"\0" + bytes(color) * _SIDE
    parts = (
        (b"IHDR", header),
        (b"IDAT", zlib.compress(row * _SIDE)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content))
        + kind
        + content
        + struct.pack(">I", zlib.crc32(kind + content))
        for kind, content in parts
    )
