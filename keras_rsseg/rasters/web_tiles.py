"""Tiles of web maps, whose path says where they lie: `16/34591/21186.png`."""

import functools
import logging
import os
import re
from typing import NamedTuple

from rasterio.crs import CRS
from rasterio.io import DatasetReader
from rasterio.transform import Affine

logger = logging.getLogger(__name__)

# Half the length of the equator, metres: Web Mercator is a square.
_HALF = 20037508.342789244
_NUMBER = "(0|[1-9][0-9]*)"
_PATH = re.compile(rf"(.*)[/\\]{_NUMBER}[/\\]{_NUMBER}[/\\]{_NUMBER}\.\w+")
# Hardly any other folders with numbers for names have so many levels ...
_ZOOMS = range(10, 31)
# ... and pictures of one of these sizes, in pixels.
_SIZES = (128, 256, 512, 1024, 2048)
# The file beside tiles whose rows are counted from the south.
_FROM_SOUTH = "tilemapresource.xml"


class Tile(NamedTuple):
    """A tile of the world in Web Mercator.

    Attributes:
        zoom: the world is `2 ** zoom` tiles wide and high.
        column: from 0 in the west.
        row: from 0 in the north.
    """

    zoom: int
    column: int
    row: int

    def transform(self, size: int) -> Affine:
        """Return where its pixels lie.

        Args:
            size: number of its rows and columns.
        """
        length = 2 * _HALF / 2**self.zoom
        west = self.column * length - _HALF
        north = _HALF - self.row * length
        pixel = length / size
        return Affine(pixel, 0, west, 0, -pixel, north)


def tile_of(path: str) -> Tile | None:
    """Return the tile that a path names, or `None` if it names none.

    Args:
        path: path or URL that ends in zoom, column and row. Rows count from
            the north, or from the south if a `tilemapresource.xml` lies
            beside the folders of zooms.

    Example:

    ```python
    from keras_rsseg.rasters.web_tiles import tile_of

    tile_of("tiles/16/34591/21186.png")
    # Tile(zoom=16, column=34591, row=21186)
    ```
    """
    if "://" not in path:
        path = os.path.abspath(path)
    found = _PATH.fullmatch(path.partition("?")[0])
    if found is None:
        return None
    zoom, column, row = map(int, found.groups()[1:])
    if zoom not in _ZOOMS or max(column, row) >= 2**zoom:
        return None
    if os.path.exists(os.path.join(found[1], _FROM_SOUTH)):
        row = 2**zoom - 1 - row
    _tell(found[1])
    return Tile(zoom, column, row)


class TileReader(DatasetReader):
    """A rasterio dataset placed by its path, if nothing else places it.

    That is in Web Mercator, for square pictures that are not georeferenced,
    in a web map's folders of levels and columns.
    """

    @property
    def crs(self) -> CRS | None:
        return super().crs if self._tile is None else CRS.from_epsg(3857)

    @property
    def transform(self) -> Affine:
        if self._tile is None:
            return super().transform
        return self._tile.transform(self.width)

    @functools.cached_property
    def _tile(self) -> Tile | None:
        if self.width != self.height or self.width not in _SIZES:
            return None
        if super().crs or super().gcps[0] or not super().transform.is_identity:
            return None
        return tile_of(super().name)


@functools.lru_cache(maxsize=1000)
def _tell(folder: str) -> None:
    """Say how the numbers are read, once for all tiles of a folder."""
    logger.warning(
        "%s holds tiles of a web map: zoom, column and row in their paths say "
        "where they lie (Web Mercator). If the numbers mean something else, "
        "rename a folder.",
        folder,
    )
