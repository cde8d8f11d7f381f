"""Views of a tile: turned, mirrored and scaled, and the way back."""

import math
from typing import NamedTuple

import numpy as np

from keras_rsseg.scenes.predicting.row_resampler import resample

# Quarter turns, mirrored or not, of each kind.
_AUGMENTATIONS = {
    None: ((0, False),),
    "flips": ((0, False), (0, True), (2, False), (2, True)),
    "d4": tuple((turns, flip) for flip in (False, True) for turns in range(4)),
}
_STEP = 32


class TileView(NamedTuple):
    """What a model sees of a tile: mirrored, turned, of another size.

    Attributes:
        tile_size: length of the tile, pixels.
        size: length of the view, pixels.
        turns: quarter turns, anticlockwise, after mirroring.
        flip: whether left and right change places.
    """

    tile_size: int
    size: int
    turns: int = 0
    flip: bool = False

    def apply(self, tiles):
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

    def turn_back(self, logits):
        """Turn the logits `(size, size, classes)` of a view back."""
        logits = np.rot90(logits, -self.turns)
        return logits[:, ::-1] if self.flip else logits

    def scale_back(self, probabilities):
        """Return probabilities `(classes, size, size)` at the tile's size."""
        return resample(probabilities, (self.tile_size, self.tile_size))

    def _scaled(self, tile):
        pixels = np.moveaxis(tile, -1, 0).astype("float32")
        pixels = resample(pixels, (self.size, self.size))
        if tile.dtype == np.uint8:
            pixels = np.rint(pixels)
        return np.moveaxis(pixels, 0, -1).astype(tile.dtype)


def tile_views(tile_size, test_time_augmentation=None, scales=(1.0,)):
    """Return the views whose answers are averaged.

    Args:
        tile_size: length of a tile, pixels.
        test_time_augmentation: `None`, `"flips"` (as it is, mirrored left to
            right, top to bottom, and both) or `"d4"` (also turned by 90
            degrees: all eight).
        scales: sizes of a tile in the eyes of the model, 1.0 for its own.
            Rounded so that the view's length is a multiple of what the
            tile's is one of, up to 32: networks halve it several times.

    Returns:
        A list of `TileView`s.

    Raises:
        ValueError: for another augmentation, or scales that are no positive
            numbers or make two views of the same size.

    Example:

    >>> views = tile_views(512, "flips", scales=(0.75, 1.0))
    >>> [(view.size, view.turns, view.flip) for view in views[:3]]
    [(384, 0, False), (384, 0, True), (384, 2, False)]
    """
    if test_time_augmentation not in _AUGMENTATIONS:
        raise ValueError(
            "`test_time_augmentation` must be None, 'flips' or 'd4'. "
            f"Received: {test_time_augmentation!r}"
        )
    sizes = [_view_size(tile_size, scale) for scale in _check_scales(scales)]
    if len(set(sizes)) < len(sizes):
        raise ValueError(
            "`scales` must give views of different sizes. Received: "
            f"{scales!r}, for tiles of {tile_size} pixels: {sizes}"
        )
    return [
        TileView(tile_size, size, turns, flip)
        for size in sizes
        for turns, flip in _AUGMENTATIONS[test_time_augmentation]
    ]


def _view_size(tile_size, scale):
    step = math.gcd(tile_size, _STEP)
    return max(1, round(tile_size * scale / step)) * step


def _check_scales(scales):
    try:
        numbers = [float(scale) for scale in scales]
    except (TypeError, ValueError):
        numbers = []
    if not numbers or not all(0 < scale < math.inf for scale in numbers):
        raise ValueError(
            "`scales` must be a list of positive numbers, such as (0.75, 1.0, "
            f"1.25). Received: {scales!r}"
        )
    return numbers
