"""One scene, with blocks predicted by several processes."""

import contextlib
import json
from collections.abc import Collection
from collections.abc import Iterator
from typing import Any

from keras_rsseg.scene_options import SceneOptions
from keras_rsseg.scenes.maps.block_files import BlockRecord
from keras_rsseg.scenes.maps.block_store import BlockStore
from keras_rsseg.scenes.maps.map_products import Product
from keras_rsseg.scenes.predicting.scene_run import SceneRun
from keras_rsseg.scenes.predicting.scene_run import open_run
from keras_rsseg.typing import PathLike


@contextlib.contextmanager
def open_shared_run(
    model: Any, source: PathLike, destination: PathLike, options: SceneOptions
) -> Iterator["SharedRun"]:
    """Open a scene as `predict_scene` does with the same options.

    Args:
        model: as for `predict_scene`.
        source: path or URL of the scene.
        destination: path of the map.
        options: the scene's options.

    Yields:
        A `SharedRun`.

    Raises:
        FileExistsError: if another map exists and `overwrite` is false.
        ValueError: as `predict_scene`.
    """
    with open_run(
        model, source, destination, options, SharedRun, replace=True
    ) as run:
        if not all(map(run.is_absent_or_ours, run.products)):
            run.check_destinations(options.overwrite)
        yield run


class SharedRun(SceneRun):
    """A `SceneRun` shared by several processes, each with a part."""

    def is_absent_or_ours(self, product: Product) -> bool:
        """Return whether a product has no file, or one of an identical run."""
        return not product.path.exists() or self.has_made(product)

    def open_store(self, resume: bool = True) -> "SharedStore":
        """Return the `SharedStore` of the scene."""
        return SharedStore(self.products, self.map_grid, self.settings, resume)

    def units(self, done: Collection[int], size: int) -> list[list[int]]:
        """Cut the unfinished blocks into units of work.

        Args:
            done: numbers of the finished blocks.
            size: maximum number of blocks in a unit. They lie one below
                the other, as neighbours share tiles.

        Returns:
            A list of lists of block numbers.
        """
        units: list[list[int]] = []
        before = None
        for block in self.plan.blocks:
            if block.number in done:
                continue
            goes_on = self.plan.continues(before, block)
            if not goes_on or len(units[-1]) == size:
                units.append([])
            units[-1].append(block.number)
            before = block
        return units

    def predict_unit(
        self, store: "SharedStore", numbers: Collection[int]
    ) -> None:
        """Predict some blocks, except those already finished.

        Args:
            store: what `open_store` returned.
            numbers: list of block numbers.
        """
        todo = {number for number in numbers if not store.has(number)}
        done = {block.number for block in self.plan.blocks} - todo
        self.predict(_Part(store, done), progress=False)
        self.check_unchanged()


class SharedStore(BlockStore):
    """A `BlockStore` into which several processes write at once.

    Files of blocks appear under their names only when complete, so writers
    need no lock. Preparing and publishing take one.
    """

    def prepare(self) -> frozenset[int]:
        """Set up the store, keeping what identical runs have finished.

        Returns:
            The numbers of the finished blocks.

        Raises:
            ValueError: if a run with other settings has left blocks.
            RuntimeError: if another process has the lock.
        """
        self.__enter__()
        # Not exited as a context, which would remove an empty folder.
        self._release()
        return self.done

    def check(self) -> None:
        """Raise a ValueError unless it was set up with equal settings."""
        with open(self.folder / "settings.json", "rb") as file:
            self._check_settings(json.load(file))

    def has(self, number: int) -> bool:
        """Return whether a block is finished."""
        record = BlockRecord(number, 0, 0, 0, 0, None, [], {})
        return BlockRecord.read(record.path(self.folder)) is not None


class _Part:
    """A store as seen by a process that does a part of the blocks."""

    def __init__(self, store: SharedStore, done: Collection[int]) -> None:
        self.products = store.products
        self.done = done
        self.write = store.write
