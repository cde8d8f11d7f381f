"""The scenes of an iterable of records, such as TFDS gives."""

import os
from collections.abc import Iterator
from collections.abc import Mapping

from keras_rsseg.data.pairs import ImageMaskPairs
from keras_rsseg.data.tiling import tile_windows
from keras_rsseg.evaluation.labelled_scene import LabelledScene
from keras_rsseg.evaluation.labelled_scene import check_bands
from keras_rsseg.evaluation.labelled_scene import check_labelled
from keras_rsseg.evaluation.labelled_scene import check_names
from keras_rsseg.evaluation.mask_palette import palette_of
from keras_rsseg.void import VOID


class RecordScenes:
    """Scenes from dicts with `"image"`, `"mask"` and maybe `"name"`.

    What can be iterated again is read once to check it; what cannot, such as
    a generator, is checked as it is read.

    Args:
        records: iterable of records, or a `tf.data.Dataset`.
        num_classes: int; ids must lie below it or be 255.
        palette: see `palette_of`.
        bands: band numbers to read, from 1, or `None` for all.
        model: the model, for its `bands` and `palette`.

    Raises:
        TypeError, ValueError: see `keras_rsseg.evaluate`.
    """

    def __init__(self, records, num_classes, palette, bands, model):
        self._open = _opener(records)
        self._once = isinstance(records, Iterator)
        self._num_classes = num_classes
        self._palette = palette
        self._bands = bands
        self._model = model

    def __iter__(self):
        for scene in self._read_all():
            if self._once:
                check_labelled(_if_unlabelled(scene))
            yield scene

    def count_tiles(self, tile_size, stride):
        """Check all scenes and return the number of their tiles.

        Returns:
            An int; `None` for an iterator, which is left as it is.
        """
        if self._once:
            return None
        count, unlabelled = 0, []
        for scene in self._read_all():
            size = scene.height, scene.width
            count += len(tile_windows(*size, tile_size, stride))
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
                raise ValueError(
                    "All images must have one dtype. Received: "
                    f"{scene.image.dtype} in {scene}, {dtype} in {names[0]}"
                )
            yield scene
        if not names:
            raise ValueError("`dataset` must hold a scene. Received: none")

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
            )
            check_bands(pairs, self._model)
        except ValueError as error:
            raise ValueError(f"In the scene {name}: {error}") from error
        return LabelledScene.read_pair(pairs, 0, name)


def _opener(records):
    """Return the function that starts to iterate."""
    if hasattr(records, "as_numpy_iterator"):
        if int(records.cardinality()) == -1:
            raise ValueError(
                "`dataset` must end. Received: one that repeats for ever"
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
