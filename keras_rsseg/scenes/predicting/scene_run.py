"""One scene on its way to a map: read, predict and write concurrently."""

import contextlib
import logging
from collections.abc import Iterator
from typing import Any
from typing import Self
from typing import TypeVar

import numpy as np
from rasterio.io import DatasetReader

from keras_rsseg.errors import SceneError
from keras_rsseg.scene_options import SceneOptions
from keras_rsseg.scenes.maps.block_store import BlockStore
from keras_rsseg.scenes.maps.class_map import Legend
from keras_rsseg.scenes.maps.class_map import MapGrid
from keras_rsseg.scenes.maps.cog import finished_counts
from keras_rsseg.scenes.maps.cog import made_by
from keras_rsseg.scenes.maps.map_products import Product
from keras_rsseg.scenes.maps.map_products import check_destinations
from keras_rsseg.scenes.maps.map_products import make_products
from keras_rsseg.scenes.predicting.block_maker import Answer
from keras_rsseg.scenes.predicting.block_maker import BlockMaker
from keras_rsseg.scenes.predicting.block_maker import Store
from keras_rsseg.scenes.predicting.block_reader import Batch
from keras_rsseg.scenes.predicting.block_reader import TileProgress
from keras_rsseg.scenes.predicting.block_reader import read_batches
from keras_rsseg.scenes.predicting.block_reader import scene_cache
from keras_rsseg.scenes.predicting.model_facts import ModelFacts
from keras_rsseg.scenes.predicting.model_facts import check_number_of_classes
from keras_rsseg.scenes.predicting.run_identity import check_unchanged
from keras_rsseg.scenes.predicting.run_identity import provenance
from keras_rsseg.scenes.predicting.run_identity import run_settings
from keras_rsseg.scenes.predicting.run_identity import settings_digest
from keras_rsseg.scenes.predicting.scene_plan import ScenePlan
from keras_rsseg.scenes.predicting.tile_predictor import call_model
from keras_rsseg.scenes.predicting.tile_predictor import even_batch_size
from keras_rsseg.scenes.predicting.tile_predictor import fast_model
from keras_rsseg.scenes.predicting.tile_predictor import tile_views
from keras_rsseg.scenes.predicting.worker_threads import read_ahead
from keras_rsseg.scenes.predicting.worker_threads import write_behind
from keras_rsseg.scenes.reading.area_of_interest import AreaOfInterest
from keras_rsseg.scenes.reading.ground_size import check_upsampling
from keras_rsseg.scenes.reading.ground_size import model_grid_size
from keras_rsseg.scenes.reading.plain_border import warn_of_plain_corner
from keras_rsseg.scenes.reading.scene_file import open_as
from keras_rsseg.scenes.reading.scene_file import tell_of_scene
from keras_rsseg.scenes.reading.scene_reader import SceneReader
from keras_rsseg.scenes.reading.value_scale import warn_of_alpha
from keras_rsseg.typing import PathLike
from keras_rsseg.void import VOID

RunT = TypeVar("RunT", bound="SceneRun")

logger = logging.getLogger(__name__)

# Batches waiting for the model, and answers (larger) waiting to be written.
_BATCHES, _ANSWERS = 2, 1


class SceneRun:
    """Makes the rasters of one scene.

    It is a context, which keeps the scene open on the model's grid.

    Args:
        model: object with `predict_on_batch(tiles)`, or a callable.
        scene: `SceneReader`.
        options: `SceneOptions`.
        products: list of `Product`s, classes first.
        legend: `Legend`, which is completed in place.

    Attributes:
        plan: `ScenePlan`.
        settings: dict of all that the map depends on.
    """

    def __init__(
        self,
        model: Any,
        scene: SceneReader,
        options: SceneOptions,
        products: list[Product],
        legend: Legend,
    ) -> None:
        self._model = model
        self.scene = scene
        self._options = options
        self.products = products
        self.legend = legend
        self.plan = plan_of(scene, options, legend)
        scene.find_border(self.plan.reading_window(scene.extent))
        self._views = tile_views(
            options.tile_size, options.test_time_augmentation, options.scales
        )
        self._grid: SceneReader | None = None
        self.settings = run_settings(model, scene, options, self.plan)
        self._digest = settings_digest(self.settings, products, legend)
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            stack.enter_context(scene_cache(self.scene, self.plan))
            if self.plan.grid_size != self.plan.size:
                grid = self.scene.resampled(
                    *self.plan.grid_size, self.plan.reading_window()
                )
                self._grid = stack.enter_context(grid)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    @property
    def map_grid(self) -> MapGrid:
        """The `MapGrid` of the rasters to write."""
        return MapGrid.of(self.scene.dataset, self.plan.window)

    def check_destinations(self, overwrite: bool) -> None:
        """Raise if a raster must not be written; see `check_paths`."""
        arguments = {"classes": "destination"}
        paths = {
            arguments.get(product.name, product.name): product.path
            for product in self.products
        }
        check_destinations(paths, self.scene.dataset, overwrite)

    def finished_counts(self) -> np.ndarray | None:
        """Return the pixel counts of a map already finished, or `None`."""
        return finished_counts(self.products, self._digest, self.legend)

    def has_made(self, product: Product) -> bool:
        """Return whether a product's file exists, from an identical run."""
        return made_by(product.path, self._digest)

    def make(self, resume: bool, overwrite: bool, progress: bool) -> np.ndarray:
        """Predict the unfinished blocks, and write the rasters.

        Args:
            resume: whether to keep finished blocks.
            overwrite: whether existing files may be replaced.
            progress: whether to show a progress bar on stderr.

        Returns:
            The number of pixels of each id, an int64 array `(256,)`.

        Raises:
            SceneError: if the scene changed meanwhile; the blocks are deleted.
        """
        tags = provenance(self._model, self.scene, self._options, self._digest)
        with BlockStore(
            self.products, self.map_grid, self.settings, resume, overwrite
        ) as store:
            self.predict(store, progress)
            try:
                self.check_unchanged()
            except SceneError:
                store.discard()
                raise
            if store.counts[:VOID].sum() == 0:
                logger.warning(
                    "The scene has no valid pixel: the map is empty."
                )
            store.publish(self.legend, tags)
            return store.counts

    def predict(self, store: Store, progress: bool) -> None:
        """Predict the blocks missing from a store, and write them to it.

        Args:
            store: a `BlockStore`, or a part of one.
            progress: whether to show a progress bar on stderr.
        """
        plan = self.plan
        # From the whole map, so that batches are the same after a restart.
        batch_size = even_batch_size(plan.num_tiles, self._options.batch_size)
        read = read_batches(
            plan, self.scene, self._grid, store.done, batch_size
        )
        maker = BlockMaker(plan, self._views, store)
        model = fast_model(
            self._model,
            self.settings["model"],
            plan.num_tiles * len(self._views),
        )
        with (
            TileProgress(plan, store.done, not progress) as bar,
            read_ahead(read, _BATCHES) as batches,
            write_behind(maker.consume, _ANSWERS) as put,
        ):
            for batch in batches:
                for answer in self._answers(model, batch):
                    put(answer)
                bar.update(batch)

    def check_unchanged(self) -> None:
        """Raise if the scene has been written to since the run was opened."""
        check_unchanged(self.settings["scene"])

    def _answers(self, model: Any, batch: Batch) -> Iterator[Answer]:
        """Yield answers for `BlockMaker.consume`, for one batch."""
        if batch.pixels is None:
            yield batch.events, None, None
            return
        for number, view in enumerate(self._views):
            logits = call_model(model, view.apply(batch.pixels))
            self.legend.complete(logits.shape[-1])
            yield batch.events, number, logits


def plan_of(
    scene: SceneReader, options: SceneOptions, legend: Legend
) -> ScenePlan:
    """Return how a scene is cut into blocks and tiles.

    Args:
        scene: `SceneReader`.
        options: options completed by `for_model`.
        legend: `Legend`.
    """
    size = scene.height, scene.width
    return ScenePlan(
        size,
        _grid_size(scene, options) or size,
        options.tile_size,
        options.stride,
        options.strip_height,
        legend.num_classes,
        scene.window,
    )


def _grid_size(
    scene: SceneReader, options: SceneOptions
) -> tuple[int, int] | None:
    """Size of the grid that the model sees, `None` for the scene's own."""
    distance = options.ground_sample_distance
    # `for_model` has replaced "auto" by the model's distance.
    if distance is None or distance == "auto":
        return None
    return model_grid_size(
        scene.dataset, distance, options.resample, scene.window
    )


@contextlib.contextmanager
def open_run(
    model: Any,
    source: PathLike,
    destination: PathLike,
    options: SceneOptions,
    run_class: type[RunT],
    replace: bool,
) -> Iterator[RunT]:
    """Open the scene, and check what needs the scene or the model.

    Args:
        model: as for `predict_scene`.
        source: path or URL of the scene.
        destination: path of the map.
        options: the scene's options.
        run_class: class of the run, a `SceneRun`.
        replace: whether existing rasters pass the check.

    Yields:
        The run, entered.

    Raises:
        Exception: as `predict_scene` does before it computes anything.
    """
    if not callable(getattr(model, "predict_on_batch", model)):
        raise TypeError(
            "`model` must have `predict_on_batch` or be callable. Received: "
            f"{type(model).__name__}"
        )
    facts, legend, filled = told_by(model, options)
    wanted = {
        "destination": destination,
        "probabilities": options.probabilities,
        "uncertainty": options.uncertainty,
    }
    with open_as(source, options) as dataset:
        paths = check_destinations(wanted, dataset, replace)
        products = make_products(paths, filled)
        scene = open_reader(dataset, facts, options)
        with run_class(model, scene, filled, products, legend) as run:
            yield run


def told_by(
    model: Any, options: SceneOptions
) -> tuple[ModelFacts, Legend, SceneOptions]:
    """Return what a model states about itself, checked, in three forms.

    Args:
        model: as for `predict_scene`.
        options: the scene's options.

    Returns:
        `(facts, legend, options)`: `ModelFacts`, the `Legend` of its map,
        and the options, completed from the model.
    """
    facts = ModelFacts.of(model)
    options = options.for_model(model)
    legend = Legend(options.class_names, options.palette, facts.num_classes)
    check_number_of_classes(legend.num_classes)
    return facts, legend, options


def open_reader(
    dataset: DatasetReader, facts: ModelFacts, options: SceneOptions
) -> SceneReader:
    """Return a reader of a scene, after checking that it suits the model.

    Args:
        dataset: the scene, an open rasterio dataset.
        facts: the model's facts.
        options: the scene's options, as given.
    """
    area = options.area
    if area is not None:
        area = AreaOfInterest.of(area, options.area_crs, options.area_layer)
    scene = SceneReader(
        dataset,
        options.bands,
        options.nodata,
        facts.bands,
        area,
        options.value_range,
        facts.value_range,
        options.crop,
        border_later=True,
    )
    distance = facts.ground_sample_distance
    if options.ground_sample_distance == "auto" and distance is not None:
        check_upsampling(dataset, distance, options.resample, scene.window)
    tell_of_scene(dataset)
    warn_of_alpha(scene)
    if options.nodata is None:
        warn_of_plain_corner(scene)
    return scene
