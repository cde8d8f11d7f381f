"""From any input of `fit()` to batches of prepared tiles."""

import copy
import importlib
import random
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from keras_rsseg.errors import ArgumentError
from keras_rsseg.tables import counted

_DEFAULT_BATCH = 32

# From (tiles, masks, weights) to the same, as a model takes them.
Prepare = Callable[..., Any]


def is_arrays(data: Any) -> bool:
    """Return whether data are arrays, or lists of them, not a data set.

    Args:
        data: the argument `x` of `fit()`.
    """
    if hasattr(data, "shape"):
        return True
    return (
        isinstance(data, list | tuple)
        and len(data) > 0
        and all(hasattr(part, "shape") for part in data)
    )


def as_array(data: Any) -> Any:
    """Return a list of arrays of one shape as one array; others unchanged.

    Args:
        data: array, list of arrays, or `None`.
    """
    if not isinstance(data, list | tuple):
        return data
    return np.stack([keras.ops.convert_to_numpy(part) for part in data])


def is_plain_batches(data: Any) -> bool:
    """Return whether data are batches that keras-hub cannot prepare.

    Args:
        data: a `keras.utils.PyDataset`, a torch `DataLoader`, a generator or
            another iterator; anything else is not.
    """
    return (
        isinstance(data, keras.utils.PyDataset | Iterator)
        or _loader_class(data) is not None
    )


def split_arrays(
    arrays: tuple[Any, ...], share: float
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Split arrays into all but the last samples, and the last samples.

    Args:
        arrays: tiles, masks and weights; each can be `None`.
        share: share of the samples in the second part.

    Raises:
        ArgumentError: if one part would be empty.
    """
    count = len(arrays[0])
    place = int(count * (1 - share))
    if not 0 < place < count:
        raise ArgumentError(
            "`validation_split` must leave samples for training and for "
            f"validation. Received: {share} of {counted(count, 'tile')}"
        )
    first = tuple(None if a is None else a[:place] for a in arrays)
    return first, tuple(None if a is None else a[place:] for a in arrays)


def batch_arrays(
    arrays: tuple[Any, ...], batch_size: int | None, shuffle: bool
) -> Any:
    """Return arrays as a data set of batches.

    Args:
        arrays: tiles, masks and weights; the last can be `None`.
        batch_size: int, or `None` for 32.
        shuffle: whether each epoch has its own order.

    Returns:
        A grain data set, or a `tf.data.Dataset` if grain is not installed.
    """
    parts = tuple(
        keras.ops.convert_to_numpy(a) for a in arrays if a is not None
    )
    counts = {len(part) for part in parts}
    if len(counts) > 1:
        raise ArgumentError(
            "Tiles, masks and `sample_weight` must be equally many. Received: "
            f"{[len(part) for part in parts]}"
        )
    # Keras' seed, `keras.utils.set_random_seed`, is also that of `random`.
    seed = random.randrange(1 << 31)
    try:
        grain: Any = importlib.import_module("grain")
    except ImportError:
        import tensorflow as tf

        data = tf.data.Dataset.from_tensor_slices(parts)
        if shuffle:
            data = data.shuffle(len(parts[0]), seed=seed)
        return data.batch(batch_size or _DEFAULT_BATCH)
    data = grain.MapDataset.source(_Samples(parts))
    if shuffle:
        data = data.shuffle(seed=seed)
    return data.batch(batch_size or _DEFAULT_BATCH)


class _Samples:
    """The samples of some arrays, one after the other."""

    def __init__(self, arrays: tuple[np.ndarray, ...]):
        self._arrays = arrays

    def __len__(self) -> int:
        return len(self._arrays[0])

    def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
        return tuple(array[index] for array in self._arrays)


def prepare_batches(data: Any, prepare: Prepare) -> Any:
    """Return data of the same kind, whose batches are prepared when read.

    Args:
        data: a `keras.utils.PyDataset`, torch `DataLoader`, generator or
            iterator of `(tiles, masks)` or `(tiles, masks, weights)`; a
            `grain.MapDataset` or a `tf.data.Dataset`.
        prepare: see `Segmenter.preprocess_samples`.
    """
    if isinstance(data, keras.utils.PyDataset):
        return _PreparedDataset(data, prepare)
    if isinstance(data, Iterator):
        return (_prepared(batch, prepare) for batch in data)
    if _loader_class(data) is not None:
        return _prepared_loader(data, prepare)
    if hasattr(data, "as_numpy_iterator"):
        import tensorflow as tf

        return data.map(prepare, tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
    return _PreparedMap(data, prepare)


def _prepared(batch: Any, prepare: Prepare) -> tuple[Any, ...]:
    batch = tuple(batch) if isinstance(batch, list) else batch
    parts = keras.utils.unpack_x_y_sample_weight(batch)
    # For torch's loaders on a GPU, and JAX: pipelines work with NumPy.
    parts = [
        None if p is None else keras.ops.convert_to_numpy(p) for p in parts
    ]
    found = prepare(*parts)
    found = found if isinstance(found, tuple) else (found,)
    return tuple(
        part if part is None else keras.ops.convert_to_numpy(part)
        for part in found
    )


class _PreparedDataset(keras.utils.PyDataset):
    """A `PyDataset` whose batches are prepared."""

    def __init__(self, source: keras.utils.PyDataset, prepare: Prepare):
        super().__init__(
            workers=source.workers,
            use_multiprocessing=source.use_multiprocessing,
            max_queue_size=source.max_queue_size,
        )
        self._source, self._prepare = source, prepare

    @property
    def num_batches(self) -> int | None:
        """Number of batches, `None` if endless."""
        return self._source.num_batches

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        return _prepared(self._source[index], self._prepare)

    def on_epoch_begin(self) -> None:
        """Pass it on."""
        self._source.on_epoch_begin()

    def on_epoch_end(self) -> None:
        """Pass it on."""
        self._source.on_epoch_end()


class _PreparedMap(keras.utils.PyDataset):
    """A `grain.MapDataset` of batches, each epoch a further part."""

    def __init__(self, source: Any, prepare: Prepare):
        super().__init__()
        self._source, self._prepare = source, prepare
        self._epoch = -1

    def __len__(self) -> int:
        return len(self._source)

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        index += max(self._epoch, 0) * len(self)
        return _prepared(self._source[index], self._prepare)

    def on_epoch_begin(self) -> None:
        """Begin a new order if the source is shuffled."""
        self._epoch += 1


def _loader_class(data: Any) -> type | None:
    """Return the class of a torch `DataLoader`, without importing torch."""
    for cls in type(data).__mro__:
        if cls.__name__ == "DataLoader" and cls.__module__.startswith(
            "torch.utils.data"
        ):
            return cls
    return None


def _prepared_loader(loader: Any, prepare: Prepare) -> Any:
    """Return a `DataLoader` like another, with prepared batches."""
    import torch

    def iterate(self: Any) -> Iterator[tuple[Any, ...]]:
        for batch in type(loader).__iter__(self):
            yield tuple(
                part if part is None else torch.from_numpy(np.array(part))
                for part in _prepared(batch, prepare)
            )

    found = copy.copy(loader)
    # Keras needs an instance of the class, but only iterates over it.
    found.__class__ = type(
        "PreparedLoader", (type(loader),), {"__iter__": iterate}
    )
    return found
