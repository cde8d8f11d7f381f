"""One scene whose blocks several processes predict."""

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
        options: those of the scene.

    Yields:
        A `SharedRun`.

    Raises:
        FileExistsError: if there is another map, and not `overwrite`.
        ValueError: as `predict_scene`.
    """
    with open_run(
        model, source, destination, options, SharedRun, replace=True
    ) as run:
        if not all(map(run.is_absent_or_ours, run.products)):
            run.check_destinations(options.overwrite)
        yield run


class SharedRun(SceneRun):
    """A `SceneRun` that several processes share, a part each."""

    def is_absent_or_ours(self, product: Product) -> bool:
        """Return whether a product's file would not be lost."""
        return not product.path.exists() or self.has_made(product)

    def open_store(self, resume: bool = True) -> "SharedStore":
        """Return the `SharedStore` of the scene."""
        return SharedStore(self.products, self.map_grid, self.settings, resume)

    def units(self, done: Collection[int], size: int) -> list[list[int]]:
        """Cut what is left to do into units of work.

        Args:
            done: numbers of the blocks that are finished.
            size: number of blocks in a unit, at most. They lie one below
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
        """Predict some blocks; those that are finished are left out.

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

    Files of blocks appear complete under their names, so that writers need
    no lock. Who prepares and who publishes has one.
    """

    def prepare(self) -> frozenset[int]:
        """Lay the store out; what equal runs have finished stays.

        Returns:
            The numbers of the blocks that are finished.

        Raises:
            ValueError: if a run with other settings has left blocks.
            RuntimeError: if another process has the lock.
        """
        self.__enter__()
        # Not left as a context: that would remove what is empty.
        self._release()
        return self.done

    def check(self) -> None:
        """Raise a ValueError unless it was laid out for equal settings."""
        with open(self.folder / "settings.json", "rb") as file:
            self._check_settings(json.load(file))

    def has(self, number: int) -> bool:
        """Return whether a block is finished."""
        record = BlockRecord(number, 0, 0, 0, 0, None, [], {})
        return BlockRecord.read(record.path(self.folder)) is not None


class _Part:
    """A store in the eyes of who has to do a part of the blocks."""

    def __init__(self, store: SharedStore, done: Collection[int]) -> None:
        self.products = store.products
        self.done = done
        self.write = store.write
