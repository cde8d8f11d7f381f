"""Rasters of all kinds, written for the tests, whole and truncated."""

import warnings

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from rasterio.errors import NotGeoreferencedWarning
from rasterio.errors import RasterioError
from rasterio.io import MemoryFile

GRID = {
    "crs": "EPSG:32632",
    "transform": rasterio.Affine(1, 0, 5e5, 0, -1, 5e6),
}
# Kind: driver, suffix, number of bands, options.
KINDS = {
    "PNG": ("PNG", ".png", 3, {}),
    "PNG with alpha": ("PNG", ".png", 4, {}),
    "grey PNG": ("PNG", ".png", 1, {}),
    "JPEG": ("JPEG", ".jpg", 3, {}),
    "progressive JPEG": ("JPEG", ".jpg", 3, {"progressive": True}),
    "JPEG 2000": ("JP2OpenJPEG", ".jp2", 3, {}),
    "WebP": ("WEBP", ".webp", 3, {"lossless": True}),
    "TIFF": ("GTiff", ".tif", 3, {}),
    "deflated TIFF": ("GTiff", ".tif", 3, {"compress": "deflate"}),
    "LZW TIFF": ("GTiff", ".tif", 3, {"compress": "lzw", "tiled": True}),
    "JPEG in TIFF": ("GTiff", ".tif", 3, {"compress": "jpeg"}),
    "WebP in TIFF": ("GTiff", ".tif", 3, {"compress": "webp"}),
    "COG": ("COG", ".tif", 3, {}),
    "GIF": ("GIF", ".gif", 1, {}),
    "BMP": ("BMP", ".bmp", 3, {}),
    "Erdas": ("HFA", ".img", 3, {}),
    "ENVI": ("ENVI", ".bin", 3, {}),
    "ENVI by pixels": ("ENVI", ".bin", 3, {"interleave": "bip"}),
    "EHdr": ("EHdr", ".bil", 3, {}),
    "ERS": ("ERS", ".ers", 3, {}),
    "ISCE": ("ISCE", ".slc", 3, {}),
    "PDS 4": ("PDS4", ".xml", 3, {}),
    "VICAR": ("VICAR", ".vic", 1, {}),
    "NITF": ("NITF", ".ntf", 3, {}),
    "JPEG in NITF": ("NITF", ".ntf", 3, {"ic": "C3"}),
    "PCIDSK": ("PCIDSK", ".pix", 3, {}),
    "PCRaster": ("PCRaster", ".map", 1, {}),
    "GeoPackage": ("GPKG", ".gpkg", 3, {}),
    "MBTiles": ("MBTiles", ".mbtiles", 3, {}),
    "netCDF": ("netCDF", ".nc", 1, {"format": "NC"}),
    "netCDF of 64 bits": ("netCDF", ".nc", 1, {"format": "NC2"}),
    "netCDF 4": ("netCDF", ".nc", 1, {"format": "NC4"}),
}


def noise(bands, height, width, seed=0):
    """Return uint8 `(bands, height, width)` without 0."""
    rng = np.random.default_rng(seed)
    return rng.integers(1, 255, (bands, height, width), "uint8")


def write_kind(kind, folder, height=90, width=110):
    """Write noise as a file of a kind; skips if GDAL here cannot."""
    driver, suffix, bands, options = KINDS[kind]
    path = folder / f"raster{suffix}"
    shape = {"count": bands, "height": height, "width": width}
    with MemoryFile() as memory, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with memory.open(
            driver="GTiff", dtype="uint8", **shape, **GRID
        ) as file:
            file.write(noise(bands, height, width))
        try:
            with memory.open() as source:
                rasterio.shutil.copy(source, path, driver=driver, **options)
        except RasterioError as error:
            pytest.skip(f"GDAL here writes no {kind}: {error}")
    return path


def data_file(path):
    """The largest file of a raster, which has its pixels."""
    files = path.parent.glob(f"{path.stem}*")
    return max(files, key=lambda file: file.stat().st_size)


def cut(path, share):
    """Truncate a file at a share of its length, or that many bytes before."""
    data = path.read_bytes()
    size = int(len(data) * share) if share > 0 else len(data) + share
    path.write_bytes(data[:size])


def as_vrt(path):
    """Write a VRT of a raster next to it."""
    virtual = path.with_suffix(".vrt")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        rasterio.shutil.copy(path, virtual, driver="VRT")
    return virtual
