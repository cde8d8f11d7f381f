"""Cloud-Optimised GeoTIFFs of finished blocks, verified by reading back."""

import pathlib
from typing import Any

import numpy as np
from rasterio._err import CPLE_BaseError
from rasterio.errors import RasterioError

from keras_rsseg.rasters import output_files
from keras_rsseg.rasters.opener import open_raster
from keras_rsseg.rasters.output_files import BLOCK
from keras_rsseg.rasters.output_files import bounded_cache
from keras_rsseg.rasters.output_files import remove_raster
from keras_rsseg.rasters.vrt import VirtualRaster
from keras_rsseg.rasters.windows import Window
from keras_rsseg.rasters.windows import reading_windows
from keras_rsseg.scenes.maps.block_files import BlockRecord
from keras_rsseg.scenes.maps.block_files import sum_of_values
from keras_rsseg.scenes.maps.class_map import Legend
from keras_rsseg.scenes.maps.class_map import MapGrid
from keras_rsseg.scenes.maps.class_map import count_classes
from keras_rsseg.scenes.maps.class_map import open_class_map
from keras_rsseg.scenes.maps.class_map import read_legend
from keras_rsseg.scenes.maps.map_products import Product


def mosaic_xml(
    folder: pathlib.Path,
    product: Product,
    grid: MapGrid,
    records: list[BlockRecord],
    legend: Legend,
    tags: dict[str, Any],
) -> bytes:
    """Describe the map of a product in GDAL's virtual format.

    It states everything that a reader of the map should find, so GDAL's copy
    of it is complete.

    Args:
        folder: `pathlib.Path` of the blocks.
        product: their `Product`.
        grid: a `MapGrid`.
        records: list of `BlockRecord`; there is no data outside them.
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
        grid.rpcs,
    )
    for number in range(1, product.bands(legend.num_classes or 1) + 1):
        half = product.dtype == "float16"
        # Read in the map's blocks.
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
        # Three classes are not red, green and blue, nor is a fourth alpha.
        "color": "Gray" if number == 1 else "Undefined",
        "scale": None if product.scale == 1 else product.scale,
    }


# Rows and columns to read back at a time.
_WINDOW = output_files.BLOCK, 4 * output_files.BLOCK


def write_cog(
    path: pathlib.Path,
    folder: pathlib.Path,
    product: Product,
    grid: MapGrid,
    records: list[BlockRecord],
    legend: Legend,
    tags: dict[str, Any],
) -> None:
    """Write the map of a product from its blocks, and read it back.

    Memory is bounded whatever the size of the map. Overviews hold the most
    frequent class id or, for other products, the mean of the valid pixels.

    Args:
        path: `pathlib.Path` of the map; absent if this fails.
        folder: `pathlib.Path` of the blocks.
        product: their `Product`.
        grid: a `MapGrid`.
        records: list of `BlockRecord` that cover the grid.
        legend: a `Legend`, complete unless all is void.
        tags: dict of tags of the dataset.

    Raises:
        OSError: if it cannot be written completely.
    """
    mosaic = folder / f"{product.name}.vrt"
    bands = product.bands(legend.num_classes or 1)
    try:
        mosaic.write_bytes(
            mosaic_xml(folder, product, grid, records, legend, tags)
        )
        overviews = "mode" if product.name == "classes" else "average"
        output_files.write_cog(mosaic, path, overviews)
        if not _is_complete(path, product, bands, grid, records):
            raise OSError("what was read back differs from what was written")
    # Rasterio raises SystemError for failures that GDAL does not explain.
    except (RasterioError, CPLE_BaseError, OSError, SystemError) as error:
        remove_raster(path)
        raise OSError(
            f"{product.path} could not be written completely. Is the disk "
            f"full? {error}"
        ) from error
    except BaseException:
        remove_raster(path)
        raise
    finally:
        mosaic.unlink(missing_ok=True)


def _is_complete(
    path: pathlib.Path,
    product: Product,
    bands: int,
    grid: MapGrid,
    records: list[BlockRecord],
) -> bool:
    """Read a map back: GDAL may not report failures on closing it."""
    counts: np.ndarray = np.zeros(256, "int64")
    total = 0
    with bounded_cache(), open_raster(path, "destination") as dataset:
        if dataset.shape != (grid.height, grid.width):
            return False
        if dataset.count != bands:
            return False
        for window in reading_windows(grid.height, grid.width, *_WINDOW):
            part = dataset.read(window=window.to_rasterio())
            part = part.astype(product.dtype)
            total += sum_of_values(part)
            if product.name == "classes":
                counts += np.bincount(part.ravel(), minlength=256)
    if product.name == "classes":
        wanted = sum(np.array(record.counts) for record in records)
        return bool((counts == wanted).all())
    return total == sum(_sum_of(record, product, bands) for record in records)


def _sum_of(record: BlockRecord, product: Product, bands: int) -> int:
    if record.files:
        return record.files[product.name][-1]
    void = np.full(1, product.nodata, product.dtype)
    return sum_of_values(void) * bands * record.height * record.width


def made_by(path: pathlib.Path, digest: str) -> bool:
    """Return whether a raster comes from a run with that digest.

    Args:
        path: `pathlib.Path` of the raster; it need not exist.
        digest: what `settings_digest` returned.
    """
    if not path.exists():
        return False
    try:
        with open_raster(path, "destination") as dataset:
            return dataset.tags().get("run") == digest
    except (OSError, ValueError, RasterioError):
        return False


def finished_counts(
    products: list[Product], digest: str, legend: Legend
) -> np.ndarray | None:
    """Return the pixel counts by id if the maps are already finished.

    They are if they come from a run with the same digest.

    Args:
        products: list of `Product`s, classes first.
        digest: what `settings_digest` returned.
        legend: `Legend`, which is completed in place.

    Returns:
        An int64 array `(256,)`, or `None`.
    """
    paths = [product.path for product in products]
    if not all(made_by(path, digest) for path in paths):
        return None
    with open_class_map(paths[0]) as classes:
        found = read_legend(classes)
        legend.complete(len(found.names or []))
        return count_classes(classes)
