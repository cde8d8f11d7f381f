"""Scenes with labels: files in pairs, or records of a data set."""

import collections
import os
import pathlib
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_rsseg.data.mask_values import IdMapping
from keras_rsseg.data.pairs import NO_DATA
from keras_rsseg.data.pairs import ImageMaskPairs
from keras_rsseg.data.palette import UnlistedColors
from keras_rsseg.data.reading import read_mask
from keras_rsseg.data.sources import as_lists
from keras_rsseg.data.sources import undrawn
from keras_rsseg.data.tiling import tile_windows
from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import DatasetError
from keras_rsseg.errors import KerasRssegError
from keras_rsseg.errors import MaskError
from keras_rsseg.evaluation.masks import MaskPalette
from keras_rsseg.evaluation.masks import palette_of
from keras_rsseg.rasters.bands import check_band_count
from keras_rsseg.rasters.opener import is_path
from keras_rsseg.rasters.opener import name_of
from keras_rsseg.void import VOID


class LabelledScene:
    """A scene in memory, read by window as by a `SceneReader`.

    Pixels with a class in the truth are valid: no others can be scored.

    Args:
        name: str.
        image: array `(H, W, bands)`.
        truth: uint8 array `(H, W)`, class ids, 255 void.
    """

    def __init__(self, name: str, image: np.ndarray, truth: np.ndarray) -> None:
        self.name = name
        self.image = image
        self.truth = truth
        self.height, self.width = truth.shape

    @classmethod
    def read_pair(
        cls, pairs: ImageMaskPairs, index: int, name: str
    ) -> "LabelledScene":
        """Return a scene of `ImageMaskPairs`; pixels without data are void."""
        image, mask = pairs.read(index, None)
        mask[mask == NO_DATA] = VOID
        return cls(name, image, mask.astype("uint8"))

    def __str__(self) -> str:
        return self.name

    def read(
        self, row: int, col: int, height: int, width: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the pixels of a window and which of them are labelled."""
        window = slice(row, row + height), slice(col, col + width)
        return self.image[window], self.truth[window] != VOID


def check_names(names: Sequence[str]) -> None:
    """Raise if a data set holds a scene twice."""
    if len(set(names)) < len(names):
        name, count = collections.Counter(names).most_common(1)[0]
        raise DatasetError(
            f"`dataset` holds the scene {name} {count} times, so it would be "
            "counted several times"
        )


def _check_bands(pairs: ImageMaskPairs, model: Any) -> None:
    """Raise if images do not have as many bands as the model takes."""
    check_band_count(
        getattr(model, "bands", None),
        pairs.bands,
        "the images have",
        "Say which to read with `bands=`, by number from 1 or by name",
    )


def check_labelled(unlabelled: Sequence[str]) -> None:
    """Raise if scenes, given by name, have nothing to score."""
    if unlabelled:
        raise MaskError(
            "Scenes without a labelled pixel cannot be scored. Leave them out, "
            "or give the `palette` of their masks. Received: "
            + ", ".join(unlabelled)
        )


class PairScenes:
    """Scenes from files or arrays, all checked on construction.

    Args:
        images: list of paths or arrays, or one of them, or a folder.
        masks: the masks, likewise.
        num_classes: int; ids must lie below it or be 255.
        palette: see `palette_of`.
        bands: band numbers to read, from 1, or `None` for all.
        model: the model, for its `bands` and `palette`.
        ids, class_attribute: as for `keras_rsseg.data.tile_dataset`.

    Raises:
        FileNotFoundError, KerasRssegError: see `keras_rsseg.evaluate`.
    """

    def __init__(
        self,
        images: Any,
        masks: Any,
        num_classes: int,
        palette: MaskPalette,
        bands: Sequence[int] | None,
        model: Any,
        ids: IdMapping | None = None,
        class_attribute: str | None = None,
    ) -> None:
        images, masks = as_lists(images, masks, class_attribute, ids)
        if masks is None:
            raise ArgumentError(
                "`dataset` must have masks. Received: None for them"
            )
        palette = palette_of(masks, palette, model)
        self._pairs = ImageMaskPairs(
            images,
            undrawn(masks),
            palette,
            num_classes,
            bands,
            cache=False,
            ids=ids,
            class_attribute=class_attribute,
        )
        self._names = _names(images)
        check_names(self._names)
        _check_bands(self._pairs, model)
        check_labelled(
            [
                name
                for name, mask in zip(self._names, masks, strict=True)
                if not _is_labelled(mask, palette, ids)
            ]
        )

    def __iter__(self) -> Iterator[LabelledScene]:
        for index, name in enumerate(self._names):
            yield LabelledScene.read_pair(self._pairs, index, name)

    def count_tiles(self, tile_size: int, stride: int) -> int:
        """Return the number of tiles of all scenes."""
        return sum(
            len(tile_windows(height, width, tile_size, stride))
            for height, width in self._pairs.sizes
        )


def _is_labelled(mask, palette, ids):
    # What the palette lacks was reported when the ids were checked.
    found = read_mask(mask, None, palette, UnlistedColors(), "masks", ids)
    return (found != VOID).any()


def _names(images):
    """Stems of the files; whole paths if stems do not tell them apart."""
    names = [
        name_of(image, f"images[{index}]") for index, image in enumerate(images)
    ]
    stems = {pathlib.Path(name).stem: None for name in names}
    files = all(is_path(image) for image in images)
    return list(stems) if files and len(stems) == len(names) else names


class RecordScenes:
    """Scenes from dicts with `"image"`, `"mask"` and maybe `"name"`.

    Records that can be iterated again are read once to check them; others,
    such as those of a generator, are checked as they are read.

    Args:
        records: iterable of records, or a `tf.data.Dataset`.
        num_classes: int; ids must lie below it or be 255.
        palette: see `palette_of`.
        bands: band numbers to read, from 1, or `None` for all.
        model: the model, for its `bands` and `palette`.
        ids: as for `keras_rsseg.data.tile_dataset`.

    Raises:
        TypeError, KerasRssegError: see `keras_rsseg.evaluate`.
    """

    def __init__(
        self,
        records: Iterable[Mapping[str, Any]],
        num_classes: int,
        palette: MaskPalette,
        bands: Sequence[int] | None,
        model: Any,
        ids: IdMapping | None = None,
    ) -> None:
        self._ids = ids
        self._open = _opener(records)
        self._once = isinstance(records, Iterator)
        self._num_classes = num_classes
        self._palette = palette
        self._bands = bands
        self._model = model

    def __iter__(self) -> Iterator[LabelledScene]:
        for scene in self._read_all():
            if self._once:
                check_labelled(_if_unlabelled(scene))
            yield scene

    def count_tiles(self, tile_size: int, stride: int) -> int | None:
        """Check all scenes and return the number of their tiles.

        Returns:
            An int; `None` for an iterator, which is left as it is.
        """
        if self._once:
            return None
        count, unlabelled = 0, []
        for scene in self._read_all():
            count += len(
                tile_windows(scene.height, scene.width, tile_size, stride)
            )
            unlabelled += _if_unlabelled(scene)
        check_labelled(unlabelled)
        return count

    def _read_all(self):
        names, dtype = [], None
        for index, record in enumerate(self._open()):
            scene = self._read(index, record)
            names.append(scene.name)
            check_names(names)
            dtype = dtype or scene.image.dtype
            if scene.image.dtype != dtype:
                raise DatasetError(
                    "All images must have one dtype. Received: "
                    f"{scene.image.dtype} in {scene}, {dtype} in {names[0]}"
                )
            yield scene
        if not names:
            raise DatasetError("`dataset` must hold a scene. Received: none")

    def _read(self, index, record):
        if not isinstance(record, Mapping) or not {"image", "mask"} <= set(
            record
        ):
            raise _wrong_dataset(record)
        name = record.get("name", f"scene {index}")
        name = name.decode() if isinstance(name, bytes) else str(name)
        try:
            pairs = ImageMaskPairs(
                [record["image"]],
                [record["mask"]],
                palette_of([record["mask"]], self._palette, self._model),
                self._num_classes,
                self._bands,
                ids=self._ids,
            )
            _check_bands(pairs, self._model)
        except KerasRssegError as error:
            raise type(error)(f"In the scene {name}: {error}") from error
        return LabelledScene.read_pair(pairs, 0, name)


def _opener(records):
    """Return the function that starts to iterate."""
    if hasattr(records, "as_numpy_iterator"):
        if int(records.cardinality()) == -1:
            raise ArgumentError(
                "`dataset` must end. Received: one that repeats forever"
            )
        return records.as_numpy_iterator
    if isinstance(records, Mapping | str | os.PathLike) or not hasattr(
        records, "__iter__"
    ):
        raise _wrong_dataset(records)
    return lambda: iter(records)


def _wrong_dataset(received):
    what = (
        f"a dict with {sorted(received)}"
        if isinstance(received, Mapping)
        else type(received).__name__
    )
    return TypeError(
        "`dataset` must be an iterable of records, which are dicts with the "
        "'image' and the 'mask' of a whole scene, or a pair (images, masks) "
        f"of lists or folders. Received: {what}"
    )


def _if_unlabelled(scene):
    return [] if (scene.truth != VOID).any() else [scene.name]
