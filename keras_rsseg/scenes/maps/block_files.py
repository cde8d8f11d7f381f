"""Finished blocks of a map as files: a record, and a GeoTIFF per product."""

import dataclasses
import json
import pathlib
import zlib

import numpy as np

from keras_rsseg.files import write_durably
from keras_rsseg.rasters import output_files
from keras_rsseg.scenes.maps.map_products import Product

_CHUNK = 1 << 20


@dataclasses.dataclass(frozen=True)
class BlockRecord:
    """Facts about a finished block, written after its files.

    Attributes:
        number: the block's number.
        row: its first row in the map.
        col: its first column.
        height: number of rows.
        width: number of columns.
        num_classes: number of classes of the model; `None` if it was not
            run, as the block is void and has no files.
        counts: list of 256 ints, the number of pixels of each class id.
        files: `{product name: [bands, bytes, CRC-32, sum of values]}`.
    """

    number: int
    row: int
    col: int
    height: int
    width: int
    num_classes: int | None
    counts: list[int]
    files: dict[str, list[int]]

    def path(self, folder: pathlib.Path) -> pathlib.Path:
        """Return the path of the record itself."""
        return folder / f"{self.number:06d}.json"

    def raster_path(self, folder: pathlib.Path, product: str) -> pathlib.Path:
        """Return the path of a product's raster."""
        return folder / f"{self.number:06d}_{product}.tif"

    def write(self, folder: pathlib.Path) -> None:
        """Write the record; the block is finished when this returns."""
        data = json.dumps(dataclasses.asdict(self)).encode()
        write_durably(self.path(folder), data)

    @classmethod
    def read(cls, path: pathlib.Path) -> "BlockRecord | None":
        """Return a record, `None` if it or one of its files is damaged."""
        try:
            record = cls(**json.loads(path.read_bytes()))
            whole = path == record.path(path.parent) and all(
                _size_and_crc(record.raster_path(path.parent, product))
                == (size, crc)
                for product, (_, size, crc, _) in record.files.items()
            )
        except (OSError, ValueError, TypeError):
            return None
        return record if whole else None


def write_raster(
    path: pathlib.Path, raster: np.ndarray, product: Product
) -> list[int]:
    """Write the raster of a block, durably.

    Args:
        path: path of the GeoTIFF.
        raster: array `(bands, h, w)` of the product's dtype.
        product: its `Product`.

    Returns:
        `[bands, bytes, CRC-32, sum of values]`.
    """
    size, crc = output_files.write_raster(
        path,
        raster,
        nodata=product.nodata,
        compress="deflate",
        predictor=3 if raster.dtype == np.float16 else 2,
        zlevel=1,
    )
    return [len(raster), size, crc, sum_of_values(raster)]


def sum_of_values(raster: np.ndarray) -> int:
    """Return a sum that shows whether a raster was stored unchanged.

    It does not depend on the order of pixels. Half floats count as integers.

    Args:
        raster: uint8 or float16 array.
    """
    if raster.dtype == np.float16:
        # NaN has many bit patterns.
        raster = np.where(np.isnan(raster), np.float16(-1), raster)
        raster = raster.view("uint16")
    return int(raster.sum(dtype="uint64"))


def _size_and_crc(path: pathlib.Path) -> tuple[int, int]:
    size = crc = 0
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            size += len(chunk)
            crc = zlib.crc32(chunk, crc)
    return size, crc
