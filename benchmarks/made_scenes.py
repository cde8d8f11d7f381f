"""Scenes that benchmarks map: of noise, so that nothing compresses away."""

import math
import pathlib

import numpy as np
import rasterio

from keras_rsseg.rasters.vrt import VirtualRaster
from keras_rsseg.rasters.windows import Window

SOURCE_SIDE = 2048


def make_scene(path: str | pathlib.Path, side: int, pixel_size: float) -> None:
    """Write a tiled, compressed GeoTIFF with pixels of so many metres."""
    rng = np.random.default_rng(0)
    ramp = np.linspace(0, 200, side)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=side,
        width=side,
        count=3,
        dtype="uint8",
        crs="EPSG:32632",
        transform=rasterio.Affine(pixel_size, 0, 5e5, 0, -pixel_size, 5e6),
        tiled=True,
        compress="deflate",
        photometric="rgb",
    ) as raster:
        for band in (1, 2, 3):
            pixels = ramp[:, None] + rng.normal(0, 12, (side, side))
            raster.write(np.clip(pixels, 0, 255).astype("uint8"), band)


def write_scene(
    folder: pathlib.Path, megapixels: float, pixel_size: float
) -> pathlib.Path:
    """Write a VRT of some megapixels, and the raster that it repeats.

    Args:
        folder: for both.
        megapixels: of the scene, which is square.
        pixel_size: metres.
    """
    source = folder / "source.tif"
    make_scene(source, SOURCE_SIDE, pixel_size)
    side = round(math.sqrt(megapixels * 1e6))
    starts = range(0, side, SOURCE_SIDE)
    with rasterio.open(source) as raster:
        scene = VirtualRaster(side, side, raster.crs, raster.transform)
    for color in ("Red", "Green", "Blue"):
        band = scene.add_band()
        band.describe(color=color)
        for row in starts:
            for col in starts:
                height = min(SOURCE_SIDE, side - row)
                width = min(SOURCE_SIDE, side - col)
                band.add_source(source, Window(row, col, height, width))
    path = folder / "scene.vrt"
    path.write_bytes(scene.to_xml())
    return path
