"""One scene on its way to a map: read, predict, write, all at once."""

import contextlib
import logging

from tqdm import tqdm

from keras_rsseg.rasters.opener import open_raster
from keras_rsseg.scenes.maps.block_store import BlockStore
from keras_rsseg.scenes.maps.class_map import Legend
from keras_rsseg.scenes.maps.class_map import MapGrid
from keras_rsseg.scenes.maps.cog import finished_counts
from keras_rsseg.scenes.maps.cog import made_by
from keras_rsseg.scenes.maps.scene_paths import check_destinations
from keras_rsseg.scenes.predicting.block_maker import BlockMaker
from keras_rsseg.scenes.predicting.block_reader import BlockBegin
from keras_rsseg.scenes.predicting.block_reader import read_batches
from keras_rsseg.scenes.predicting.block_reader import scene_cache
from keras_rsseg.scenes.predicting.run_identity import provenance
from keras_rsseg.scenes.predicting.run_identity import run_settings
from keras_rsseg.scenes.predicting.run_identity import settings_digest
from keras_rsseg.scenes.predicting.scene_options import check_options
from keras_rsseg.scenes.predicting.scene_options import make_products
from keras_rsseg.scenes.predicting.scene_plan import ScenePlan
from keras_rsseg.scenes.predicting.tile_predictor import Tile
from keras_rsseg.scenes.predicting.tile_predictor import call_model
from keras_rsseg.scenes.predicting.tile_predictor import even_batch_size
from keras_rsseg.scenes.predicting.tile_predictor import fast_model
from keras_rsseg.scenes.predicting.worker_threads import read_ahead
from keras_rsseg.scenes.predicting.worker_threads import write_behind
from keras_rsseg.scenes.reading.ground_size import model_grid_size
from keras_rsseg.scenes.reading.scene_reader import SceneReader
from keras_rsseg.void import VOID

logger = logging.getLogger(__name__)

# Batches that wait for the model, and answers (larger) that wait for writing.
_BATCHES, _ANSWERS = 2, 1


class SceneRun:
    """Makes the rasters of one scene.

    Used as a context, which keeps the scene open on the model's grid.

    Args:
        model: object with `predict_on_batch(tiles)`, or a callable.
        scene: `SceneReader`.
        options: `SceneOptions`.
        products: list of `Product`s, classes first.
        legend: `Legend`; it is completed.
        resample: `"auto"` or `"never"`.

    Attributes:
        plan: `ScenePlan`.
        settings: dict of all that the map depends on.
    """

    def __init__(self, model, scene, options, products, legend, resample):
        self._model = model
        self.scene = scene
        self._options = options
        self.products = products
        self.legend = legend
        size = scene.height, scene.width
        self._grid, self._grid_size = None, size
        if options.distance is not None:
            found = model_grid_size(scene.dataset, options.distance, resample)
            self._grid_size = found or size
        self.plan = ScenePlan(
            size,
            self._grid_size,
            options.tile_size,
            options.stride,
            options.strip_height,
            legend.num_classes,
        )
        self.settings = run_settings(model, scene, options, self.plan)
        self._digest = settings_digest(self.settings, products, legend)
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            stack.enter_context(scene_cache(self.scene, self.plan))
            if self._grid_size != self.plan.size:
                grid = self.scene.resampled(*self._grid_size)
                self._grid = stack.enter_context(grid)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exception):
        self._stack.close()

    def check_destinations(self, overwrite):
        """Raise where a raster must not be written; see `check_paths`."""
        arguments = {"classes": "destination"}
        paths = {
            arguments.get(product.name, product.name): product.path
            for product in self.products
        }
        check_destinations(paths, self.scene.dataset, overwrite)

    def finished_counts(self):
        """Return the pixels of each id if all is there already, or `None`."""
        dataset = self.scene.dataset
        return finished_counts(
            self.products, dataset, self._digest, self.legend
        )

    def has_made(self, product):
        """Return whether a product's file, if any, is of an equal run."""
        return made_by(product.path, self._digest)

    def make(self, resume, overwrite, progress):
        """Predict what is not done yet, and write the rasters.

        Args:
            resume: whether to go on with finished blocks.
            overwrite: whether existing files may be replaced.
            progress: whether to show a progress bar on stderr.

        Returns:
            The pixels of each id, an int64 array `(256,)`.
        """
        grid = MapGrid.of(self.scene.dataset)
        tags = provenance(self._model, self.scene, self._options, self._digest)
        with BlockStore(
            self.products, grid, self.settings, resume, overwrite
        ) as store:
            self.predict(store, progress)
            if store.counts[:VOID].sum() == 0:
                logger.warning(
                    "The scene has no valid pixel: the map is empty."
                )
            store.publish(self.legend, tags)
            return store.counts

    def predict(self, store, progress):
        """Predict the blocks that a store has not, and write them to it.

        Args:
            store: `BlockStore`.
            progress: whether to show a progress bar on stderr.
        """
        plan, views = self.plan, self._options.views
        # Of the whole map, so that batches are the same after a restart.
        batch_size = even_batch_size(plan.num_tiles, self._options.batch_size)
        batches = read_batches(
            plan, self.scene, self._grid, store.done, batch_size
        )
        maker = BlockMaker(plan, views, store)
        model = fast_model(self._model, self.settings["model"])
        with (
            _ProgressBar(plan, store.done, not progress) as bar,
            read_ahead(batches, _BATCHES) as batches,
            write_behind(maker.consume, _ANSWERS) as put,
        ):
            for batch in batches:
                for answer in self._answers(model, batch):
                    put(answer)
                bar.update(batch.events)

    def _answers(self, model, batch):
        """Yield what `BlockMaker.consume` takes, for one batch."""
        if batch.pixels is None:
            yield batch.events, None, None
            return
        for number, view in enumerate(self._options.views):
            logits = call_model(model, view.apply(batch.pixels))
            self.legend.complete(logits.shape[-1])
            yield batch.events, number, logits


class _ProgressBar:
    """Counts tiles; those that hold nothing valid as well, when passed."""

    def __init__(self, plan, done, disable):
        self._tiles = plan.block_tiles
        passed = sum(self._tiles[number] for number in done)
        self._passed = passed
        self._bar = tqdm(
            total=plan.num_tiles,
            initial=passed,
            unit="tile",
            desc="predict",
            disable=disable,
        )

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._bar.close()

    def update(self, events):
        """Move on by the events of a `Batch`."""
        current = self._bar.n
        for event in events:
            if isinstance(event, Tile):
                current += 1
            elif not isinstance(event, BlockBegin):
                self._passed += self._tiles[event.block.number]
                current = self._passed
        self._bar.update(current - self._bar.n)


@contextlib.contextmanager
def open_run(
    model,
    source,
    destination,
    *,
    tile_size,
    overlap,
    batch_size,
    bands,
    nodata,
    area,
    ground_sample_distance,
    resample,
    value_range,
    test_time_augmentation,
    scales,
    probabilities,
    uncertainty,
    uncertainty_kind,
    raster_dtype,
    class_names,
    palette,
    strip_height,
    overwrite,
    run_class=SceneRun,
):
    """Check the arguments of `predict_scene`, and open the scene.

    Args:
        model: as for `predict_scene`, and so all that is not named here.
        source: path or URL of the scene.
        destination: path of the map.
        overwrite: whether rasters that exist pass the check.
        run_class: what to make of them, a `SceneRun`.

    Yields:
        The run, entered.

    Raises:
        Exception: as `predict_scene`, before anything is computed.
    """
    options = check_options(
        model,
        tile_size,
        overlap,
        batch_size,
        strip_height,
        ground_sample_distance,
        value_range,
        test_time_augmentation,
        scales,
    )
    legend = Legend(
        _given_or(class_names, model, "class_names"),
        _given_or(palette, model, "palette"),
        getattr(model, "num_classes", None),
    )
    paths = {
        "destination": destination,
        "probabilities": probabilities,
        "uncertainty": uncertainty,
    }
    with open_raster(source, "source") as dataset:
        paths = check_destinations(paths, dataset, overwrite)
        products = make_products(
            paths, uncertainty_kind, raster_dtype, options.views
        )
        scene = SceneReader(
            dataset,
            bands,
            nodata,
            getattr(model, "bands", None),
            area,
            value_range,
            getattr(model, "value_range", None),
        )
        with run_class(
            model, scene, options, products, legend, resample
        ) as run:
            yield run


def _given_or(value, model, name):
    return getattr(model, name, None) if value is None else value
