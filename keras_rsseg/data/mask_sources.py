"""Masks one after the other, wherever they come from."""

import numpy as np

from keras_rsseg.data.pairs import ImageMaskPairs
from keras_rsseg.data.palette import UnlistedColors
from keras_rsseg.data.palette import as_palette
from keras_rsseg.data.reading import is_path
from keras_rsseg.data.reading import read_mask


def iterate_masks(source, palette=None):
    """Yield the masks of a source, each a uint8 array `(H, W)`.

    Args:
        source: path or array of a mask; a list of these, or an array
            `(N, H, W)`; an `ImageMaskPairs`; a `tf.data.Dataset` of records
            (dicts with a `"mask"`) or of batches `(images, masks)`, or any
            other iterable of such elements.
        palette: `Palette` of colour-coded masks, or `None`.

    Yields:
        Class ids, void = 255.

    Raises:
        ValueError: if the source has no end or no masks, and see
            `read_mask`.
    """
    palette = as_palette(palette)
    if isinstance(source, ImageMaskPairs):
        for index in range(len(source)):
            yield source.read_mask(index)
        return
    if hasattr(source, "as_numpy_iterator"):
        if int(source.cardinality()) == -1:
            raise ValueError(
                "`source` must end. Received: a dataset that repeats"
            )
        source = source.as_numpy_iterator()
    elif is_path(source) or _is_one_mask(source, palette):
        source = [source]
    unlisted = UnlistedColors()
    for element in source:
        for mask in _masks_of(element):
            yield read_mask(mask, palette=palette, unlisted=unlisted)
    unlisted.warn(stacklevel=4)


def _is_one_mask(source, palette):
    colored = palette is not None
    return isinstance(source, np.ndarray) and source.ndim == 2 + colored


def _masks_of(element):
    if isinstance(element, dict):
        if "mask" not in element:
            raise ValueError(
                '`source` must hold records with a "mask". Received: records '
                f"of {sorted(element)}"
            )
        return [np.asarray(element["mask"])]
    if not isinstance(element, tuple):
        return [element]
    if len(element) < 2 or isinstance(element[1], dict):
        raise ValueError(
            "`source` must hold (images, masks). Received: images alone"
        )
    masks = np.asarray(element[1])
    return masks if masks.ndim > 2 else [masks]
