"""The scenes of a list of images and a list of masks."""

import pathlib

import numpy as np

from keras_rsseg.data.pairs import ImageMaskPairs
from keras_rsseg.data.palette import UnlistedColors
from keras_rsseg.data.reading import is_path
from keras_rsseg.data.reading import name_of
from keras_rsseg.data.reading import read_mask
from keras_rsseg.data.tiling import tile_windows
from keras_rsseg.evaluation.labelled_scene import LabelledScene
from keras_rsseg.evaluation.labelled_scene import check_bands
from keras_rsseg.evaluation.labelled_scene import check_labelled
from keras_rsseg.evaluation.labelled_scene import check_names
from keras_rsseg.evaluation.mask_palette import palette_of
from keras_rsseg.evaluation.matching_files import matching_files
from keras_rsseg.void import VOID


class PairScenes:
    """Scenes from files or arrays, all checked on construction.

    Args:
        images: list of paths or arrays, or one of them, or a folder.
        masks: the same of the masks.
        num_classes: int; ids must lie below it or be 255.
        palette: see `palette_of`.
        bands: band numbers to read, from 1, or `None` for all.
        model: the model, for its `bands` and `palette`.

    Raises:
        FileNotFoundError, ValueError: see `keras_rsseg.evaluate`.
    """

    def __init__(self, images, masks, num_classes, palette, bands, model):
        images, masks = _as_lists(images, masks)
        palette = palette_of(masks, palette, model)
        self._pairs = ImageMaskPairs(
            images, masks, palette, num_classes, bands, cache=False
        )
        self._names = _names(images)
        check_names(self._names)
        check_bands(self._pairs, model)
        check_labelled(
            [
                name
                for name, mask in zip(self._names, masks, strict=True)
                if not _is_labelled(mask, palette)
            ]
        )

    def __iter__(self):
        for index, name in enumerate(self._names):
            yield LabelledScene.read_pair(self._pairs, index, name)

    def count_tiles(self, tile_size, stride):
        """Return the number of tiles of all scenes."""
        return sum(
            len(tile_windows(*size, tile_size, stride))
            for size in self._pairs.sizes
        )


def _as_lists(images, masks):
    if masks is None:
        raise ValueError("`dataset` must have masks. Received: None for them")
    if any(_is_folder(source) for source in (images, masks)):
        return matching_files(images, masks)
    alone = _is_one(images)
    images = [images] if alone else list(images)
    masks = [masks] if alone and _is_one(masks) else list(masks)
    return images, masks


def _is_folder(source):
    return is_path(source) and pathlib.Path(source).is_dir()


def _is_one(source):
    return is_path(source) or isinstance(source, np.ndarray) and source.ndim < 4


def _is_labelled(mask, palette):
    # What the palette lacks was reported when the ids were checked.
    return (read_mask(mask, None, palette, UnlistedColors()) != VOID).any()


def _names(images):
    """Stems of the files; whole paths where stems do not tell them apart."""
    names = [
        name_of(image, f"images[{index}]") for index, image in enumerate(images)
    ]
    stems = {pathlib.Path(name).stem: None for name in names}
    files = all(is_path(image) for image in images)
    return list(stems) if files and len(stems) == len(names) else names
