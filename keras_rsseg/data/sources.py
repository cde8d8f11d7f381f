"""What `images` and `masks` name: lists of files, arrays and polygons."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from keras_rsseg.data.mask_values import IdMapping
from keras_rsseg.data.mask_values import as_id_mapping
from keras_rsseg.data.pair_files import check_order
from keras_rsseg.data.pair_files import find_files
from keras_rsseg.data.pair_files import is_hidden
from keras_rsseg.data.pair_files import is_many
from keras_rsseg.data.pair_files import matching_files
from keras_rsseg.data.vector_masks import VectorMask
from keras_rsseg.data.vector_masks import is_vector
from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import MaskError
from keras_rsseg.rasters.opener import is_path
from keras_rsseg.rasters.opener import open_raster
from keras_rsseg.tables import counted


def as_lists(
    images: Any,
    masks: Any = None,
    class_attribute: str | None = None,
    ids: IdMapping | None = None,
) -> tuple[list[Any], list[Any] | None]:
    """Return images and their masks as two lists of the same length.

    Args:
        images: list of paths or arrays `(H, W, C)`; or one of them; or an
            array `(N, H, W, C)`; or a folder or pattern, `"images/*.tif"`.
        masks: the masks in the same order; or a folder or pattern, whose
            files are paired with those of the images by name; or a vector
            file of polygons for all images, or one for each; or `None`.
        class_attribute, ids: for polygons, see `VectorMask`.

    Returns:
        `(images, masks)`; masks from polygons are `VectorMask`s. Hidden
        files are left out.

    Raises:
        FileNotFoundError: if a file does not exist.
        ArgumentError: if there are no images, or not as many masks.
        MaskError: if files have no partner, or their names say that they are
            in another order; or if no polygon lies on any image.
    """
    as_id_mapping(ids)
    images, masks = _listed(images, masks)
    if not images:
        raise ArgumentError(
            "`images` must list at least one image. Received: []"
        )
    if masks is None:
        return images, None
    if len(masks) != len(images):
        raise ArgumentError(
            "`images` and `masks` must have the same length. Received: "
            f"{counted(len(images), 'image')}, {counted(len(masks), 'mask')}. "
            "Two folders or patterns are paired by the names of their files"
        )
    if any(map(is_vector, masks)):
        return images, _drawn(images, masks, class_attribute, ids)
    if class_attribute is not None:
        raise ArgumentError(
            "`class_attribute` is for masks that are polygons. Received: "
            f"class_attribute={class_attribute!r}"
        )
    check_order(images, masks)
    return images, masks


def size_of(source: Any, argument: str = "source") -> tuple[int, int]:
    """Return the height and width of an image or a mask.

    Args:
        source: path, array or `VectorMask`.
        argument: its name in error messages.
    """
    if isinstance(source, VectorMask):
        return source.shape
    if is_path(source):
        with open_raster(source, argument) as dataset:
            return dataset.shape
    height, width = np.asarray(source).shape[:2]
    return height, width


def undrawn(masks: Iterable[Any]) -> list[Any]:
    """Return masks as `as_lists()` takes them: polygons by their files.

    Args:
        masks: what `as_lists()` returned.
    """
    return [str(m) if isinstance(m, VectorMask) else m for m in masks]


def _listed(images: Any, masks: Any) -> tuple[list[Any], list[Any] | None]:
    if is_many(images):
        if masks is None:
            return list(find_files(images)), None
        if is_vector(masks):
            found = find_files(images)
            return list(found), [masks] * len(found)
        if is_path(masks):
            files = matching_files(images, masks)
            return list(files[0]), list(files[1])
        images = find_files(images)
    single = is_path(images) or (
        isinstance(images, np.ndarray) and images.ndim <= 3
    )
    images = [images] if single else _without_hidden(images)
    if masks is None:
        return images, None
    if is_vector(masks):
        return images, [masks] * len(images)
    if is_many(masks):
        masks = find_files(masks)
    alone = single and not isinstance(masks, list | tuple)
    alone = alone or is_path(masks)
    return images, [masks] if alone else _without_hidden(masks)


def _without_hidden(sources: Any) -> list[Any]:
    return [
        source
        for source in sources
        if not (is_path(source) and is_hidden(source))
    ]


def _drawn(
    images: list[Any],
    masks: list[Any],
    class_attribute: str | None,
    ids: IdMapping | None,
) -> list[Any]:
    drawn = [
        VectorMask(mask, image, class_attribute, as_id_mapping(ids))
        if is_vector(mask)
        else mask
        for image, mask in zip(images, masks, strict=True)
    ]
    polygons = [mask for mask in drawn if isinstance(mask, VectorMask)]
    # What is unlabelled is the same on all images, whichever file labels them.
    background = max(mask.background for mask in polygons)
    for mask in polygons:
        mask.background = background
    if not any(mask.polygons for mask in polygons):
        raise MaskError(
            f"No polygon of {', '.join(sorted(set(map(str, drawn)))[:5])} "
            "lies on any of the images. Their coordinate reference systems "
            "may be wrong"
        )
    return drawn
