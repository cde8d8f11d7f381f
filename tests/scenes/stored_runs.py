"""Runs that store blocks, stop, and resume."""

import contextlib
import os

import numpy as np

from keras_rsseg.scenes.maps.class_map import Legend
from tests.scenes.stored_maps import NAMES
from tests.scenes.stored_maps import SETTINGS
from tests.scenes.stored_maps import make_blocks
from tests.scenes.stored_maps import make_probabilities
from tests.scenes.stored_maps import make_products
from tests.scenes.stored_maps import open_store
from tests.scenes.stored_maps import read_raster
from tests.scenes.stored_maps import write_block

HEIGHT, WIDTH = 60, 90
BLOCKS = make_blocks(HEIGHT, WIDTH, 30, 50)
PROBABILITIES = make_probabilities(HEIGHT, WIDTH)
FOLDER = ".map.tif.blocks"


class Stopped(Exception):
    pass


def store_of(tmp_path, settings=SETTINGS, **options):
    products = make_products(tmp_path)
    return open_store(products, PROBABILITIES, settings, **options)


def interrupt(tmp_path, count):
    """A run that stops with an error after a number of blocks."""
    with contextlib.suppress(Stopped), store_of(tmp_path) as store:
        for block in BLOCKS[:count]:
            write_block(store, block, PROBABILITIES)
        raise Stopped


def finish(tmp_path, **options):
    """Do the rest, and return the numbers of its blocks."""
    with store_of(tmp_path, **options) as store:
        left = [block for block in BLOCKS if block.number not in store.done]
        for block in left:
            write_block(store, block, PROBABILITIES)
        store.publish(Legend(NAMES))
    return [block.number for block in left]


def assert_complete(tmp_path):
    """The maps are right, and nothing else is there."""
    products = make_products(tmp_path)
    wanted = sorted(product.path.name for product in products)
    assert sorted(os.listdir(tmp_path)) == wanted
    for product in products:
        np.testing.assert_array_equal(
            read_raster(product.path), product.render(PROBABILITIES)
        )
