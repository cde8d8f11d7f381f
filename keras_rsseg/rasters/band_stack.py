"""Several files opened as one raster of all their bands."""

import contextlib
import os
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

from rasterio.enums import MaskFlags
from rasterio.io import DatasetReader

from keras_rsseg.errors import RasterError
from keras_rsseg.rasters.bands import alpha_band
from keras_rsseg.rasters.opener import Raster
from keras_rsseg.rasters.opener import is_path
from keras_rsseg.rasters.opener import open_raster
from keras_rsseg.rasters.sources import files_of
from keras_rsseg.rasters.sources import short_name
from keras_rsseg.rasters.vrt import VirtualRaster
from keras_rsseg.rasters.windows import Window

# GDAL's data type names that are not rasterio's names capitalised.
_DTYPES = {"uint8": "Byte", "uint16": "UInt16", "uint32": "UInt32"}
_DTYPES |= {"complex64": "CFloat32", "complex128": "CFloat64"}
_DTYPES |= {"complex_int16": "CInt16", "uint64": "UInt64"}
# How far the corners of two files may differ, in pixels of the coarser one.
_TOLERANCE = 1.01


@contextlib.contextmanager
def open_source(
    source: str | os.PathLike, argument: str = "source"
) -> Iterator[Raster]:
    """Open a raster, or several files as one.

    `B04.tif+B03.tif+B02.tif` has the bands of the first file, then those of
    the second, and so on, without alpha. They are put on the grid of the
    finest file; coarser files are interpolated. A band keeps the name that its
    file gives it, or else takes the file's name.

    Args:
        source: path or URL of a raster, or several joined by plus signs.
        argument: its name in error messages.

    Yields:
        A `Raster`, for use in one thread, like `open_raster`.

    Raises:
        FileNotFoundError: if there is no such file.
        RasterError: if one is not a raster, or they do not cover the same area.
    """
    names = files_of(os.fspath(source)) if is_path(source) else [source]
    if len(names) == 1:
        with open_raster(source, argument) as dataset:
            yield dataset
        return
    with contextlib.ExitStack() as stack:
        files = [
            stack.enter_context(open_raster(name, argument)) for name in names
        ]
        xml = _stacked(files, argument)
    with open_raster(xml, argument) as dataset:
        dataset.source = os.fspath(source)
        yield dataset


def _stacked(files: Sequence[Raster], argument: str) -> str:
    """Describe the bands of some rasters as one raster."""
    finest = max(files, key=lambda file: file.height * file.width)
    points, crs = finest.gcps
    plain = finest.transform.is_identity
    virtual = VirtualRaster(
        finest.height,
        finest.width,
        crs if points else finest.crs,
        None if plain else finest.transform,
        points,
        rpcs=finest.rpcs,
    )
    masked = False
    for file in files:
        place = _place(file, finest, argument)
        alpha = alpha_band(file)
        for number in range(1, file.count + 1):
            if number == alpha:
                continue
            dtype = file.dtypes[number - 1]
            band = virtual.add_band(_DTYPES.get(dtype, dtype.capitalize()))
            band.describe(
                nodata=file.nodatavals[number - 1],
                description=_description(file, number),
                scale=file.scales[number - 1],
                offset=file.offsets[number - 1],
            )
            band.add_source(file.name, place, number, file.shape)
        mask = _mask(file, alpha)
        if mask is not None and not masked:
            virtual.set_mask(file.name, mask, file.shape, place)
            masked = True
    return virtual.to_xml().decode()


def _description(file: DatasetReader, number: int) -> str:
    stem = os.path.splitext(short_name(file.name))[0]
    own = file.descriptions[number - 1]
    return own or (stem if file.count == 1 else f"{stem} {number}")


def _mask(file: DatasetReader, alpha: int | None) -> str | None:
    """The band that says which pixels of a file hold data."""
    if alpha is not None:
        return str(alpha)
    flags = file.mask_flag_enums[0]
    return "mask,1" if MaskFlags.per_dataset in flags else None


def _place(file: DatasetReader, finest: DatasetReader, argument: str) -> Window:
    """Where a file lies on the finest file's grid, in pixels."""
    if file.shape == finest.shape and (
        file.transform.almost_equals(finest.transform, precision=1e-6)
    ):
        same = file.crs == finest.crs
        corners = [0.0, 0.0, float(finest.width), float(finest.height)]
    else:
        same = file.crs == finest.crs and not file.transform.is_identity
        matrix = ~finest.transform @ file.transform
        turned = max(abs(matrix.b), abs(matrix.d)) > 1e-6
        corners = [*(matrix @ (0, 0)), *(matrix @ (file.width, file.height))]
        whole = (0, 0, finest.width, finest.height)
        steps = (matrix.a, matrix.e) * 2
        same = same and not turned
        same = same and all(
            abs(found - wanted) <= _TOLERANCE * max(step, 1)
            for found, wanted, step in zip(corners, whole, steps, strict=True)
        )
    if not same:
        raise RasterError(
            f"`{argument}`: files joined into one raster must share one "
            "reference system and cover the same area. Received: "
            f"{_facts(finest)}; {_facts(file)}"
        )
    left, top, right, bottom = (round(corner, 6) for corner in corners)
    sizes: Any = top, left, bottom - top, right - left
    # Whole pixels as ints: the sizes decide whether a file is interpolated.
    whole_sizes = (int(size) if size == int(size) else size for size in sizes)
    return Window(*whole_sizes)


def _facts(file: DatasetReader) -> str:
    system = file.crs.to_string() if file.crs else "no reference system"
    left, top = file.transform @ (0, 0)
    right, bottom = file.transform @ (file.width, file.height)
    return (
        f"{file.name} ({file.width} x {file.height} pixels, {system}, from "
        f"({left:.12g}, {bottom:.12g}) to ({right:.12g}, {top:.12g}))"
    )
