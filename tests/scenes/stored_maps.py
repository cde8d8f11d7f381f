"""Blocks of a map, to test storing and writing them."""

import pathlib
from typing import NamedTuple

import numpy as np
import rasterio
from rasterio.crs import CRS

from keras_rsseg.scenes.maps.block_store import BlockStore
from keras_rsseg.scenes.maps.class_map import Legend
from keras_rsseg.scenes.maps.class_map import MapGrid
from keras_rsseg.scenes.maps.map_products import Product
from tests.scenes.scene_files import NUM_CLASSES
from tests.scenes.scene_files import TRANSFORM

NAMES = ["water", "a < b & c", "été", "road"]
SETTINGS = {"parameters": {"tile_size": 512}, "model": "a"}


class Block(NamedTuple):
    number: int
    row: int
    col: int
    height: int
    width: int


def make_blocks(height, width, rows, columns):
    """Cut a map into blocks, in sections from the left."""
    corners = [
        (row, col)
        for col in range(0, width, columns)
        for row in range(0, height, rows)
    ]
    return [
        Block(n, row, col, min(rows, height - row), min(columns, width - col))
        for n, (row, col) in enumerate(corners)
    ]


def make_probabilities(height, width, num_classes=NUM_CLASSES, seed=0):
    """Random `(C, H, W)` with an invalid rectangle at the top left."""
    rng = np.random.default_rng(seed)
    values = rng.dirichlet([0.3] * num_classes, (height, width))
    values[: height // 3, : width // 3] = 0
    return np.ascontiguousarray(np.moveaxis(values, -1, 0), "float32")


def make_grid(probabilities, **place):
    place = place or {"crs": CRS.from_epsg(32632), "transform": TRANSFORM}
    return MapGrid(*probabilities.shape[1:], **place)


def make_products(folder, dtype="uint8", kind="entropy"):
    """All three."""
    folder = pathlib.Path(folder)
    return [
        Product("classes", folder / "map.tif"),
        Product("probabilities", folder / "shares.tif", dtype),
        Product("uncertainty", folder / "doubt.tif", dtype, kind),
    ]


def open_store(products, probabilities, settings=SETTINGS, **options):
    return BlockStore(products, make_grid(probabilities), settings, **options)


def write_block(store, block, probabilities):
    part = probabilities[
        :,
        block.row : block.row + block.height,
        block.col : block.col + block.width,
    ]
    rasters = {product.name: product.render(part) for product in store.products}
    store.write(block, rasters, len(probabilities))


def write_maps(products, probabilities, blocks, grid=None, tags=None):
    """Write all blocks and publish them."""
    grid = grid or make_grid(probabilities)
    with BlockStore(products, grid, SETTINGS) as store:
        for block in blocks:
            write_block(store, block, probabilities)
        store.publish(Legend(NAMES[: len(probabilities)]), tags)
    return store


def read_raster(path):
    with rasterio.open(path) as dataset:
        return dataset.read()
