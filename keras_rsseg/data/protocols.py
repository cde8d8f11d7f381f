"""The tilings of the papers and released scripts. No tensorflow."""

import dataclasses

from keras_rsseg.data.tiling import as_size
from keras_rsseg.data.tiling import tile_windows

DEFAULT_TILE_SIZE = 512


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


_PFNET_PAPER = "PointFlow (Li et al., CVPR 2021)"

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


def as_protocol(protocol):
    """Return a protocol by its name.

    Args:
        protocol: a key of `PROTOCOLS`, or a `TilingProtocol`.

    Returns:
        A `TilingProtocol`.

    Raises:
        ValueError: if there is none of that name.

    Example:

    >>> as_protocol("isaid").stride
    512
    """
    if isinstance(protocol, TilingProtocol):
        return protocol
    if not isinstance(protocol, str) or protocol not in PROTOCOLS:
        raise ValueError(
            f"`protocol` must be one of {sorted(PROTOCOLS)} or a "
            f"`TilingProtocol`. Received: {protocol!r}"
        )
    return PROTOCOLS[protocol]


def tile_and_stride(tile_size=None, stride=None, protocol=None):
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
        ValueError: if a protocol and a tile size or stride are given, and
            for those that `tile_windows` refuses.
    """
    if protocol is not None:
        protocol = as_protocol(protocol)
        for name, value in (("tile_size", tile_size), ("stride", stride)):
            if value is not None:
                raise ValueError(
                    f"`protocol` sets `{name}`, leave one of them out. "
                    f"Received: protocol={protocol.name!r}, {name}={value!r}"
                )
        tile_size, stride = protocol.tile_size, protocol.stride
    tile = as_size(DEFAULT_TILE_SIZE if tile_size is None else tile_size)
    steps = tile if stride is None else as_size(stride, "stride")
    # Raises where the stride is longer than the tile.
    tile_windows(*tile, tile, steps)
    return tile, steps
