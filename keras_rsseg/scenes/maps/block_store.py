"""Finished blocks of a map on disk, and the maps made of them."""

import filecmp
import json
import logging
import os
import pathlib
import re
import zlib
from collections.abc import Iterable
from typing import Any
from typing import Self

import numpy as np

from keras_rsseg.errors import ArgumentError
from keras_rsseg.files import hidden_path
from keras_rsseg.files import link_target
from keras_rsseg.files import remove_file
from keras_rsseg.files import replace_durably
from keras_rsseg.files import write_durably
from keras_rsseg.rasters.output_files import remove_raster
from keras_rsseg.scenes.maps.block_files import BlockRecord
from keras_rsseg.scenes.maps.block_files import write_raster
from keras_rsseg.scenes.maps.class_map import Legend
from keras_rsseg.scenes.maps.class_map import MapGrid
from keras_rsseg.scenes.maps.cog import write_cog
from keras_rsseg.scenes.maps.map_products import Product
from keras_rsseg.void import VOID
from keras_rsseg.work_folder import WorkFolder

logger = logging.getLogger(__name__)

# Version of the storage format; runs of another one cannot be resumed.
_FORMAT = 1
_SETTINGS = "settings.json"
# Names of files in the folder, also of runs with more products: records and
# rasters of blocks, unfinished files, and GDAL's files beside them.
_PRODUCTS = "(classes|probabilities|uncertainty)"
_OWN_NAMES = "|".join(
    (
        re.escape(_SETTINGS),
        rf"\d{{6,}}(\.json|_{_PRODUCTS}\.tif(\..*)?)",
        rf"\.({re.escape(_SETTINGS)}|\d{{6,}}[._].*)\.partial",
        rf"{_PRODUCTS}\.(vrt|tif)(\..*)?",
    )
)
# Files that may lie beside a replaced map and would not fit the new one.
_SIDECARS = (".aux.xml", ".msk", ".ovr", ".vat.dbf", ".vat.cpg")


def check_not_running(path: pathlib.Path) -> None:
    """Raise if another run is making a map.

    Args:
        path: path of the map.

    Raises:
        AlreadyRunningError: if one is.
        NotADirectoryError: if its folder is a link or a file.
    """
    _work_folder(link_target(path)).check_free()


def _work_folder(path: pathlib.Path) -> WorkFolder:
    return WorkFolder(hidden_path(path, ".blocks"), path, _OWN_NAMES)


class BlockStore:
    """The maps of a scene, kept block by block until they are complete.

    Finished blocks are kept in a hidden folder beside the first product,
    `.<name>.blocks`, and survive whatever ends the run: after a crash or
    kill, the next run with `resume=True` continues from them. `publish`
    assembles the maps and removes the folder. Until then no other run may
    enter it.

    Peak disk use is nearly twice the size of the maps: the compressed
    blocks, the maps being assembled, and a third of a map for overviews. A
    product for another folder is assembled there, under a hidden name that
    starts with `.<its name>.`.

    Args:
        products: list of `Product`, classes first, with checked paths.
        grid: a `MapGrid`.
        settings: dict of all that the blocks depend on, which JSON can hold.
            A run can only be resumed with equal settings.
        resume: whether to keep the blocks of an earlier run.
        overwrite: whether existing files may be replaced.

    Raises:
        ValueError: on entering, if settings differ from those of the run
            to resume.
        AlreadyRunningError: on entering, if another run is writing there.
        NotADirectoryError: on entering, if the folder is a link.

    Example:

    ```python
    from keras_rsseg.scenes.maps.block_store import BlockStore
    from keras_rsseg.scenes.maps.class_map import MapGrid

    product = keras_rsseg.scenes.Product("classes", "classes.tif")
    with BlockStore([product], MapGrid(4, 8), {"tile_size": 4}) as store:
        for number in range(2):
            classes = np.full((1, 4, 4), number, "uint8")
            block = (number, 0, 4 * number, 4, 4)
            store.write(block, {"classes": classes}, num_classes=2)
        store.publish(keras_rsseg.scenes.Legend(["land", "water"]))
    ```
    """

    def __init__(
        self,
        products: Iterable[Product],
        grid: MapGrid,
        settings: dict[str, Any],
        resume: bool = False,
        overwrite: bool = False,
    ) -> None:
        self.products = tuple(products)
        self.grid = grid
        self._work = _work_folder(self.products[0].path)
        self.folder = self._work.path
        self._settings = {
            "format": _FORMAT,
            **settings,
            "grid": grid.to_dict(),
            "products": {
                product.name: [product.dtype, product.kind]
                for product in self.products
            },
        }
        # In the form that JSON returns.
        self._settings = json.loads(json.dumps(self._settings))
        self._resume = resume
        self._overwrite = overwrite
        self._records: dict[int, BlockRecord] = {}
        self._counts: np.ndarray = np.zeros(256, "int64")
        self._published = False

    @property
    def done(self) -> frozenset[int]:
        """The numbers of the finished blocks."""
        return frozenset(self._records)

    @property
    def counts(self) -> np.ndarray:
        """Pixel counts by class id in the finished blocks, int64 `(256,)`."""
        return self._counts.copy()

    @property
    def num_classes(self) -> int | None:
        """Number of classes in the finished blocks; `None` if unknown."""
        counts = (record.num_classes for record in self._records.values())
        return next((count for count in counts if count), None)

    def __enter__(self) -> Self:
        self._work.acquire()
        try:
            self._load()
        except BaseException:
            self._release()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        if self._records and not self._published:
            logger.warning(
                "%d finished blocks are kept in %s. Give `resume` (on the "
                "command line --resume) to continue from them.",
                len(self._records),
                self.folder,
            )
        else:
            self._work.empty()
        self._release()

    def write(
        self,
        block: tuple[int, int, int, int, int],
        rasters: dict[str, np.ndarray] | None,
        num_classes: int | None = None,
    ) -> None:
        """Store a finished block; it is on disk when this returns.

        Args:
            block: a `Block`: number, first row and column, height, width.
            rasters: `{product name: array (bands, h, w)}`, or `None` for
                a block without a valid pixel.
            num_classes: number of classes of the model, `None` if it was
                not run.
        """
        counts: np.ndarray = np.zeros(256, "int64")
        files: dict[str, list[int]] = {}
        if rasters is None:
            *_, height, width = block
            counts[VOID] = height * width
        else:
            counts += np.bincount(rasters["classes"].ravel(), minlength=256)
        record = BlockRecord(*block, num_classes, counts.tolist(), files)
        if rasters is not None:
            for product in self.products:
                path = record.raster_path(self.folder, product.name)
                raster = rasters[product.name]
                files[product.name] = write_raster(path, raster, product)
        record.write(self.folder)
        self._take(record)

    def discard(self) -> None:
        """Discard the finished blocks, so that none are kept."""
        self._records.clear()
        self._counts[:] = 0

    def publish(
        self, legend: Legend, tags: dict[str, Any] | None = None
    ) -> None:
        """Assemble the maps, check them, and put them in place.

        They are written in the store's folder, read back, and renamed when
        all are complete.

        Args:
            legend: a `Legend`, which is completed in place.
            tags: dict of provenance tags.

        Raises:
            RuntimeError: if blocks are missing.
            OSError: if a map cannot be written.
            FileExistsError: if something else created one of the files
                meanwhile.
        """
        self._check_complete()
        num_classes = self.num_classes or legend.num_classes
        if num_classes:
            legend.complete(num_classes)
        maps = {product: self._begun(product) for product in self.products}
        try:
            for product, path in maps.items():
                self._make(path, product, legend, tags or {})
        except BaseException:
            for path in maps.values():
                remove_raster(path)
            raise
        self._check_free(maps)
        # The classes last: where they exist, everything does.
        for product, path in reversed(maps.items()):
            _move(path, product.path)
        self._published = True

    def _begun(self, product: Product) -> pathlib.Path:
        """Where a map is assembled: in the file system of its destination."""
        if product.path.parent.absolute() == self.folder.parent.absolute():
            return self.folder / f"{product.name}.tif"
        # The same in each run, so that the next one finds what is left over.
        run = zlib.crc32(os.fsencode(self.folder.absolute()))
        return hidden_path(product.path, f".{run:08x}.tif")

    def _make(
        self,
        path: pathlib.Path,
        product: Product,
        legend: Legend,
        tags: dict[str, Any],
    ) -> None:
        records = list(self._records.values())
        write_cog(path, self.folder, product, self.grid, records, legend, tags)

    def _load(self) -> None:
        records = self._stored_records() if self._resume else []
        if not self._resume and any(self.folder.glob("[0-9]*.json")):
            logger.warning(
                "The finished blocks of an earlier run in %s are removed. "
                "`resume` (on the command line --resume) would have continued "
                "from them.",
                self.folder,
            )
        for record in records:
            self._take(record)
        self._tidy(records)
        if not records:
            data = json.dumps(self._settings, indent=1).encode()
            write_durably(self.folder / _SETTINGS, data)

    def _tidy(self, records: list[BlockRecord]) -> None:
        """Remove what an earlier run left, except these blocks."""
        keep = [self.folder / _SETTINGS] if records else []
        for record in records:
            keep.append(record.path(self.folder))
            keep.extend(
                record.raster_path(self.folder, name) for name in record.files
            )
        self._work.empty({path.name for path in keep})
        for product in self.products:
            remove_raster(self._begun(product))

    def _stored_records(self) -> list[BlockRecord]:
        try:
            stored = json.loads((self.folder / _SETTINGS).read_bytes())
        except (OSError, ValueError):
            return []
        paths = sorted(self.folder.glob("[0-9]*.json"))
        records = [
            record for path in paths if (record := BlockRecord.read(path))
        ]
        if records:
            self._check_settings(stored)
        return records

    def _check_settings(self, stored: dict[str, Any]) -> None:
        then, now = _flat(stored), _flat(self._settings)
        differing = [
            f"{key}: {_shown(then.get(key))} then, {_shown(now.get(key))} now"
            for key in sorted(then.keys() | now.keys())
            if then.get(key) != now.get(key)
        ]
        if differing:
            raise ArgumentError(
                "`resume`: the interrupted run had other settings; "
                f"{'; '.join(differing)}. Give the same, or start again "
                "without `resume`"
            )

    def _take(self, record: BlockRecord) -> None:
        self._records[record.number] = record
        self._counts += np.array(record.counts)

    def _check_complete(self) -> None:
        records = self._records.values()
        pixels = sum(record.height * record.width for record in records)
        wanted = self.grid.height * self.grid.width
        if pixels != wanted:
            raise RuntimeError(
                f"The finished blocks hold {pixels} of {wanted} pixels"
            )

    def _check_free(self, maps: dict[Product, pathlib.Path]) -> None:
        for product, path in maps.items():
            if self._overwrite or not product.path.exists():
                continue
            # A run killed between two renames has put identical ones there.
            if not filecmp.cmp(path, product.path, shallow=False):
                raise FileExistsError(
                    f"{product.path} was created by something else meanwhile. "
                    f"The finished map is {path}"
                )

    def _release(self) -> None:
        """Leave the folder, and remove it if nothing is kept in it."""
        self._work.release()


def _move(source: pathlib.Path, destination: pathlib.Path) -> None:
    """Put a map in place, replacing what was there."""
    for suffix in _SIDECARS:
        remove_file(_beside(destination, suffix))
    # It has the reference system, if a GeoTIFF cannot hold that.
    system = _beside(source, _SIDECARS[0])
    if system.exists():
        replace_durably(system, _beside(destination, _SIDECARS[0]))
    replace_durably(source, destination)


def _beside(path: pathlib.Path, suffix: str) -> pathlib.Path:
    return path.with_name(path.name + suffix)


def _flat(settings: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """`{"a": {"b": 1}}` as `{"a.b": 1}`."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, dict):
            flat.update(_flat(value, f"{prefix}{key}."))
        else:
            flat[prefix + key] = value
    return flat


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
