"""Doubts about tiles and masks, raised before a model learns from them."""

import threading
import warnings
from typing import Any

import keras
import numpy as np

from keras_rsseg.errors import ArgumentError
from keras_rsseg.models.one_hot_masks import ids_of_one_hot
from keras_rsseg.models.one_hot_masks import is_one_hot
from keras_rsseg.models.one_hot_masks import takes_one_hot
from keras_rsseg.models.preprocessing import check_masks
from keras_rsseg.sample_checks import SampleWarning
from keras_rsseg.sample_checks import TileValues
from keras_rsseg.sample_checks import check_values
from keras_rsseg.sample_checks import doubt_ids
from keras_rsseg.void import VOID

_CHUNK = 1 << 24
# Keras' metrics of class ids that count void as an error.
_OF_IDS = (
    keras.metrics.Accuracy,
    keras.metrics.SparseCategoricalAccuracy,
    keras.metrics.SparseTopKCategoricalAccuracy,
    keras.metrics.SparseCategoricalCrossentropy,
    keras.metrics.IoU,
)


def doubt_samples(
    model: Any,
    tiles: np.ndarray,
    masks: np.ndarray | None,
    whole: bool,
    what: str = "",
) -> list[str]:
    """Return what may be wrong with tiles and masks for a model.

    Args:
        model: a `Segmenter`.
        tiles: array `(batch, height, width, bands)`.
        masks: array `(batch, height, width)` or with a last axis of 1, whose
            ids are known to be classes or void; or with a channel for each
            class; or `None`.
        whole: whether these are all masks that are trained on.
        what: follows "The tiles" and "The masks" in messages, such as
            " of the first batch".

    Returns:
        Sentences for warnings.

    Raises:
        ArgumentError: if tiles are of another scale than the model takes.
    """
    name = f"The tiles{what}"
    doubts = check_values(TileValues.of(tiles), model.value_range, name)
    if masks is None:
        return doubts
    one_hot = is_one_hot(masks, model.num_classes)
    counts = _count(ids_of_one_hot(masks) if one_hot else masks)
    void = int(counts[VOID])
    if one_hot:
        counts[VOID] = 0  # Nobody would understand a doubt about 255.
    doubts += doubt_ids(
        counts, model.num_classes, f"The masks{what}", model.class_names, whole
    )
    wrong = model.metrics_that_count_void
    if void and wrong:
        shown = "pixels of no class" if one_hot else f"void ({VOID})"
        doubts.append(
            f"The masks{what} hold {shown}, which {', '.join(wrong)} of "
            "Keras counts as an error. Use keras_rsseg.metrics.PixelAccuracy "
            "or MeanIoU"
        )
    return doubts


def metrics_of_void(metrics: Any) -> tuple[str, ...]:
    """Return the names of Keras' metrics that count void as an error.

    Args:
        metrics: the metrics given to `compile()`.
    """
    return tuple(
        metric.name
        for metric in keras.tree.flatten(metrics)
        if isinstance(metric, _OF_IDS)
        and getattr(metric, "ignore_class", None) is None
    )


def warn_of(doubts: list[str], stacklevel: int = 2) -> None:
    """Issue one warning for each doubt.

    Args:
        doubts: sentences.
        stacklevel: stack level of the caller, counted as by `warnings.warn`.
    """
    for doubt in doubts:
        warnings.warn(doubt, SampleWarning, stacklevel=stacklevel + 1)


class FirstBatch:
    """Checks the first batch of a data set as it passes, and no other.

    Data sets cannot be read in advance: that would use up batches of a
    generator, and change the order of shuffled data.

    Args:
        model: a `Segmenter`.
    """

    def __init__(self, model: Any):
        self.error: Exception | None = None
        self._model = model
        self._lock = threading.Lock()
        self._seen = False

    def __call__(self, tiles: Any, masks: Any = None) -> None:
        """Check a batch, once.

        Args:
            tiles: array, or an object that converts to one.
            masks: likewise, or `None`.

        Raises:
            ArgumentError: see `doubt_samples`. It is kept in `error`, as
                pipelines raise their own.
            MaskError: likewise, see `check_masks`.
        """
        with self._lock:
            if self._seen:
                return
            self._seen = True
        try:
            tiles = keras.ops.convert_to_numpy(tiles)
            if masks is not None:
                masks = keras.ops.convert_to_numpy(masks)
            if not _fits(tiles, masks, self._model.num_classes):
                return  # refused elsewhere, with its own message
            if masks is not None:
                self._check_masks(masks, tiles)
            what = " of the first batch"
            warn_of(doubt_samples(self._model, tiles, masks, False, what))
        except Exception as error:
            self.error = error
            raise

    def _check_masks(self, masks: np.ndarray, tiles: np.ndarray) -> None:
        model = self._model
        one_hot = takes_one_hot(model.loss)
        check_masks(masks, tiles, model.num_classes, VOID, one_hot)

    def watch(self, dataset: Any) -> Any:
        """Return a `tf.data.Dataset` whose first batch is checked.

        Args:
            dataset: `tf.data.Dataset` of batches.
        """
        import tensorflow as tf

        def look(*arrays: Any) -> np.bool_:
            self(*arrays)
            return np.bool_(True)

        def watched(index: Any, batch: Any) -> Any:
            parts = batch if isinstance(batch, tuple) else (batch,)
            parts = parts[:2]
            if not all(isinstance(part, tf.Tensor) for part in parts):
                return batch
            done = tf.cond(
                tf.equal(index, 0),
                lambda: tf.numpy_function(look, parts, tf.bool),
                lambda: tf.constant(True),
            )
            with tf.control_dependencies([done]):
                return tf.nest.map_structure(tf.identity, batch)

        # AutoGraph would only look for source code it need not change.
        watched = tf.autograph.experimental.do_not_convert(watched)
        return dataset.enumerate().map(watched)


def _fits(
    tiles: np.ndarray, masks: np.ndarray | None, num_classes: int
) -> bool:
    if tiles.ndim != 4 or tiles.dtype.kind not in "uif":
        return False
    if masks is None:
        return True
    size = masks.size
    if is_one_hot(masks, num_classes):
        size //= num_classes
    return masks.dtype.kind in "uifb" and size == tiles[..., 0].size


def _count(masks: np.ndarray) -> np.ndarray:
    """Pixels of each id; other values are refused elsewhere."""
    counts = np.zeros(VOID + 1, "int64")
    flat = masks.reshape(-1)
    for start in range(0, flat.size, _CHUNK):
        part = flat[start : start + _CHUNK]
        part = part[(part >= 0) & (part <= VOID)].astype("uint8")
        counts += np.bincount(part, minlength=VOID + 1)
    return counts


def refuse_class_weight(class_weight: Any) -> None:
    """Refuse `fit(class_weight=...)`, which Keras has for whole samples.

    Args:
        class_weight: the argument of `fit()`.

    Raises:
        ArgumentError: unless it is `None`.
    """
    if class_weight is not None:
        weights = list(class_weight.values())
        raise ArgumentError(
            "`class_weight` weights whole samples, and a tile has many "
            "classes. Give the loss weights for pixels instead: "
            "`model.compile(loss=keras_rsseg.losses.FocalLoss(gamma=0, "
            f"class_weights={weights}))` is cross-entropy with them (see "
            "keras_rsseg.data.class_weights), or weight a data set with "
            "keras_rsseg.data.weigh_pixels"
        )
