"""Where the tiles of an image lie: any, and those of the papers' protocols."""

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np

from keras_rsseg.checks import check_choice
from keras_rsseg.checks import check_positive
from keras_rsseg.checks import is_integer
from keras_rsseg.data.augmentation import Augmentation
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
            `tile`: no overlap but for the last tile.

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
        ArgumentError: for sizes that are not positive ints or a stride
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
    True)`; where tiles overlap, the later one stays. What lies beyond a
    scene is dropped. All scenes are held in memory.

    Args:
        batches: iterable of `(tiles, places)`: arrays or tensors
            `(B, h, w)` or `(B, h, w, C)`, such as images, masks or
            predictions, and the places that came with them.

    Returns:
        A dict from each scene's name to an array `(H, W)` or `(H, W, C)`,
        0 where no tile was.

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


DEFAULT_TILE_SIZE = 512

_PFNET_PAPER = "PointFlow (Li et al., CVPR 2021)"
# The released scripts' blur, on every training image.
_BLUR = (0.15, 1.30)


@dataclasses.dataclass(frozen=True)
class TilingProtocol:
    """How a publication cuts scenes into tiles.

    Args:
        name: key in `PROTOCOLS`.
        tile_size: pixels, tiles are square.
        stride: distance between neighbouring tiles, pixels.
        rotation: largest angle of the random rotation in training, degrees;
            0 for none. `paper_augmentation` applies it, tiling does not.
        source: who cuts so.
    """

    name: str
    tile_size: int
    stride: int
    rotation: float = 0.0
    source: str = ""


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        TilingProtocol("isaid", 896, 512, source=f"{_PFNET_PAPER}, iSAID"),
        TilingProtocol(
            "isprs_768",
            768,
            512,
            source=f"{_PFNET_PAPER}, Vaihingen; its stride is not stated",
        ),
        TilingProtocol(
            "isprs_896",
            896,
            512,
            source=f"{_PFNET_PAPER}, Potsdam; its stride is not stated",
        ),
        TilingProtocol(
            "ifwm",
            512,
            400,
            rotation=180.0,
            source="Improved-Flow Warp Module (Zhang et al., 2022); its "
            "rotation is taken as any angle",
        ),
        TilingProtocol(
            "released",
            800,
            600,
            source="defaults of the released PFNet scripts, overlap 200",
        ),
    )
}


def as_protocol(protocol: TilingProtocol | str) -> TilingProtocol:
    """Return a protocol by its name.

    Args:
        protocol: a key of `PROTOCOLS`, or a `TilingProtocol`.

    Returns:
        A `TilingProtocol`.

    Raises:
        ArgumentError: if there is none of that name.

    Example:

    ```python
    keras_rsseg.data.as_protocol("isaid").stride  # 512
    ```
    """
    if isinstance(protocol, TilingProtocol):
        return protocol
    check_choice("protocol", protocol, sorted(PROTOCOLS))
    return PROTOCOLS[protocol]


def tile_and_stride(
    tile_size: Any = None,
    stride: Any = None,
    protocol: TilingProtocol | str | None = None,
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the tiling that these arguments of a pipeline ask for.

    Args:
        tile_size: int or `(height, width)`, pixels; `None` for the
            protocol's, or 512.
        stride: int or `(rows, columns)`, pixels; `None` for the protocol's,
            or `tile_size`.
        protocol: see `as_protocol`, or `None`.

    Returns:
        `(height, width)` of the tile, and the stride as `(rows, columns)`.

    Raises:
        ArgumentError: if a protocol and a tile size or stride are given, and
            for those that `tile_windows` refuses.
    """
    if protocol is not None:
        protocol = as_protocol(protocol)
        for name, value in (("tile_size", tile_size), ("stride", stride)):
            if value is not None:
                raise ArgumentError(
                    f"`protocol` sets `{name}`, leave one of them out. "
                    f"Received: protocol={protocol.name!r}, {name}={value!r}"
                )
        tile_size, stride = protocol.tile_size, protocol.stride
    tile = as_size(DEFAULT_TILE_SIZE if tile_size is None else tile_size)
    steps = tile if stride is None else as_size(stride, "stride")
    # Raises where the stride is longer than the tile.
    tile_windows(*tile, tile, steps)
    return tile, steps


_RECIPES: dict[str, dict[str, Any]] = {
    "isaid": dict(flip=True, rotate90=True, blur=_BLUR),
    "isprs": dict(
        flip="horizontal",
        rotate90=True,
        scale=(0.5, 2.0),
        scale_distribution="uniform",
        blur=_BLUR,
    ),
    "ifwm": dict(flip=False, rotate90=False, rotate=PROTOCOLS["ifwm"].rotation),
}


def paper_augmentation(name: str, **changes: Any) -> Augmentation:
    """Return the `Augmentation` that a paper trained with.

    - `"isaid"`, PFNet's released script: flips both ways, multiples of 90
      degrees, and a Gaussian blur of standard deviation 0.15 to 1.30 on
      every tile.
    - `"isprs"`, PFNet's for Vaihingen and Potsdam: mirrored left-right
      alone, multiples of 90 degrees, magnified by 0.5 to 2 (uniform) with a
      crop, and the same blur.
    - `"ifwm"`: a random rotation, of any angle, as its range is not stated.

    PFNet's paper names flips and rotations only. The released scripts scale
    a tile by itself; `tile_dataset` and `tile_records` take what lies
    around it from its scene, and leave void only beyond that. They resize
    bicubically, and cut the blurred values off where these are rounded.

    Args:
        name: one of the above.
        **changes: arguments of `Augmentation` that differ from the recipe,
            such as `blur=0`, `brightness=0.2` or `seed=1`.

    Returns:
        An `Augmentation`.

    Raises:
        ArgumentError: if there is no recipe of that name.

    Example:

    ```python
    augmentation = keras_rsseg.data.paper_augmentation("isprs", seed=1)
    augmentation.scale  # (0.5, 2.0)
    ```
    """
    check_choice("name", name, sorted(_RECIPES))
    return Augmentation(**{**_RECIPES[name], **changes})
