"""Mixing data sets of tiles, in stated shares of each batch."""

from collections.abc import Iterable
from collections.abc import Sequence
from typing import TYPE_CHECKING
from typing import Any

import numpy as np

from keras_rsseg.checks import check_positive
from keras_rsseg.data.tile_batches import as_written
from keras_rsseg.errors import ArgumentError

if TYPE_CHECKING:
    import tensorflow

# What the parts of an element are, if it is a tuple.
_PARTS = ("images", "masks", "weights")
_WHOLE = 1e-6


def mix_datasets(
    datasets: Iterable["tensorflow.data.Dataset"],
    batch_size: int = 8,
    shares: Sequence[float] | None = None,
) -> "tensorflow.data.Dataset":
    """Return batches that hold tiles of every data set, in stated shares.

    Every batch holds the same number of tiles of a data set, first those of
    the first data set, then those of the second, and so on, whatever the
    size of the data sets or of their own batches.

    The mix is as repeatable as its parts. From `tile_dataset` with
    `repeat=True`, a `seed` and `first_epoch=n`, it equals what a mix from
    epoch 0 gives after n epochs of `fit(steps_per_epoch=steps)`, if each part
    has `tiles_per_epoch = steps * (its tiles in a batch)`.

    Args:
        datasets: list of `tf.data.Dataset` of batches, such as
            `tile_dataset`, `tile_records` and `weigh_pixels` return, with
            tiles of the same size, bands and dtype, and the same parts:
            only images, images and masks, or more, as tuple or dict.
        batch_size: int, tiles in a batch.
        shares: a positive number for each data set: its share of a batch,
            relative to the others. They must divide `batch_size` into whole
            numbers of tiles. Defaults to equal shares.

    Returns:
        A `tf.data.Dataset` of the same elements, `batch_size` tiles each. It
        ends when the first data set ends, and drops an incomplete last
        batch; make them with `repeat=True` to go on. If all data sets
        repeat, its cardinality is infinite, otherwise unknown.

    Raises:
        ArgumentError: if shares do not give whole tiles, or data sets
            differ; it says in what.

    Example:

    ```python
    def tiles_of(value):
        return keras_rsseg.data.tile_dataset(
            np.full((64, 64, 3), value, "uint8"),
            np.zeros((64, 64), "uint8"),
            tile_size=32,
            sampling="random",
            tiles_per_epoch=100,
            repeat=True,
            seed=1,
        )

    tiles = keras_rsseg.data.mix_datasets(
        [tiles_of(10), tiles_of(20)], batch_size=4, shares=(0.75, 0.25)
    )
    images, masks = next(iter(tiles))
    images[:, 0, 0, 0]  # (10, 10, 10, 20)
    ```

    `model.fit(tiles, epochs=10, steps_per_epoch=100)` takes the result.
    """
    import tensorflow as tf

    datasets = _as_datasets(datasets)
    check_positive("batch_size", batch_size)
    counts = _tiles_of_each(len(datasets), batch_size, shares)
    _check_alike(datasets)

    @as_written
    def join(*batches):
        return tf.nest.map_structure(
            lambda *parts: tf.concat(parts, axis=0), *batches
        )

    parts = tuple(
        dataset.rebatch(count, drop_remainder=True)
        for dataset, count in zip(datasets, counts, strict=True)
    )
    mixed = tf.data.Dataset.zip(parts).map(
        join, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )
    endless = tf.data.INFINITE_CARDINALITY
    if all(int(dataset.cardinality()) == endless for dataset in datasets):
        mixed = mixed.apply(tf.data.experimental.assert_cardinality(endless))
    return mixed.prefetch(tf.data.AUTOTUNE)


def _as_datasets(datasets: Any) -> list["tensorflow.data.Dataset"]:
    # A dataset is an iterable too, of its elements.
    found = [] if hasattr(datasets, "element_spec") else list(datasets)
    if not found or not all(hasattr(one, "rebatch") for one in found):
        raise ArgumentError(
            "`datasets` must be a list of one or more tf.data.Dataset. "
            f"Received: {datasets!r}"
        )
    return found


def _tiles_of_each(
    number: int, batch_size: int, shares: Sequence[float] | None
) -> list[int]:
    """Return how many tiles of a batch come from each data set."""
    given = np.ones(number) if shares is None else np.asarray(shares, "float64")
    if given.shape != (number,) or not (
        np.isfinite(given).all() and (given > 0).all()
    ):
        raise ArgumentError(
            "`shares` must be a positive number for each data set. Received: "
            f"{number} data sets, shares={shares!r}"
        )
    tiles = batch_size * given / given.sum()
    counts = np.rint(tiles).astype(int)
    if (np.abs(tiles - counts) > _WHOLE).any() or (counts < 1).any():
        raise ArgumentError(
            "`shares` of a batch must be whole numbers of tiles. Received: "
            f"batch_size={batch_size}, shares={shares!r} for {number} data "
            f"sets, which are {', '.join(f'{part:g}' for part in tiles)} tiles"
        )
    return counts.tolist()


def _check_alike(datasets: Sequence["tensorflow.data.Dataset"]) -> None:
    """Raise if the batches of data sets cannot be joined."""
    first = _facts(datasets[0].element_spec)
    for index, dataset in enumerate(datasets):
        facts = _facts(dataset.element_spec)
        ranks = [shape.rank for shape, _ in facts.values()]
        if None in ranks or min(ranks) < 1 or max(ranks) != 4:
            raise ArgumentError(
                "`datasets` must hold batches of tiles (B, h, w, C), with "
                f"what belongs to them. Received: datasets[{index}] of "
                f"{_listed(facts)}"
            )
        if facts.keys() != first.keys():
            remedy = ""
            if "weights" in facts.keys() ^ first.keys():
                remedy = (
                    ". `weigh_pixels` can give the others weights, also of 1"
                )
            raise ArgumentError(
                "`datasets` must hold the same parts. Received: datasets[0] "
                f"of {_listed(first)}, datasets[{index}] of "
                f"{_listed(facts)}{remedy}"
            )
        for name, fact in facts.items():
            if _of_one_tile(fact) != _of_one_tile(first[name]):
                raise ArgumentError(
                    "`datasets` must hold tiles of the same size, bands and "
                    f"dtype. Received: {name} {_as_text(first[name])} in "
                    f"datasets[0], {_as_text(fact)} in datasets[{index}]"
                )


def _facts(spec: Any, name: str = "") -> dict[str, tuple[Any, str]]:
    """Return shape and dtype of each part of an element, by its name.

    Keys of a dict are quoted, to tell it from a tuple.
    """
    if isinstance(spec, dict):
        named = [(repr(key), part) for key, part in spec.items()]
    elif isinstance(spec, tuple):
        named = [(_name_of(n, part), part) for n, part in enumerate(spec)]
    else:
        return {name or _PARTS[0]: (spec.shape, spec.dtype.name)}
    return {
        key: fact
        for inner, part in named
        for key, fact in _facts(part, f"{name} {inner}".strip()).items()
    }


def _name_of(position: int, part: Any) -> str:
    if position < len(_PARTS) and not isinstance(part, dict | tuple):
        return _PARTS[position]
    return f"[{position}]"


def _of_one_tile(fact: tuple[Any, str]) -> tuple[list, str]:
    shape, dtype = fact
    return shape.as_list()[1:], dtype


def _as_text(fact: tuple[Any, str]) -> str:
    shape, dtype = fact
    if shape.rank is None:
        return f"of unknown shape, {dtype}"
    sizes = ["B", *("?" if n is None else str(n) for n in shape.as_list()[1:])]
    return f"({', '.join(sizes[: shape.rank])}) {dtype}"


def _listed(facts: dict[str, tuple[Any, str]]) -> str:
    return ", ".join(f"{name} {_as_text(fact)}" for name, fact in facts.items())
