"""A virtual raster (VRT) over the finished blocks of a map."""

import pathlib
from typing import Any

from keras_rsseg.rasters.output_files import BLOCK
from keras_rsseg.rasters.vrt import VirtualRaster
from keras_rsseg.rasters.windows import Window
from keras_rsseg.scenes.maps.block_files import BlockRecord
from keras_rsseg.scenes.maps.class_map import Legend
from keras_rsseg.scenes.maps.class_map import MapGrid
from keras_rsseg.scenes.maps.map_products import Product


def mosaic_xml(
    folder: pathlib.Path,
    product: Product,
    grid: MapGrid,
    records: list[BlockRecord],
    legend: Legend,
    tags: dict[str, Any],
) -> bytes:
    """Describe the map of a product as GDAL's virtual format.

    All that a reader of the map should find is said here: what GDAL copies
    from it is complete.

    Args:
        folder: `pathlib.Path` where the blocks lie.
        product: their `Product`.
        grid: a `MapGrid`.
        records: list of `BlockRecord`; where none lies is no data.
        legend: a complete `Legend`.
        tags: dict of tags of the dataset.

    Returns:
        XML as bytes.
    """
    kind = {"uncertainty": product.kind} if product.kind else {}
    raster = VirtualRaster(
        grid.height,
        grid.width,
        grid.crs,
        grid.transform,
        grid.gcps,
        {**tags, "product": product.name, **kind},
    )
    for number in range(1, product.bands(legend.num_classes or 1) + 1):
        half = product.dtype == "float16"
        # Read like the map is written.
        band = raster.add_band("Float32" if half else "Byte", BLOCK)
        band.describe(
            nodata=product.nodata, **_meaning(number, product, legend)
        )
        for record in records:
            if record.files:
                band.add_source(
                    record.raster_path(folder, product.name),
                    Window(record.row, record.col, record.height, record.width),
                )
    return raster.to_xml()


def _meaning(number, product, legend):
    names = legend.names or []
    if product.name == "classes":
        return {
            "tags": {f"class_{i}": name for i, name in enumerate(names)},
            "description": "class",
            "color": "Palette",
            "colors": legend.colormap(),
        }
    if product.name == "probabilities":
        described = names[number - 1] if names else f"class_{number - 1}"
    else:
        described = product.kind
    return {
        "description": described,
        # Three classes are no red, green and blue, and a fourth is no alpha.
        "color": "Gray" if number == 1 else "Undefined",
        "scale": None if product.scale == 1 else product.scale,
    }
