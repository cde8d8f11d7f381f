"""The tilings of the papers and released scripts. No tensorflow."""

import dataclasses
from typing import Any

from keras_rsseg.checks import check_choice
from keras_rsseg.data.augmentation import Augmentation
from keras_rsseg.data.tiling import as_size
from keras_rsseg.data.tiling import tile_windows
from keras_rsseg.errors import ArgumentError

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
        source: who cuts tiles this way.

    Example:

    ```python
    protocol = keras_rsseg.data.TilingProtocol("mine", 512, 400)
    tiles = keras_rsseg.data.tile_windows(900, 600, 512, protocol.stride)
    len(tiles)  # 4
    ```
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
        ArgumentError: if no protocol has that name.

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
    """Return the tiling that the arguments of a pipeline ask for.

    Args:
        tile_size: int or `(height, width)`, pixels; `None` for the
            protocol's, or 512.
        stride: int or `(rows, columns)`, pixels; `None` for the protocol's,
            or `tile_size`.
        protocol: see `as_protocol`, or `None`.

    Returns:
        `(height, width)` of the tile, and the stride as `(rows, columns)`.

    Raises:
        ArgumentError: if a tile size or stride is given with a protocol, or
            `tile_windows` rejects them.
    """
    if protocol is not None:
        protocol = as_protocol(protocol)
        for name, value in (("tile_size", tile_size), ("stride", stride)):
            if value is not None:
                raise ArgumentError(
                    f"`protocol` sets `{name}`; leave one of them out. "
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
    - `"isprs"`, PFNet's for Vaihingen and Potsdam: left-right flips only,
      multiples of 90 degrees, magnified by 0.5 to 2 (uniform) with a crop,
      and the same blur.
    - `"ifwm"`: a random rotation by any angle, as its range is not stated.

    PFNet's paper names only flips and rotations. The released scripts scale
    a tile by itself; `tile_dataset` and `tile_records` take its surroundings
    from its scene, and leave void only beyond that. The scripts resize
    bicubically, and truncate the blurred values that are rounded here.

    Args:
        name: one of the above.
        **changes: arguments of `Augmentation` that differ from the recipe,
            such as `blur=0`, `brightness=0.2` or `seed=1`.

    Returns:
        An `Augmentation`.

    Raises:
        ArgumentError: if no recipe has that name.

    Example:

    ```python
    augmentation = keras_rsseg.data.paper_augmentation("isprs", seed=1)
    augmentation.scale  # (0.5, 2.0)
    ```
    """
    check_choice("name", name, sorted(_RECIPES))
    return Augmentation(**{**_RECIPES[name], **changes})
