"""Images with their masks, checked before training."""

import math
import warnings
from typing import Any

import numpy as np

from keras_rsseg.data.boundaries import BoundaryVoid
from keras_rsseg.data.boundaries import as_boundary_void
from keras_rsseg.data.boundaries import void_boundaries
from keras_rsseg.data.mask_values import IdMapping
from keras_rsseg.data.mask_values import as_id_mapping
from keras_rsseg.data.palette import Palette
from keras_rsseg.data.palette import UnlistedColors
from keras_rsseg.data.palette import as_palette
from keras_rsseg.data.reading import Source
from keras_rsseg.data.reading import check_ids
from keras_rsseg.data.reading import count_ids
from keras_rsseg.data.reading import may_lack_data
from keras_rsseg.data.reading import read_image
from keras_rsseg.data.reading import read_mask
from keras_rsseg.data.reading import read_valid
from keras_rsseg.data.sources import as_lists
from keras_rsseg.data.sources import size_of
from keras_rsseg.data.vector_masks import VectorMask
from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import MaskError
from keras_rsseg.errors import RasterError
from keras_rsseg.rasters.opener import is_path
from keras_rsseg.rasters.opener import name_of
from keras_rsseg.rasters.opener import open_raster
from keras_rsseg.rasters.windows import Window
from keras_rsseg.rasters.windows import intersect
from keras_rsseg.rasters.windows import reading_windows
from keras_rsseg.void import VOID

NO_DATA = -1
_STRIP_ROWS = 1024
_ON_READING = object()


class ImageMaskPairs:
    """A list of images and masks that is read by window.

    Everything is checked on construction, before any training. Reading is
    safe from several threads: cached arrays are not written to, files are
    opened again for every read.

    Args:
        images: list of paths or arrays `(H, W, C)`; or one of them; or an
            array `(N, H, W, C)`; or a folder or pattern. Sizes may differ.
        masks: the masks, in the same order, of the same sizes; or a folder
            or pattern, or polygons (see `as_lists`); or `None`.
        palette: `Palette` for colour-coded masks, or `None`.
        num_classes: number of classes; ids must lie below it or be 255.
        bands: band numbers to read, from 1, or (for files) names; `None` for
            all.
        cache: whether to keep everything decoded in memory.
        boundary_void: pairs of classes near whose boundaries masks are void,
            see `void_boundaries`, or `None`. A window's mask is that part of
            the whole mask.
        ids: dict from mask values to class ids, or `None`; see
            `read_mask`.
        class_attribute: the attribute that gives a polygon's class.

    Attributes:
        names: list of paths, or `"images[3]"` for arrays.
        sizes: list of `(height, width)`.
        bands: number of bands read.
        dtype: `"uint8"` or `"float32"`, of the image windows.
        num_classes: int, or `None` if unknown.
        id_counts: int64 `(256,)`, pixels of each id in all masks.
        counts_of_each: int64 `(number of images, 256)`, those of each mask.

    Raises:
        FileNotFoundError: if a file does not exist.
        ArgumentError: if there are no images, or not as many masks, or
            `boundary_void` does not fit.
        RasterError: if a file is not an image or is truncated, or images
            differ in number of bands or dtype.
        MaskError: if a mask does not have the size of its image, or holds
            ids out of range.
    """

    def __init__(
        self,
        images: Any,
        masks: Any = None,
        palette: Palette | list | None = None,
        num_classes: int | None = None,
        bands: Any = None,
        cache: bool = True,
        boundary_void: BoundaryVoid | None = None,
        ids: IdMapping | None = None,
        class_attribute: str | None = None,
    ):
        self._images, self._masks = as_lists(
            images, masks, class_attribute, ids
        )
        self._ids = as_id_mapping(ids)
        self.names = [
            name_of(image, f"images[{index}]")
            for index, image in enumerate(self._images)
        ]
        self._palette = as_palette(palette)
        self._band_numbers = bands
        if num_classes is None and self._palette is not None:
            num_classes = self._palette.num_classes
        if num_classes is not None and not 1 <= num_classes <= VOID:
            raise ArgumentError(
                f"`num_classes` must lie in 1..{VOID}, as id {VOID} is void. "
                f"Received: {num_classes!r}"
            )
        self.num_classes = num_classes
        self._boundary_void = as_boundary_void(boundary_void, num_classes)
        if self._boundary_void and self._masks is None:
            raise ArgumentError(
                "`boundary_void` needs `masks`. Received: "
                f"boundary_void={boundary_void!r}, masks=None"
            )
        self._check_images()
        self._check_mask_sizes()
        self._valid: list[Any] = [
            _ON_READING if may_lack_data(image, bands) else None
            for image in self._images
        ]
        self.counts_of_each = np.zeros((len(self), VOID + 1), "int64")
        kept = self._check_ids(num_classes, cache)
        self.id_counts = self.counts_of_each.sum(0)
        if cache:
            self._cache(kept)

    def __len__(self) -> int:
        return len(self._images)

    @property
    def has_masks(self) -> bool:
        """Whether there are masks."""
        return self._masks is not None

    def read(
        self, index: int, window: Window | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return an image window and its mask, as augmentation needs them.

        Beyond the image its border pixels are repeated, so that scaling and
        blurring mix no black into the rim; the mask says what is outside.

        Args:
            index: which image.
            window: `Window`, which must touch the image; `None` for all.

        Returns:
            `(h, w, bands)` in `dtype`, and `(h, w)` int32: class ids, 255
            void, `NO_DATA` (-1) beyond the image and where it holds no
            data. Without masks the rest is 0.
        """
        inner, place, shape = intersect(window, self.sizes[index])
        source, bands = self._images[index], self._band_numbers
        image = read_image(source, inner, bands, "images")
        image = image.astype(self.dtype, copy=False)
        ids, valid = self._read_labels(index, inner)
        mask = ids.astype("int32")
        if valid is not None:
            mask[~valid] = NO_DATA
            image = np.where(valid[..., None], image, image.dtype.type(0))
        if (inner.height, inner.width) != shape:
            ends = [
                (before, whole - before - part)
                for before, whole, part in zip(
                    place, shape, image.shape, strict=False
                )
            ]
            image = np.pad(image, (*ends, (0, 0)), mode="edge")
            mask = np.pad(mask, ends, constant_values=NO_DATA)
        return image, mask

    def read_mask(self, index: int, window: Window | None = None) -> np.ndarray:
        """Return a mask, or a window of one, without its image.

        Args:
            index: which image.
            window: `Window` inside the image, or `None` for all.

        Returns:
            A uint8 array: class ids, 255 for void and where the image holds
            no data.

        Raises:
            ArgumentError: if there are no masks.
        """
        if self._masks is None:
            raise ArgumentError("There are no masks, `masks` was None.")
        window = window or Window(0, 0, *self.sizes[index])
        ids, valid = self._read_labels(index, window)
        return ids if valid is None else np.where(valid, ids, np.uint8(VOID))

    def _read_labels(
        self, index: int, window: Window
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return ids, and which pixels hold data; `None` for all."""
        if not self._boundary_void:
            return self._read_ids(index, window), self._read_valid(
                index, window
            )
        # Boundaries beyond the window reach into it.
        wide = _widened(
            window,
            math.ceil(max(self._boundary_void.values())),
            self.sizes[index],
        )
        part = window._replace(
            row=window.row - wide.row, col=window.col - wide.col
        ).slices
        valid = self._read_valid(index, wide)
        ids = self._without_boundaries(self._read_ids(index, wide), valid)
        return ids[part], None if valid is None else valid[part]

    def _without_boundaries(
        self, ids: np.ndarray, valid: np.ndarray | None
    ) -> np.ndarray:
        # What a mask says where there is no image is not a class.
        if valid is not None:
            ids = np.where(valid, ids, np.uint8(VOID))
        return void_boundaries(ids, self._boundary_void)

    def _read_ids(self, index: int, window: Window) -> np.ndarray:
        if self._masks is None:
            return np.zeros((window.height, window.width), "uint8")
        return read_mask(
            self._masks[index],
            window,
            self._palette,
            UnlistedColors(),
            "masks",
            self._ids,
        )

    def _read_valid(self, index, window):
        """Return which pixels hold data; `None` for all."""
        valid = self._valid[index]
        if valid is None:
            return None
        if valid is _ON_READING:
            source = self._images[index]
            return read_valid(source, window, self._band_numbers)
        return valid[window.slices]

    def _check_images(self):
        facts = [
            _image_facts(image, self._band_numbers) for image in self._images
        ]
        self.sizes = [size for size, _, _ in facts]
        for what, position in (("number of bands", 1), ("dtype", 2)):
            values = [fact[position] for fact in facts]
            for index, value in enumerate(values):
                if value != values[0]:
                    raise RasterError(
                        f"All images must have the same {what}. Received: "
                        f"{values[0]} in {self.names[0]}, {value} in "
                        f"{self.names[index]}"
                    )
        _, self.bands, dtype = facts[0]
        self.dtype = "uint8" if dtype == "uint8" else "float32"

    def _check_mask_sizes(self):
        for index, mask in enumerate(self._masks or ()):
            size = size_of(mask, "masks")
            if size != self.sizes[index]:
                high, wide = self.sizes[index]
                raise MaskError(
                    "Image and mask must have the same size. Received: "
                    f"{self.names[index]} of {high}x{wide} pixels (height x "
                    f"width), {_mask_name(mask, index)} of "
                    f"{size[0]}x{size[1]}"
                )

    def _check_ids(self, num_classes, keep):
        """Read every mask once; return them, or `None`s unless `keep`."""
        self._warn_of_void_classes(num_classes)
        unlisted = UnlistedColors()
        kept = []
        for index, mask in enumerate(self._masks or ()):
            name = _mask_name(mask, index)
            height, width = self.sizes[index]
            # Strips bound the memory of one pass over a mask.
            rows = height if keep else _STRIP_ROWS
            for window in reading_windows(height, width, rows, width):
                ids = read_mask(
                    mask, window, self._palette, unlisted, "masks", self._ids
                )
                counts = count_ids(ids)
                check_ids(counts, num_classes, name)
                self.counts_of_each[index] += counts
            kept.append(ids if keep else None)
        unlisted.warn(stacklevel=5)
        return kept

    def _warn_of_void_classes(self, num_classes):
        """Report masks whose no-data value is also the id of a class."""
        found = {}
        for mask in self._masks or ():
            if is_path(mask) and self._palette is None:
                with open_raster(mask, "masks") as dataset:
                    nodata = dataset.nodata
                if nodata is None or nodata in self._ids:
                    continue
                if 0 <= nodata < (num_classes or VOID):
                    found[name_of(mask)] = nodata
        if found:
            name, nodata = next(iter(found.items()))
            warnings.warn(
                f"{len(found)} masks declare a class id as no data; its "
                f"pixels are void. First: {name} declares {nodata:g}",
                UserWarning,
                stacklevel=5,
            )

    def _cache(self, masks):
        """Replace paths by arrays."""
        bands = self._band_numbers
        for index, source in enumerate(self._images):
            if self._valid[index] is not None:
                self._valid[index] = read_valid(source, bands=bands)
            self._images[index] = read_image(source, None, bands, "images")
        self._band_numbers = None
        if self._masks is None:
            return
        if self._boundary_void:
            masks = [
                self._without_boundaries(*pair)
                for pair in zip(masks, self._valid, strict=True)
            ]
        self._masks, self._palette, self._boundary_void = masks, None, {}
        self._ids = {}


def _widened(window: Window, margin: int, size: tuple[int, int]) -> Window:
    """Return a window widened by a margin, within the image."""
    top, left = max(window.row - margin, 0), max(window.col - margin, 0)
    bottom = min(window.row + window.height + margin, size[0])
    right = min(window.col + window.width + margin, size[1])
    return Window(top, left, bottom - top, right - left)


def _image_facts(image: Source, bands: Any) -> tuple[tuple[int, int], int, str]:
    """Size, number of bands read, and dtype."""
    size = size_of(image, "images")
    pixel = read_image(image, Window(0, 0, 1, 1), bands, "images")
    return size, pixel.shape[-1], str(pixel.dtype)


def _mask_name(mask: Any, index: int) -> str:
    if isinstance(mask, VectorMask):
        return str(mask)
    return name_of(mask, f"masks[{index}]")
