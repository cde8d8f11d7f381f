"""Tiles of a scene on which to compare a file with its model."""

import os
from typing import Any

import numpy as np

from keras_rsseg.errors import SceneError
from keras_rsseg.scene_options import SceneOptions
from keras_rsseg.scenes.predicting.model_facts import ModelFacts
from keras_rsseg.scenes.predicting.scene_run import open_reader
from keras_rsseg.scenes.predicting.tile_predictor import read_tiles
from keras_rsseg.scenes.reading.scene_file import open_as

_COUNT = 4


def tiles_of_scene(
    scene: str | os.PathLike, model: Any, tile_size: int
) -> np.ndarray:
    """Read a few tiles of a scene, as its model will see them.

    Args:
        scene: path or URL of a raster.
        model: any object that states its bands and values.
        tile_size: length of a tile in pixels.

    Returns:
        Array `(B, tile_size, tile_size, bands)` of up to four tiles, spread
        over the scene.

    Raises:
        SceneError: the scene has no valid pixel, or the wrong bands or values.
    """
    # Not resampled: pixels need not be of the right size for a comparison.
    options = SceneOptions(tile_size=tile_size, ground_sample_distance=None)
    with open_as(scene, options) as dataset:
        reader = open_reader(dataset, ModelFacts.of(model), options)
        tiles = [
            tile.pixels
            for tile in read_tiles(reader, tile_size, tile_size)
            if tile.pixels is not None
        ]
    if not tiles:
        raise SceneError(f"{os.fspath(scene)} has no valid pixel to check on")
    chosen = np.linspace(0, len(tiles) - 1, min(_COUNT, len(tiles)))
    return np.stack([tiles[round(index)] for index in chosen])
