"""Images with their masks, checked before anything is trained on them."""

import warnings

import numpy as np

from keras_rsseg.data.palette import UnlistedColors
from keras_rsseg.data.palette import as_palette
from keras_rsseg.data.reading import intersect
from keras_rsseg.data.reading import is_path
from keras_rsseg.data.reading import name_of
from keras_rsseg.data.reading import open_raster
from keras_rsseg.data.reading import read_image
from keras_rsseg.data.reading import read_mask
from keras_rsseg.data.tiling import Window
from keras_rsseg.data.validity import may_lack_data
from keras_rsseg.data.validity import read_valid
from keras_rsseg.errors import ArgumentError
from keras_rsseg.void import VOID

NO_DATA = -1
_STRIP_ROWS = 1024
_ON_READING = object()


class ImageMaskPairs:
    """A list of images and masks that is read by window.

    Everything is checked on construction, before any training. Reading is
    safe from several threads: cached arrays are not written to, files are
    opened anew for every read.

    Args:
        images: list of paths or arrays `(H, W, C)`; or one of them; or an
            array `(N, H, W, C)`. Sizes may differ.
        masks: the masks, in the same order, of the same sizes; or `None`.
        palette: `Palette` of colour-coded masks, or `None`.
        num_classes: number of classes; ids must lie below it or be 255.
        bands: band numbers to read, from 1; `None` for all.
        cache: whether to keep everything decoded in memory.

    Attributes:
        names: list of paths, or `"images[3]"` for arrays.
        sizes: list of `(height, width)`.
        bands: number of bands read.
        dtype: `"uint8"` or `"float32"`, of the image windows.

    Raises:
        FileNotFoundError: if a file does not exist.
        ValueError: if there are no images, numbers or sizes differ between
            images and masks, band counts or dtypes differ between images, a
            file is no image, or a mask holds ids out of range.
    """

    def __init__(
        self,
        images,
        masks=None,
        palette=None,
        num_classes=None,
        bands=None,
        cache=True,
    ):
        self._images, self._masks = _as_lists(images, masks)
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
        self._check_images()
        self._check_mask_sizes()
        self._valid = [
            _ON_READING if may_lack_data(image) else None
            for image in self._images
        ]
        ids = self._check_ids(num_classes, cache)
        if cache:
            self._cache(ids)

    def __len__(self):
        return len(self._images)

    @property
    def has_masks(self):
        """Whether there are masks."""
        return self._masks is not None

    def read(self, index, window):
        """Return an image window and its mask, as augmentation wants them.

        Beyond the image its border pixels are repeated, so that scaling and
        blurring mix no black into the rim; the mask says what is outside.

        Args:
            index: which image.
            window: `Window`; it must touch the image.

        Returns:
            `(h, w, bands)` in `dtype`, and `(h, w)` int32: class ids, 255
            void, `NO_DATA` (-1) beyond the image and where it holds no
            data. Without masks all else is 0.
        """
        inner, place, shape = intersect(window, self.sizes[index])
        source, bands = self._images[index], self._band_numbers
        image = read_image(source, inner, bands)
        image = image.astype(self.dtype, copy=False)
        if self._masks is None:
            mask = np.zeros(image.shape[:2], "int32")
        else:
            mask = self._read_ids(index, inner).astype("int32")
        valid = self._read_valid(index, inner)
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

    def read_mask(self, index, window=None):
        """Return a mask, or a window of one, without its image.

        Args:
            index: which image.
            window: `Window` inside the image, or `None` for all.

        Returns:
            A uint8 array: class ids, 255 for void and where the image holds
            no data.

        Raises:
            ValueError: if there are no masks.
        """
        if self._masks is None:
            raise ArgumentError("There are no masks, `masks` was None.")
        window = window or Window(0, 0, *self.sizes[index])
        ids = self._read_ids(index, window)
        valid = self._read_valid(index, window)
        return ids if valid is None else np.where(valid, ids, np.uint8(VOID))

    def _read_ids(self, index, window):
        return read_mask(
            self._masks[index], window, self._palette, UnlistedColors()
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
            _image_facts(image, f"images[{index}]", self._band_numbers)
            for index, image in enumerate(self._images)
        ]
        self.sizes = [size for size, _, _ in facts]
        for what, position in (("number of bands", 1), ("dtype", 2)):
            values = [fact[position] for fact in facts]
            for index, value in enumerate(values):
                if value != values[0]:
                    raise ArgumentError(
                        f"All images must have the same {what}. Received: "
                        f"{values[0]} in {self.names[0]}, {value} in "
                        f"{self.names[index]}"
                    )
        _, self.bands, dtype = facts[0]
        self.dtype = "uint8" if dtype == "uint8" else "float32"

    def _check_mask_sizes(self):
        for index, mask in enumerate(self._masks or ()):
            size = _mask_size(mask)
            if size != self.sizes[index]:
                high, wide = self.sizes[index]
                raise ArgumentError(
                    "Image and mask must have the same size. Received: "
                    f"{self.names[index]} of {high}x{wide} pixels (height x "
                    f"width), {name_of(mask, f'masks[{index}]')} of "
                    f"{size[0]}x{size[1]}"
                )

    def _check_ids(self, num_classes, keep):
        """Read every mask once; return them, or `None`s unless `keep`."""
        self._warn_of_void_classes(num_classes)
        unlisted = UnlistedColors()
        kept = []
        for index, mask in enumerate(self._masks or ()):
            name = name_of(mask, f"masks[{index}]")
            for window in _strips(*self.sizes[index], keep):
                ids = read_mask(mask, window, self._palette, unlisted)
                _check_range(ids, num_classes, name)
            kept.append(ids if keep else None)
        unlisted.warn(stacklevel=5)
        return kept

    def _warn_of_void_classes(self, num_classes):
        """Report masks whose no-data value is also the id of a class."""
        found = {}
        for mask in self._masks or ():
            if is_path(mask) and self._palette is None:
                with open_raster(mask) as dataset:
                    nodata = dataset.nodata
                if nodata is not None and 0 <= nodata < (num_classes or VOID):
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
            self._images[index] = read_image(source, bands=bands)
        self._band_numbers = None
        if self._masks is not None:
            self._masks, self._palette = masks, None


def _as_lists(images, masks):
    single = is_path(images) or (
        isinstance(images, np.ndarray) and images.ndim <= 3
    )
    images = [images] if single else list(images)
    if not images:
        raise ArgumentError(
            "`images` must list at least one image. Received: []"
        )
    if masks is not None:
        alone = single and not isinstance(masks, list | tuple)
        masks = [masks] if alone or is_path(masks) else list(masks)
        if len(masks) != len(images):
            raise ArgumentError(
                "`images` and `masks` must have the same length. Received: "
                f"{len(images)} images, {len(masks)} masks"
            )
    return images, masks


def _image_facts(image, name, bands):
    if not is_path(image):
        window = Window(0, 0, 1, 1)
        pixel = read_image(image, window, bands)
        return np.shape(image)[:2], pixel.shape[-1], str(pixel.dtype)
    with open_raster(image) as dataset:
        size = dataset.height, dataset.width
    pixel = read_image(image, Window(0, 0, 1, 1), bands)
    return size, pixel.shape[-1], str(pixel.dtype)


def _mask_size(mask):
    if not is_path(mask):
        return tuple(np.shape(mask)[:2])
    with open_raster(mask) as dataset:
        return dataset.height, dataset.width


def _strips(height, width, whole):
    """Windows that bound the memory of one pass over a mask."""
    rows = height if whole else _STRIP_ROWS
    return [
        Window(start, 0, min(rows, height - start), width)
        for start in range(0, height, rows)
    ]


def _check_range(ids, num_classes, name):
    if num_classes is None:
        return
    found = np.flatnonzero(np.bincount(ids.ravel(), minlength=256))
    wrong = found[(found >= num_classes) & (found != VOID)]
    if wrong.size:
        raise ArgumentError(
            f"{name} holds class ids out of range: {wrong.tolist()}. Accepted "
            f"with num_classes={num_classes}: 0..{num_classes - 1} and {VOID} "
            "(void)"
        )
