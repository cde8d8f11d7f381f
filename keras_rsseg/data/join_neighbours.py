"""Joining images that are adjacent on the ground into mosaics."""

from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

import numpy as np
from rasterio.transform import Affine

from keras_rsseg.checks import is_integer
from keras_rsseg.data.pairs import NO_DATA
from keras_rsseg.data.pairs import ImageMaskPairs
from keras_rsseg.data.palette import Palette
from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import RasterError
from keras_rsseg.rasters.opener import is_path
from keras_rsseg.rasters.opener import name_of
from keras_rsseg.rasters.opener import open_raster
from keras_rsseg.rasters.windows import Window
from keras_rsseg.tables import counted
from keras_rsseg.void import VOID

# How far from whole pixels an image may lie, in pixels.
_TOLERANCE = 0.05


def join_neighbours(
    images: Any,
    masks: Any = None,
    *,
    places: Sequence[tuple[int, int]] | None = None,
    palette: Palette | list | None = None,
    num_classes: int | None = None,
    bands: Any = None,
) -> tuple[list[np.ndarray], list[np.ndarray] | None]:
    """Join adjacent images, so that tiles are cut across their borders.

    Data sets often come as small images cut from larger ones. A crop of such
    an image that shows a wider area, as an augmentation with a scale below 1
    asks for, has a rim of void. Inside a mosaic it has none.

    Images that share a side, or overlap, become one mosaic; those that only
    touch at a corner do not. Where they overlap, the later one wins. A mosaic
    is the rectangle around its images: pixels that none of them covers, or
    without data, are 0 in the image and void (255) in the mask. Draw crops
    with `sampling="balanced"`, which draws labelled pixels: `"random"` wastes
    that share of its crops.

    Everything is held in memory.

    Args:
        images: list of paths or of arrays `(H, W, C)`, or an array
            `(N, H, W, C)`. Sizes may differ.
        masks: masks in the same order, of the same sizes, as `tile_dataset`
            takes them: class ids, void = 255, or colours with `palette`.
            `None` joins only images.
        places: `(row, col)` of the first pixel of each image, ints, in any
            pixel grid that they share: `(3 * 256, 5 * 256)` for the fourth
            row and sixth column of tiles of 256 pixels.
            `None` takes them from the georeferencing of the files in
            `images`; masks need none.
        palette: `Palette` or list of `(r, g, b)` for colour-coded masks.
        num_classes: int; ids must lie below it or be 255.
            Defaults to the palette's.
        bands: band numbers to read, from 1, or (for files) names; `None` for
            all.

    Returns:
        `(images, masks)`, the first arguments of `tile_dataset`: a list of
        arrays `(H, W, C)`, uint8 for 8-bit sources, else float32, in the
        order of the first image of each; and a list of uint8 arrays
        `(H, W)` of class ids, or `None`.

    Raises:
        FileNotFoundError: if a file does not exist.
        ArgumentError: if an argument is invalid.
        RasterError: if a file cannot be read, or images differ in bands, or
            (without `places`) are not georeferenced or not on one pixel
            grid.
        MaskError: if a mask does not fit its image.

    Example:

    ```python
    images = np.random.default_rng(0).integers(256, size=(3, 64, 64, 3))
    images, masks = keras_rsseg.data.join_neighbours(
        images.astype("uint8"),
        np.zeros((3, 64, 64), "uint8"),
        places=[(0, 0), (0, 64), (640, 0)],
    )
    [image.shape for image in images]  # [(64, 128, 3), (64, 64, 3)]
    tiles = keras_rsseg.data.tile_dataset(
        images,
        masks,
        tile_size=32,
        sampling="balanced",
        augmentation=keras_rsseg.data.Augmentation(scale=(0.5, 2.0)),
    )
    ```

    For georeferenced files, `join_neighbours(["a.tif", "b.tif"],
    ["a_mask.png", "b_mask.png"])` knows the places.
    """
    pairs = ImageMaskPairs(images, masks, palette, num_classes, bands)
    starts = (
        _places_on_ground([images] if is_path(images) else images)
        if places is None
        else _checked_places(places, len(pairs))
    )
    windows = [
        Window(*start, *size)
        for start, size in zip(starts, pairs.sizes, strict=True)
    ]
    mosaics = [_joined(pairs, windows, group) for group in _groups(windows)]
    return (
        [image for image, _ in mosaics],
        [mask for _, mask in mosaics] if pairs.has_masks else None,
    )


def _groups(windows: Sequence[Window]) -> Iterator[list[int]]:
    """Yield the numbers of connected windows, ascending."""
    starts = np.array([(window.row, window.col) for window in windows])
    ends = starts + [(window.height, window.width) for window in windows]
    rest = np.ones(len(windows), bool)
    for first in range(len(windows)):
        if not rest[first]:
            continue
        rest[first] = False
        group, found = [], [first]
        while found:
            group.append(found.pop())
            shared = np.minimum(ends, ends[group[-1]]) - np.maximum(
                starts, starts[group[-1]]
            )
            # A side has a length but no width, a corner neither.
            touching = (shared >= 0).all(axis=1) & (shared > 0).any(axis=1)
            found += np.flatnonzero(touching & rest).tolist()
            rest[found] = False
        yield sorted(group)


def _joined(
    pairs: ImageMaskPairs, windows: Sequence[Window], group: list[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Return the mosaic of a group and its mask."""
    members = [windows[index] for index in group]
    top = min(window.row for window in members)
    left = min(window.col for window in members)
    size = (
        max(window.row + window.height for window in members) - top,
        max(window.col + window.width for window in members) - left,
    )
    mosaic = np.zeros((*size, pairs.bands), pairs.dtype)
    ids = np.full(size, VOID, "uint8")
    for index, window in zip(group, members, strict=True):
        image, mask = pairs.read(index, None)
        place = window._replace(row=window.row - top, col=window.col - left)
        mosaic[place.slices] = image
        ids[place.slices] = np.where(mask == NO_DATA, VOID, mask)
    return mosaic, ids


def _checked_places(places: Any, count: int) -> list[tuple[int, int]]:
    given = [tuple(place) for place in places]
    if len(given) != count:
        raise ArgumentError(
            "`places` must have one (row, col) for each image. Received: "
            f"{counted(len(given), 'place')}, {counted(count, 'image')}"
        )
    for place in given:
        if len(place) != 2 or not all(map(is_integer, place)):
            raise ArgumentError(
                "`places` must hold (row, col) of whole pixels. Received: "
                f"{place}"
            )
    return [(int(row), int(col)) for row, col in given]


def _places_on_ground(images: Sequence[Any]) -> list[tuple[int, int]]:
    """Return the first pixel of each image, in the grid of the first."""
    grounds = [_ground(image, index) for index, image in enumerate(images)]
    crs, first, _ = grounds[0]
    starts = []
    for image, (other_crs, transform, shape) in zip(
        images, grounds, strict=True
    ):
        start = _whole_pixels(~first, transform, shape)
        if start is None or crs != other_crs:
            raise RasterError(
                "Images must lie on one grid of pixels: the same reference "
                "system and pixel size, whole pixels apart. Received: "
                f"{name_of(images[0])} in {crs} with {tuple(first)[:6]}, "
                f"{name_of(image)} in {other_crs} with {tuple(transform)[:6]}"
            )
        starts.append(start)
    return starts


def _ground(image: Any, index: int) -> tuple[Any, Affine, tuple[int, int]]:
    """Return reference system, transform and `(height, width)` of a file."""
    if not is_path(image):
        raise ArgumentError(
            "`places` must be given for arrays, which are not georeferenced. "
            f"Received: places=None, images[{index}] of type "
            f"{type(image).__name__}"
        )
    with open_raster(image, "images") as dataset:
        if dataset.transform.is_identity:
            raise RasterError(
                "Images must be georeferenced, or `places` given. "
                f"Received: {name_of(image)} without a place"
            )
        return dataset.crs, dataset.transform, dataset.shape


def _whole_pixels(
    to_first: Affine, transform: Affine, shape: tuple[int, int]
) -> tuple[int, int] | None:
    """Return where an image starts in the first's grid, `None` if between."""
    height, width = shape
    corners = np.array([(0, 0, 1), (width, 0, 1), (0, height, 1)]).T
    found = _matrix(to_first) @ _matrix(transform) @ corners
    col, row = np.rint(found[:2, 0]).astype(int)
    off = found - corners - [[col], [row], [0]]
    return None if np.abs(off).max() > _TOLERANCE else (int(row), int(col))


def _matrix(transform: Affine) -> np.ndarray:
    # `*` of transforms and points is deprecated, `@` not in all versions.
    return np.array(transform).reshape(3, 3)
