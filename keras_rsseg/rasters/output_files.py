"""Writing rasters: blocks in memory, pictures, finished maps."""

import contextlib
import glob
import os
import pathlib
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
from rasterio.errors import RasterioError
from rasterio.io import DatasetWriter
from rasterio.io import MemoryFile

from keras_rsseg.files import sync_file
from keras_rsseg.files import write_durably
from keras_rsseg.rasters.opener import open_raster
from keras_rsseg.rasters.opener import without_place_warnings

# First word of the tag in which GDAL records what wrote a raster.
SOFTWARE = "keras_rsseg"
# In a PNG it is a text chunk, after the first chunk.
_SOFTWARE_TEXT = b"tEXtSoftware\0" + SOFTWARE.encode()
_PNG, _PNG_HEADER = b"\x89PNG", 33
_BEGINNING = 4096

# Length of a block of a map, pixels.
BLOCK = 512
# Bytes of blocks read that GDAL may keep.
_CACHE = 64 << 20
_COG = {
    "driver": "COG",
    "compress": "deflate",
    "predictor": "yes",
    "blocksize": BLOCK,
    "bigtiff": "if_safer",
    "overviews": "ignore_existing",
    "num_threads": "all_cpus",
}


@contextlib.contextmanager
def new_raster(file: MemoryFile, **profile: Any) -> Iterator[DatasetWriter]:
    """Open a raster in memory for writing.

    Python writes the files: GDAL may not report a failure to close one.

    Args:
        file: rasterio's `MemoryFile`.
        **profile: as rasterio takes it.

    Yields:
        A rasterio dataset.
    """
    with without_place_warnings():
        dataset = file.open(**profile)
    with dataset:
        yield dataset


def write_raster(
    path: str | os.PathLike, raster: np.ndarray, **profile: Any
) -> tuple[int, int]:
    """Write a tiled GeoTIFF, atomically and durably.

    Args:
        path: path of the file; replaced if it exists.
        raster: array `(bands, h, w)`. 16-bit floats are kept in 16 bits.
        **profile: nodata value, compression and such, as rasterio takes them.

    Returns:
        Its length in bytes, and its CRC-32.
    """
    bands, height, width = raster.shape
    half = raster.dtype == np.float16
    profile = {**profile, **({"nbits": 16} if half else {})}
    with MemoryFile() as memory:
        with new_raster(
            memory,
            driver="GTiff",
            dtype="float32" if half else raster.dtype,
            count=bands,
            height=height,
            width=width,
            tiled=True,
            blockxsize=BLOCK,
            blockysize=BLOCK,
            interleave="band",
            photometric="minisblack",
            **profile,
        ) as output:
            for number, band in enumerate(raster, 1):
                output.write(band.astype("float32") if half else band, number)
        data = memory.getbuffer()
        write_durably(path, data)
        return len(data), zlib.crc32(data)


def is_own(path: str | os.PathLike) -> bool:
    """Return whether a raster was written by this package.

    Args:
        path: path of the raster. One that cannot be read was not.
    """
    try:
        with open(path, "rb") as file:
            beginning = file.read(_BEGINNING)
        if beginning.startswith(_PNG):
            return _SOFTWARE_TEXT in beginning
        with open_raster(path) as dataset:
            written_by = dataset.tags().get("TIFFTAG_SOFTWARE", "")
    except (OSError, ValueError, RasterioError):
        return False
    return written_by.split(" ")[0] == SOFTWARE


def write_png(path: str | os.PathLike, data: bytes | memoryview) -> None:
    """Write the bytes of a PNG, marked so that `is_own` knows it.

    Args:
        path: path of the file; replaced if it exists.
        data: a PNG.
    """
    text = struct.pack(">I", len(_SOFTWARE_TEXT) - 4) + _SOFTWARE_TEXT
    text += struct.pack(">I", zlib.crc32(_SOFTWARE_TEXT))
    parts = data[:_PNG_HEADER], text, data[_PNG_HEADER:]
    write_durably(path, b"".join(parts))


def write_picture(path: str | os.PathLike, picture: np.ndarray) -> None:
    """Write a PNG, atomically and durably.

    Args:
        path: path of the file; replaced if it exists.
        picture: uint8 array `(h, w, bands)`, grey, colour or with alpha.
    """
    height, width, bands = picture.shape
    with MemoryFile(ext=".png") as memory:
        with new_raster(
            memory,
            driver="PNG",
            dtype="uint8",
            count=bands,
            height=height,
            width=width,
        ) as output:
            output.write(np.moveaxis(picture, -1, 0))
        write_png(path, memory.getbuffer())


def write_cog(
    source: str | os.PathLike, path: str | os.PathLike, overviews: str
) -> None:
    """Copy a raster to a Cloud-Optimised GeoTIFF.

    Memory is bounded whatever its size. While it makes the overviews, GDAL
    needs a third of the result's size on disk beside it.

    Args:
        source: path of the raster.
        path: path of the GeoTIFF.
        overviews: how they are resampled, `"mode"` or `"average"`.
    """
    # Float16 is stored as 32-bit floats: GDAL up to 3.10 has no such type, and
    # its 16-bit floats (NBITS) leave uninitialised memory in the tiles at the
    # border, if there are several bands.
    with bounded_cache(), open_raster(source) as dataset:
        rasterio.shutil.copy(
            dataset, path, **_COG, overview_resampling=overviews
        )
    sync_file(path)


@contextlib.contextmanager
def bounded_cache() -> Iterator[None]:
    """Bound GDAL's block cache, and keep it from looking for sidecar files.

    By default the cache takes 5 % of the machine's memory.
    """
    with rasterio.Env(
        GDAL_CACHEMAX=_CACHE, GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"
    ):
        yield


def remove_raster(path: pathlib.Path) -> None:
    """Remove an unfinished raster, and what GDAL wrote beside it.

    Args:
        path: path of the raster.
    """
    for part in path.parent.glob(f"{glob.escape(path.name)}*"):
        with contextlib.suppress(OSError):
            part.unlink()
