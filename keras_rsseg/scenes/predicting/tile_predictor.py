"""Tiles of a scene to class probabilities, in batches of one fixed shape."""

import math
from typing import NamedTuple

import numpy as np

from keras_rsseg.data.tiling import tile_windows


class Tile(NamedTuple):
    """A tile: its number and place, pixels (padded) and validity (not).

    `scene` tells whose it is where tiles of several scenes come together.
    """

    number: int
    row: int
    col: int
    pixels: np.ndarray
    valid: np.ndarray
    scene: object = None


def read_tiles(reader, tile_size, stride):
    """Read the tiles of a scene, row by row.

    Tiles without a valid pixel are left out. Where the scene is smaller
    than a tile, pixels are reflected to its size, `valid` is not.

    Args:
        reader: a `SceneReader`.
        tile_size: length of a tile, pixels.
        stride: distance between tiles, pixels.

    Yields:
        `Tile`s.
    """
    height = min(tile_size, reader.height)
    width = min(tile_size, reader.width)
    windows = tile_windows(reader.height, reader.width, tile_size, stride)
    for number, window in enumerate(windows):
        pixels, valid = reader.read(window.row, window.col, height, width)
        if valid.any():
            pixels = reflected(pixels, tile_size)
            yield Tile(number, window.row, window.col, pixels, valid)


def reflected(pixels, tile_size):
    """Return pixels `(h, w, bands)` reflected to the size of a tile."""
    height, width = pixels.shape[:2]
    pad = ((0, tile_size - height), (0, tile_size - width), (0, 0))
    return np.pad(pixels, pad, mode="reflect") if np.any(pad) else pixels


def even_batch_size(count, batch_size):
    """Return the batch size that spreads `count` tiles evenly.

    Five tiles in batches of at most four are two of three, not a full one
    and one that is padded with three copies.
    """
    return math.ceil(count / math.ceil(count / batch_size))


def predict_tiles(model, tiles, batch_size):
    """Predict tiles, in their order.

    Every batch has the same shape, the last one is padded: compiled models
    are compiled once, and no tile's answer depends on how many came with
    it in the last batch.

    Args:
        model: object with `predict_on_batch(tiles)`, or a callable; tiles
            `(B, T, T, bands)` to logits `(B, T, T, classes)`.
        tiles: iterable of `Tile`s.
        batch_size: number of tiles in a batch.

    Yields:
        `(tile, probabilities)`, a float32 array `(classes, h, w)` of the
        size of `tile.valid`.

    Raises:
        ValueError: if the logits have another shape or are not finite.
    """
    batch = []
    for tile in tiles:
        batch.append(tile)
        if len(batch) == batch_size:
            yield from _predict_batch(model, batch, batch_size)
            batch = []
    if batch:
        yield from _predict_batch(model, batch, batch_size)


def stack_tiles(tiles, batch_size):
    """Return the pixels of tiles, padded to a batch with the last one's."""
    padding = tiles[-1:] * (batch_size - len(tiles))
    return np.stack([tile.pixels for tile in tiles + padding])


def call_model(model, pixels):
    """Return the logits of a batch of tiles.

    Args:
        model: object with `predict_on_batch(tiles)`, or a callable.
        pixels: array `(B, T, T, bands)`.

    Returns:
        An array `(B, T, T, classes)`, in NumPy.

    Raises:
        ValueError: if the logits have another shape.
    """
    logits = _to_numpy(getattr(model, "predict_on_batch", model)(pixels))
    if logits.ndim != 4 or logits.shape[:3] != pixels.shape[:3]:
        raise ValueError(
            "`model` must return logits (B, T, T, classes) of the tiles' "
            f"size. Received: {logits.shape} for tiles {pixels.shape}"
        )
    if not 2 <= logits.shape[-1] <= 255:
        raise ValueError(
            "`model` must return logits of 2 to 255 classes. Received: "
            f"{logits.shape[-1]}"
        )
    return logits


def tile_probabilities(logits, tile, view=None):
    """Return the probabilities of a tile, from the logits of a view of it.

    Args:
        logits: array `(T, T, classes)`, those of the view.
        tile: `Tile`.
        view: `TileView`; `None` for the tile as it is.

    Returns:
        A float32 array `(classes, h, w)` of the size of `tile.valid`.

    Raises:
        ValueError: if they are not finite where the tile is valid.
    """
    height, width = tile.valid.shape
    scaled = view is not None and view.size != view.tile_size
    if view is not None:
        logits = view.turn_back(logits)
    if not scaled:
        logits = logits[:height, :width]
    probabilities, finite = _softmax(logits)
    if scaled:
        probabilities = view.scale_back(probabilities)[:, :height, :width]
        finite = np.isfinite(probabilities.sum(axis=0))
    if not finite.all():
        _check_finite(finite, tile)
        probabilities[:, ~finite] = 0
    return probabilities


def _predict_batch(model, batch, batch_size):
    logits = call_model(model, stack_tiles(batch, batch_size))
    for tile, tile_logits in zip(batch, logits, strict=False):
        yield tile, tile_probabilities(tile_logits, tile)


def _to_numpy(logits):
    if hasattr(logits, "detach"):
        logits = logits.detach().cpu()
        logits = logits.float() if logits.is_floating_point() else logits
    return np.asarray(logits)


def _softmax(logits):
    """Probabilities, classes first, and where they are finite."""
    logits = np.moveaxis(logits, -1, 0).astype("float32", order="C")
    with np.errstate(invalid="ignore"):
        logits -= logits.max(axis=0)
        np.exp(logits, out=logits)
        total = logits.sum(axis=0)
        logits /= total
    # A NaN or +inf anywhere makes the sum NaN; argmax would hide it.
    return logits, np.isfinite(total)


def _check_finite(finite, tile):
    if finite[tile.valid].all():
        return
    scene = "" if tile.scene is None else f" of {tile.scene}"
    raise ValueError(
        "`model` returned logits that are not finite, for the tile at row "
        f"{tile.row}, column {tile.col}{scene}. Is the scene in the value "
        "range that the model takes?"
    )
