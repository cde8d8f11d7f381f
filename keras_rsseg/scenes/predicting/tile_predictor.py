"""Pass batches of tiles through a model, in several views."""

import math
import threading
import weakref
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any
from typing import Literal
from typing import NamedTuple

import numpy as np

from keras_rsseg.data.tiling import tile_windows
from keras_rsseg.errors import ArgumentError
from keras_rsseg.scene_options import SceneOptions
from keras_rsseg.scenes.predicting.blending import resample

# (Quarter turns, mirrored?) of each kind.
_AUGMENTATIONS = {
    None: ((0, False),),
    "flips": ((0, False), (0, True), (2, False), (2, True)),
    "d4": tuple((turns, flip) for flip in (False, True) for turns in range(4)),
}

_MADE: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
_LOCK = threading.Lock()
# On torch, a twin for these takes ten tiles' time to start, and saves one in
# ten.
_MANY_TILES = 100


class TileView(NamedTuple):
    """A tile as the model sees it: mirrored, rotated, at another size.

    Attributes:
        tile_size: length of the tile, in pixels.
        size: length of the view, in pixels.
        turns: quarter turns, anticlockwise, after mirroring.
        flip: whether left and right are swapped.
    """

    tile_size: int
    size: int
    turns: int = 0
    flip: bool = False

    def apply(self, tiles: np.ndarray) -> np.ndarray:
        """Return the views of tiles.

        Args:
            tiles: array `(B, tile_size, tile_size, bands)`, uint8 or
                float32.

        Returns:
            An array `(B, size, size, bands)` of the same dtype.
        """
        if self.size != self.tile_size:
            tiles = np.stack([self._scaled(tile) for tile in tiles])
        if self.flip:
            tiles = tiles[:, :, ::-1]
        return np.ascontiguousarray(np.rot90(tiles, self.turns, (1, 2)))

    def turn_back(self, logits: np.ndarray) -> np.ndarray:
        """Undo the rotation of a view's logits `(size, size, classes)`."""
        logits = np.rot90(logits, -self.turns)
        return logits[:, ::-1] if self.flip else logits

    def scale_back(self, probabilities: np.ndarray) -> np.ndarray:
        """Resize probabilities `(classes, size, size)` to the tile's size."""
        return resample(probabilities, (self.tile_size, self.tile_size))

    def _scaled(self, tile: np.ndarray) -> np.ndarray:
        pixels = np.moveaxis(tile, -1, 0).astype("float32")
        pixels = resample(pixels, (self.size, self.size))
        if tile.dtype == np.uint8:
            pixels = np.rint(pixels)
        return np.moveaxis(pixels, 0, -1).astype(tile.dtype)


def tile_views(
    tile_size: int,
    test_time_augmentation: Literal["flips", "d4"] | None = None,
    scales: Sequence[float] = (1.0,),
) -> list[TileView]:
    """Return the views whose predictions are averaged.

    Args:
        tile_size: length of a tile, in pixels.
        test_time_augmentation: `None`, `"flips"` (unchanged, mirrored left to
            right, top to bottom, and both) or `"d4"` (these also rotated by
            90 degrees: all eight).
        scales: relative sizes at which the model sees a tile, 1.0 for its
            own, rounded as in `SceneOptions.view_sizes`.

    Returns:
        A list of `TileView`s.

    Raises:
        ValueError: for any other augmentation, or scales that are not
            positive numbers or make two views of the same size.

    Example:

    ```python
    from keras_rsseg.scenes.predicting.tile_predictor import tile_views

    views = tile_views(512, "flips", scales=(0.75, 1.0))
    [(view.size, view.turns, view.flip) for view in views[:3]]
    # [(384, 0, False), (384, 0, True), (384, 2, False)]
    ```
    """
    options = SceneOptions(
        tile_size=tile_size,
        test_time_augmentation=test_time_augmentation,
        scales=scales,
    )
    return [
        TileView(tile_size, size, turns, flip)
        for size in options.view_sizes
        for turns, flip in _AUGMENTATIONS[test_time_augmentation]
    ]


def fast_model(model: Any, identity: dict[str, Any], num_tiles: int = 1) -> Any:
    """Return what answers batches of tiles faster, or the model itself.

    Args:
        model: a task; any other object is returned as it is.
        identity: what `model_identity` returns now. It changes when a task is
            trained, for which another is then made.
        num_tiles: number of tiles of the whole map, even if only a part is
            made, so that results do not differ. For many, it takes longer to
            start on torch.
    """
    if not hasattr(model, "for_batches"):
        return model
    many = model.prepares_for_many_tiles and num_tiles >= _MANY_TILES
    with _LOCK:
        made_for, made = _MADE.get(model, (None, {}))
        if made_for != identity:
            made = {}
        if many not in made:
            made[many] = model.for_batches(many)
            _MADE[model] = identity, made
        return made[many]


class Tile(NamedTuple):
    """A tile: its number and place, its pixels (padded) and `valid` (not).

    `scene` identifies its scene if tiles of several scenes are mixed.
    """

    number: int
    row: int
    col: int
    pixels: np.ndarray | None
    valid: np.ndarray
    scene: object = None


def read_tiles(reader: Any, tile_size: int, stride: int) -> Iterator[Tile]:
    """Read the tiles of a scene, row by row.

    Tiles without a valid pixel are left out. If the scene is smaller than a
    tile, its pixels are padded by reflection; `valid` is not.

    Args:
        reader: a `SceneReader`.
        tile_size: length of a tile, in pixels.
        stride: distance between tiles, in pixels.

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


def reflected(pixels: np.ndarray, tile_size: int) -> np.ndarray:
    """Return pixels `(h, w, bands)` padded by reflection to a tile's size."""
    height, width = pixels.shape[:2]
    pad = ((0, tile_size - height), (0, tile_size - width), (0, 0))
    return np.pad(pixels, pad, mode="reflect") if np.any(pad) else pixels


def even_batch_size(count: int, batch_size: int) -> int:
    """Return the batch size that spreads `count` tiles evenly.

    Five tiles in batches of at most four make two batches of three, rather
    than a full one and one padded with three copies.
    """
    return math.ceil(count / math.ceil(count / batch_size))


def predict_tiles(
    model: Any, tiles: Iterable[Tile], batch_size: int
) -> Iterator[tuple[Tile, np.ndarray]]:
    """Predict tiles, in order.

    Every batch has the same shape, as the last one is padded: models are
    compiled only once, and a tile's result does not depend on how many tiles
    the last batch holds.

    Args:
        model: object with `predict_on_batch(tiles)`, or a callable; tiles
            `(B, T, T, bands)` to logits `(B, T, T, classes)`.
        tiles: iterable of `Tile`s.
        batch_size: number of tiles in a batch.

    Yields:
        `(tile, probabilities)`, a float32 array `(classes, h, w)` of the
        size of `tile.valid`.

    Raises:
        ValueError: if the logits have the wrong shape or are not finite.
    """
    batch = []
    for tile in tiles:
        batch.append(tile)
        if len(batch) == batch_size:
            yield from _predict_batch(model, batch, batch_size)
            batch = []
    if batch:
        yield from _predict_batch(model, batch, batch_size)


def stack_tiles(tiles: list[Tile], batch_size: int) -> np.ndarray:
    """Return the pixels of tiles, padded to a batch with the last tile."""
    padding = tiles[-1:] * (batch_size - len(tiles))
    return np.stack([np.asarray(tile.pixels) for tile in tiles + padding])


def call_model(model: Any, pixels: np.ndarray) -> np.ndarray:
    """Return the logits of a batch of tiles.

    Args:
        model: object with `predict_on_batch(tiles)`, or a callable.
        pixels: array `(B, T, T, bands)`.

    Returns:
        A NumPy array `(B, T, T, classes)`.

    Raises:
        ValueError: if the logits have the wrong shape.
    """
    logits = _to_numpy(getattr(model, "predict_on_batch", model)(pixels))
    if logits.ndim != 4 or logits.shape[:3] != pixels.shape[:3]:
        raise ArgumentError(
            "`model` must return logits (B, T, T, classes) of the tiles' "
            f"size. Received: {logits.shape} for tiles {pixels.shape}"
        )
    if not 2 <= logits.shape[-1] <= 255:
        raise ArgumentError(
            "`model` must return logits of 2 to 255 classes. Received: "
            f"{logits.shape[-1]}"
        )
    return logits


def tile_probabilities(
    logits: np.ndarray, tile: Tile, view: TileView | None = None
) -> np.ndarray:
    """Return the probabilities of a tile, from the logits of a view of it.

    Args:
        logits: array `(T, T, classes)`, the view's logits.
        tile: `Tile`.
        view: `TileView`; `None` for the unchanged tile.

    Returns:
        A float32 array `(classes, h, w)` of the size of `tile.valid`.

    Raises:
        ValueError: if they are not finite where the tile is valid.
    """
    height, width = tile.valid.shape
    if view is not None:
        logits = view.turn_back(logits)
    if view is None or view.size == view.tile_size:
        probabilities, finite = _softmax(logits[:height, :width])
    else:
        probabilities, _ = _softmax(logits)
        probabilities = view.scale_back(probabilities)[:, :height, :width]
        finite = np.isfinite(probabilities.sum(axis=0))
    if not finite.all():
        _check_finite(finite, tile)
        probabilities[:, ~finite] = 0
    return probabilities


def _predict_batch(
    model: Any, batch: list[Tile], batch_size: int
) -> Iterator[tuple[Tile, np.ndarray]]:
    logits = call_model(model, stack_tiles(batch, batch_size))
    for tile, tile_logits in zip(batch, logits, strict=False):
        yield tile, tile_probabilities(tile_logits, tile)


def _to_numpy(logits: Any) -> np.ndarray:
    if hasattr(logits, "detach"):
        logits = logits.detach().cpu()
        logits = logits.float() if logits.is_floating_point() else logits
    return np.asarray(logits)


def _softmax(logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities, classes first, and a mask of where they are finite."""
    logits = np.moveaxis(logits, -1, 0).astype("float32", order="C")
    with np.errstate(invalid="ignore"):
        logits -= logits.max(axis=0)
        np.exp(logits, out=logits)
        total = logits.sum(axis=0)
        logits /= total
    # A NaN or +inf anywhere makes the sum NaN; argmax would hide it.
    return logits, np.isfinite(total)


def _check_finite(finite: np.ndarray, tile: Tile) -> None:
    if finite[tile.valid].all():
        return
    scene = "" if tile.scene is None else f" of {tile.scene}"
    raise ArgumentError(
        "`model` returned logits that are not finite, for the tile at row "
        f"{tile.row}, column {tile.col}{scene}. Are the scene's values in "
        "the range that the model takes?"
    )
