"""What a map will cost, estimated before a model is loaded."""

import dataclasses
import math
import pathlib
from typing import Any

import numpy as np

from keras_rsseg.rasters.windows import cache_size
from keras_rsseg.scene_options import SceneOptions
from keras_rsseg.scenes.maps.map_products import Product
from keras_rsseg.scenes.maps.map_products import make_products
from keras_rsseg.scenes.predicting.block_reader import cached_rows
from keras_rsseg.scenes.predicting.scene_plan import ScenePlan
from keras_rsseg.scenes.predicting.scene_run import open_reader
from keras_rsseg.scenes.predicting.scene_run import plan_of
from keras_rsseg.scenes.predicting.scene_run import told_by
from keras_rsseg.scenes.predicting.tile_predictor import tile_views
from keras_rsseg.scenes.reading.scene_file import open_as
from keras_rsseg.scenes.reading.scene_reader import SceneReader
from keras_rsseg.typing import PathLike

# Assumed if the number of classes is unknown.
_USUAL_CLASSES = 16
# Batches and answers in flight at once.
_UNDER_WAY = 5
# Overviews add a third of a map.
_WITH_OVERVIEWS = 4 / 3


@dataclasses.dataclass(frozen=True)
class SceneEstimate:
    """The size and the cost of a scene's map.

    Attributes:
        size: `(height, width)` of the map, in pixels.
        model_size: the same in pixels of the model's grid.
        tile_size: length of a tile, in pixels.
        tiles: maximum number of tiles; those without data cost nothing.
        views: number of predictions per tile.
        disk: bytes of the finished rasters before compression.
        memory: bytes that reading, blending and writing take, not counting
            the model and its computations.
    """

    size: tuple[int, int]
    model_size: tuple[int, int]
    tile_size: int
    tiles: int
    views: int
    disk: int
    memory: int

    @property
    def model_pixels(self) -> int:
        """Number of pixels that go through the model."""
        return self.tiles * self.views * self.tile_size**2


def estimate_scene(
    model: Any, source: PathLike, options: SceneOptions
) -> SceneEstimate:
    """Estimate the cost of a scene's map, and check all that can be checked.

    Args:
        model: any object with the attributes of a model; it is not called.
        source: path or URL of the scene.
        options: the scene's options.

    Returns:
        A `SceneEstimate`.

    Raises:
        Exception: as `predict_scene` before its model runs, except for the
            files to write.
    """
    facts, legend, filled = told_by(model, options)
    paths = {
        name: pathlib.Path(path)
        for name, path in (
            ("destination", "classes.tif"),
            ("probabilities", filled.probabilities),
            ("uncertainty", filled.uncertainty),
        )
        if path is not None
    }
    products = make_products(paths, filled)
    classes = legend.num_classes or _USUAL_CLASSES
    with open_as(source, options) as dataset:
        scene = open_reader(dataset, facts, options)
        plan = plan_of(scene, filled, legend)
        views = tile_views(
            filled.tile_size, filled.test_time_augmentation, filled.scales
        )
        return SceneEstimate(
            plan.window[2:],
            plan.model_window()[2:],
            filled.tile_size,
            plan.num_tiles,
            len(views),
            _disk(plan, products, classes),
            _memory(scene, plan, products, classes, filled.batch_size),
        )


def _disk(plan: ScenePlan, products: list[Product], classes: int) -> int:
    _, _, height, width = plan.window
    # Half floats are stored as 32-bit floats.
    pixel = sum(
        product.bands(classes) * (1 if product.dtype == "uint8" else 4)
        for product in products
    )
    return math.ceil(height * width * pixel * _WITH_OVERVIEWS)


def _memory(
    scene: SceneReader,
    plan: ScenePlan,
    products: list[Product],
    classes: int,
    batch_size: int,
) -> int:
    block = plan.blocks[0]
    left, right = plan.columns(block)
    # Sums, and the rows to resample.
    blended = 4 * (classes + 2) * (right - left) * plan.tile_size * 2
    pixel = sum(
        product.bands(classes) * np.dtype(product.dtype).itemsize
        for product in products
    )
    rasters = 2 * block.height * block.width * pixel
    tile = plan.tile_size**2 * 4 * (classes + len(scene.bands))
    batches = _UNDER_WAY * batch_size * tile
    cache = cache_size(scene.dataset, cached_rows(scene, plan))
    return blended + rasters + batches + cache
