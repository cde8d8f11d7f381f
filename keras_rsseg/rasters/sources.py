"""Names of rasters: a file, a URL, a part of a file, or several files.

Besides paths and URLs GDAL has names for subdatasets, parts of files, such as
`NETCDF:"ocean.nc":sst` and `GTIFF_DIR:2:pages.tif`. Names of files joined by a
plus, `B04.tif+B03.tif+B02.tif`, are one raster of all their bands. Tiles of web
maps have their place in their path: `16/34591/21186.png`.
"""

import functools
import logging
import os
import re
from typing import NamedTuple

from rasterio.crs import CRS
from rasterio.io import DatasetReader
from rasterio.transform import Affine

logger = logging.getLogger(__name__)

# A driver's prefix, at least two letters (C: is a disk), and not a URL's.
_PART = re.compile(r"[A-Za-z]\w+:(?!//)")
_IN_ARCHIVE = re.compile(r"(zip|tar|gzip)://([^!]+)(?:!/*(.*))?", re.DOTALL)
_BEGINS_VIRTUAL = re.compile(r"\w+://|/vsi")
_SHORTEST_STEM = 4
# Half the length of the equator, metres: Web Mercator is a square.
_HALF_EQUATOR = 20037508.342789244
_NUMBER = "(0|[1-9][0-9]*)"
_TILE_PATH = re.compile(rf"(.*)[/\\]{_NUMBER}[/\\]{_NUMBER}[/\\]{_NUMBER}\.\w+")
# Hardly any other folders with numbers for names have so many levels ...
_ZOOMS = range(10, 31)
# ... and pictures of one of these sizes, in pixels.
_TILE_SIZES = (128, 256, 512, 1024, 2048)
# The file beside tiles whose rows are counted from the south.
_FROM_SOUTH = "tilemapresource.xml"


def is_virtual(path: str) -> bool:
    """Return whether `path` is a URL, a GDAL virtual path or a VRT's XML.

    Args:
        path: name of a raster.
    """
    return "://" in path or path.startswith(("/vsi", "<VRTDataset"))


def in_archive(path: str) -> str:
    """Return GDAL's path for a file in an archive that a URL names.

    Args:
        path: name of a raster; any other is returned as it is.

    Example:

    ```python
    from keras_rsseg.rasters.sources import in_archive

    in_archive("zip://scenes.zip!north/1.tif")
    # '/vsizip/scenes.zip/north/1.tif'
    ```
    """
    found = _IN_ARCHIVE.fullmatch(path)
    if found is None:
        return path
    kind, archive, inside = found.groups()
    return "/".join(filter(None, (f"/vsi{kind}", archive, inside)))


def is_part(path: str) -> bool:
    """Return whether `path` is GDAL's name for a part of a file.

    Args:
        path: name of a raster.
    """
    return bool(_PART.match(path)) and not os.path.exists(path)


def files_of(source: str, folder: str | os.PathLike = "") -> list[str]:
    """Return the names joined by plus signs, `[source]` for a single one.

    A name may itself contain a plus. Files after the first are also looked
    for beside the first.

    Args:
        source: name of a raster.
        folder: what paths are relative to.

    Example:

    ```python
    from keras_rsseg.rasters.sources import files_of

    files_of("s3://scenes/B04.tif+s3://scenes/B03.tif")
    # ["s3://scenes/B04.tif", "s3://scenes/B03.tif"]
    ```
    """
    alone = source.startswith("<VRTDataset") or "+" not in source
    whole = source if is_virtual(source) else os.path.join(folder, source)
    if alone or os.path.exists(whole):
        return [whole]
    pieces = source.split("+")
    found = _join(pieces, [os.fspath(folder)])
    if found is not None:
        return found
    first = os.path.join(folder, pieces[0])
    if not os.path.exists(first):
        return [whole]
    # One is missing; the caller says which.
    places = [os.fspath(folder), os.path.dirname(first)]
    return [_found(piece, places) or piece for piece in pieces]


def _join(pieces: list[str], places: list[str]) -> list[str] | None:
    """Join pieces into names that exist, as a name may contain a plus."""
    if not pieces:
        return []
    for count in range(1, len(pieces) + 1):
        name = _found("+".join(pieces[:count]), places)
        if name is not None:
            beside = [*places[:1], os.path.dirname(name)]
            others = _join(pieces[count:], places[:2] if places[1:] else beside)
            if others is not None:
                return [name, *others]
    return None


def _is_found(name: str) -> bool:
    return os.path.exists(name) or is_virtual(name) or is_part(name)


def _found(name: str, places: list[str]) -> str | None:
    """The path in the first place where a name exists, or `None`."""
    if not name:
        return None
    if _BEGINS_VIRTUAL.match(name) or is_part(name):
        return name
    paths = [os.path.join(place, name) for place in places]
    return next(filter(os.path.exists, paths), None)


def missing_file(source: str) -> str | None:
    """Return a file on disk that `source` names but that does not exist.

    Args:
        source: name of a raster. Nothing is known of URLs and parts of files
            until they are opened.
    """
    missing = (name for name in files_of(source) if not _is_found(name))
    return next(missing, None)


def located(source: str, folder: str | os.PathLike = "") -> str:
    """Return `source` with the paths in it relative to a folder.

    Args:
        source: name of a raster.
        folder: such as that of the list that names the raster. Absolute
            paths are kept.
    """
    if is_part(source):
        pieces = re.split('([:"])', source)
        places = [os.path.join(folder, piece) for piece in pieces]
        return "".join(
            place if os.path.isfile(place) else piece
            for place, piece in zip(places, pieces, strict=True)
        )
    if is_virtual(source):
        return source
    return "+".join(files_of(source, folder))


def absolute_source(source: str) -> str:
    """Return `source` with the paths of files on disk made absolute.

    Args:
        source: name of a raster.
    """
    names = files_of(source)
    if len(names) > 1:
        return "+".join(map(absolute_source, names))
    if is_part(source):
        return located(source, os.getcwd())
    return source if is_virtual(source) else os.path.abspath(source)


def short_name(source: str) -> str:
    """Return what tells a raster from others in its folder.

    Args:
        source: name of a raster.
    """
    if is_part(source):
        pieces = re.split('([:"])', source)
        return "".join(
            os.path.basename(piece) if os.path.isfile(piece) else piece
            for piece in pieces
        )
    return "+".join(map(os.path.basename, files_of(source)))


def plain_name(source: str) -> str:
    """Return a raster's name as a file name, for what is made from it.

    Args:
        source: name of a raster.

    Example:

    ```python
    from keras_rsseg.rasters.sources import plain_name

    plain_name("GTIFF_DIR:2:scans/pages.tif")  # 'pages_2'
    ```
    """
    names = files_of(source)
    if len(names) > 1:
        stems = [os.path.splitext(plain_name(name))[0] for name in names]
        # Whole words: T32UPU from T32UPU_B04 and T32UPU_B03.
        whole = re.match(r"(.*)[_\-. ]", os.path.commonprefix(stems))
        shared = whole[1].rstrip("_-. ") if whole else ""
        return shared if len(shared) >= _SHORTEST_STEM else stems[0]
    if is_part(source):
        driver, *rest = [part for part in re.split('[:"]+', source) if part]
        rest = rest or [driver]
        # The file first, whatever the driver's order.
        rest.sort(key=lambda part: (not os.path.isfile(part), "." not in part))
        stem = os.path.splitext(os.path.basename(rest[0]))[0]
        words = [re.sub(r"\W+", "_", part).strip("_") for part in rest[1:]]
        return "_".join([stem, *filter(None, words)])
    path = source.partition("?")[0] if "://" in source else source
    return os.path.basename(path.rstrip("/")) or "scene"


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
        length = 2 * _HALF_EQUATOR / 2**self.zoom
        west = self.column * length - _HALF_EQUATOR
        north = _HALF_EQUATOR - self.row * length
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
    from keras_rsseg.rasters.sources import tile_of

    tile_of("tiles/16/34591/21186.png")
    # Tile(zoom=16, column=34591, row=21186)
    ```
    """
    if "://" not in path:
        path = os.path.abspath(path)
    found = _TILE_PATH.fullmatch(path.partition("?")[0])
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
        if self.width != self.height or self.width not in _TILE_SIZES:
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
