"""How many tiles a data set gives, and how much of them is void."""

from typing import NamedTuple

import numpy as np

from keras_rsseg.data.class_statistics import iterate_masks
from keras_rsseg.data.protocols import tile_and_stride
from keras_rsseg.data.tiling import tile_starts
from keras_rsseg.void import VOID


class TileCounts(NamedTuple):
    """Tiles of a data set, and their pixels.

    Pixels in which tiles overlap count as often as tiles hold them.

    Attributes:
        images: number of images.
        tiles: number of tiles.
        pixels: pixels of all tiles.
        padding: pixels beyond images smaller than the tile.
        void: pixels that a mask gives as void.
    """

    images: int
    tiles: int
    pixels: int
    padding: int
    void: int

    @property
    def void_share(self):
        """Share of pixels without a label: padding and void."""
        return (self.padding + self.void) / self.pixels if self.pixels else 0.0

    def steps(self, batch_size, drop_remainder=False):
        """Return the number of batches in an epoch of these tiles."""
        whole, rest = divmod(self.tiles, batch_size)
        return whole + (rest > 0 and not drop_remainder)


def count_tiles(
    source, protocol=None, *, tile_size=None, stride=None, palette=None
):
    """Count the tiles that `tile_records` and `tile_dataset` cut.

    Masks are read one after the other, and forgotten.

    Args:
        source: path or array of a mask, a list of these, an array
            `(N, H, W)`, an `ImageMaskPairs`, or a `tf.data.Dataset` of
            records with a `"mask"`. TFDS spares decoding the images with
            `decoders=tfds.decode.PartialDecoding({"mask": True})`.
        protocol: `TilingProtocol` or its name, or `None`.
        tile_size: int or `(height, width)`, pixels. Defaults to 512.
        stride: int or `(rows, columns)`, pixels. Defaults to `tile_size`.
        palette: `Palette` or list of `(r, g, b)` of colour-coded masks.

    Returns:
        `TileCounts`.

    Raises:
        ValueError: for bad arguments, and for sources without masks or
            without end.

    Example:

    ```python
    counts = count_tiles(records, "isaid")
    model.fit(tiles, steps_per_epoch=counts.steps(batch_size=8))
    ```
    """
    tile, stride = tile_and_stride(tile_size, stride, protocol)
    area = tile[0] * tile[1]
    images = tiles = covered = void = 0
    for mask in iterate_masks(source, palette):
        rows, cols = (
            _held(length, part, step)
            for length, part, step in zip(mask.shape, tile, stride, strict=True)
        )
        images += 1
        tiles += rows.starts * cols.starts
        covered += int(rows.times.sum()) * int(cols.times.sum())
        # A pixel lies in as many tiles as its row and its column together.
        for times, line in zip(rows.times, mask == VOID, strict=True):
            void += int(times) * int(cols.times[line].sum())
    pixels = tiles * area
    return TileCounts(images, tiles, pixels, pixels - covered, void)


class _Held(NamedTuple):
    starts: int
    times: np.ndarray


def _held(length, tile, stride):
    """Count the starts along an axis, and how many tiles hold each pixel."""
    starts = tile_starts(length, tile, stride)
    times = np.zeros(length, "int64")
    for start in starts:
        times[start : start + tile] += 1
    return _Held(len(starts), times)
