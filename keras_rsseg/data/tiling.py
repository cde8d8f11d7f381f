"""Where the tiles of an image lie, and how many there are."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from keras_rsseg.checks import check_positive
from keras_rsseg.checks import is_integer
from keras_rsseg.errors import ArgumentError
from keras_rsseg.rasters.windows import Window


def as_size(value: Any, name: str = "tile_size") -> tuple[int, int]:
    """Return `value`, an int or a pair of ints, as `(height, width)`.

    Args:
        value: int or `(height, width)`, pixels, each at least 1.
        name: name of the argument, for the error message.

    Returns:
        A tuple of two ints.

    Raises:
        ArgumentError: if it is neither.
    """
    try:
        pair = tuple(value)
    except TypeError:
        pair = (value, value)
    if len(pair) != 2 or not all(
        is_integer(part) and part >= 1 for part in pair
    ):
        raise ArgumentError(
            f"`{name}` must be a positive int or a pair (height, width) of "
            f"positive ints, in pixels. Received: {value!r}"
        )
    return int(pair[0]), int(pair[1])


def tile_starts(length: int, tile: int, stride: int | None = None) -> list[int]:
    """Return where tiles start along one axis.

    Tiles start every `stride` pixels; the last one is shifted back until it
    ends flush with the border. An axis not longer than the tile has one
    tile, starting at 0. No start occurs twice.

    Args:
        length: length of the axis, pixels.
        tile: length of the tile, pixels.
        stride: distance between starts, pixels, 1 to `tile`. Defaults to
            `tile`: no overlap except for the last tile.

    Returns:
        A list of ints, ascending.

    Raises:
        ArgumentError: if an argument is not a positive int, or `stride` is
            longer than `tile`, which would leave pixels out.

    Example:

    ```python
    keras_rsseg.data.tile_starts(10, 4)  # [0, 4, 6]
    ```
    """
    stride = tile if stride is None else stride
    for name, value in (("length", length), ("tile", tile), ("stride", stride)):
        check_positive(name, value)
    if stride > tile:
        raise ArgumentError(
            "`stride` must not be longer than the tile, or pixels between "
            f"tiles are left out. Received: stride={stride}, tile={tile}"
        )
    if length <= tile:
        return [0]
    starts = list(range(0, length - tile + 1, stride))
    if starts[-1] != length - tile:
        starts.append(length - tile)
    return starts


def tile_windows(
    height: int, width: int, tile_size: Any, stride: Any = None
) -> list[Window]:
    """Return the windows that cover an image, row by row.

    Every pixel lies in at least one window. All windows have the tile's
    size: the last of a row or column is shifted to end flush with the
    border, so it overlaps its neighbour (count each pixel once when you
    score). Along an axis shorter than the tile there is one window, which
    starts at 0 and reaches beyond the image; readers fill the rest with
    void.

    Args:
        height: height of the image, pixels.
        width: width of the image, pixels.
        tile_size: int or `(height, width)`, pixels.
        stride: int or `(rows, columns)`, pixels, at most the tile's size.
            Defaults to `tile_size`.

    Returns:
        A list of `Window(row, col, height, width)`.

    Raises:
        ArgumentError: if sizes are not positive ints, or the stride is
            longer than the tile.

    Example:

    ```python
    windows = keras_rsseg.data.tile_windows(4, 7, tile_size=4)
    [tuple(window) for window in windows]  # [(0, 0, 4, 4), (0, 3, 4, 4)]
    ```
    """
    tile = as_size(tile_size)
    steps = tile if stride is None else as_size(stride, "stride")
    return [
        Window(row, col, *tile)
        for row in tile_starts(height, tile[0], steps[0])
        for col in tile_starts(width, tile[1], steps[1])
    ]


def join_tiles(
    batches: Iterable[tuple[Any, dict[str, Any]]],
) -> dict[str, np.ndarray]:
    """Put tiles back where they were cut.

    The inverse of `tile_records(places=True)` and `tile_dataset(places=
    True)`; where tiles overlap, the later one wins. Pixels beyond a scene
    are dropped. All scenes are held in memory.

    Args:
        batches: iterable of `(tiles, places)`: arrays or tensors
            `(B, h, w)` or `(B, h, w, C)`, such as images, masks or
            predictions, and the places that came with them.

    Returns:
        A dict from each scene's name to an array `(H, W)` or `(H, W, C)`,
        0 where there was no tile.

    Example:

    ```python
    image = np.random.default_rng(0).integers(256, size=(70, 90, 3))
    tiles = keras_rsseg.data.tile_dataset(
        image.astype("uint8"), tile_size=64, places=True
    )
    joined = keras_rsseg.data.join_tiles(tiles)
    (joined["images[0]"] == image).all()  # True
    ```
    """
    scenes: dict[str, np.ndarray] = {}
    for tiles, places in batches:
        tiles = np.asarray(tiles)
        places = {key: np.asarray(value) for key, value in places.items()}
        for index, tile in enumerate(tiles):
            name, row, col, height, width = (
                places[key][index]
                for key in ("name", "row", "col", "height", "width")
            )
            name = name.decode() if isinstance(name, bytes) else str(name)
            if name not in scenes:
                shape = (int(height), int(width), *tile.shape[2:])
                scenes[name] = np.zeros(shape, tile.dtype)
            _paste(scenes[name], tile, int(row), int(col))
    return scenes


def _paste(scene: np.ndarray, tile: np.ndarray, row: int, col: int) -> None:
    top, left = max(row, 0), max(col, 0)
    part = scene[top : row + tile.shape[0], left : col + tile.shape[1]]
    height, width = part.shape[:2]
    part[...] = tile[top - row :, left - col :][:height, :width]
