"""Checks of images and masks before anything is trained on them."""

from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

import numpy as np
from rasterio.enums import ColorInterp

from keras_rsseg.data.check_report import CheckReport
from keras_rsseg.data.check_report import ImageFacts
from keras_rsseg.data.mask_values import IdMapping
from keras_rsseg.data.mask_values import ids_of_classes
from keras_rsseg.data.palette import Palette
from keras_rsseg.data.palette import UnlistedColors
from keras_rsseg.data.palette import as_palette
from keras_rsseg.data.reading import check_ids
from keras_rsseg.data.reading import count_ids
from keras_rsseg.data.reading import read_image
from keras_rsseg.data.reading import read_mask
from keras_rsseg.data.sources import as_lists
from keras_rsseg.data.sources import size_of
from keras_rsseg.data.vector_masks import VectorMask
from keras_rsseg.errors import KerasRssegError
from keras_rsseg.rasters.opener import is_path
from keras_rsseg.rasters.opener import name_of
from keras_rsseg.rasters.opener import open_raster
from keras_rsseg.rasters.windows import Window
from keras_rsseg.rasters.windows import reading_windows
from keras_rsseg.sample_checks import TileValues
from keras_rsseg.sample_checks import check_values
from keras_rsseg.sample_checks import doubt_ids
from keras_rsseg.tables import counted
from keras_rsseg.void import VOID

_STRIP_ROWS = 1024
# Metres of a degree along a meridian.
_DEGREE = 111_000
# Pixels this much larger or smaller show different things.
_OTHER_GROUND_SIZE = 1.5


def check(
    images: Any,
    masks: Any = None,
    *,
    num_classes: int | None = None,
    class_names: Sequence[str] | None = None,
    palette: Palette | list | None = None,
    bands: Any = None,
    ids: IdMapping | None = None,
    class_attribute: str | None = None,
    model: Any = None,
) -> CheckReport:
    """Check images and masks, read as `tile_dataset` would read them.

    Everything is read once, window by window. Problems are collected, not
    raised: pairs by name, sizes, ids and shares of the classes, ranges of
    values, bands and ground sample distances.

    Args:
        images, masks: as for `keras_rsseg.data.tile_dataset`: lists, folders,
            patterns, polygons.
        num_classes: int. Defaults to the model's, or the palette's.
        class_names: names of the classes. Defaults to the model's, or the
            palette's.
        palette: `Palette` or list of `(r, g, b)` for colour-coded masks.
        bands: band numbers to read, from 1, or (for files) names; `None` for
            all.
        ids, class_attribute: as for `tile_dataset`. The attribute may hold
            the names of the classes.
        model: the model to train, or anything with its `bands`,
            `value_range`, `ground_sample_distance`, `num_classes` and
            `class_names`; or `None`.

    Returns:
        A `CheckReport`; `print` it.

    Example:

    ```python
    images = np.zeros((2, 64, 64, 3), "uint8")
    masks = np.full((2, 64, 64), 255, "uint8")
    report = keras_rsseg.data.check(images, masks, num_classes=2)
    report.doubts[0][:33]  # "The masks hold no labelled pixel:"
    ```
    """
    palette = as_palette(palette)
    names = class_names or getattr(model, "class_names", None)
    if names is None and palette is not None:
        names = palette.names
    if num_classes is None:
        num_classes = getattr(model, "num_classes", None)
    if num_classes is None and palette is not None:
        num_classes = palette.num_classes
    report = CheckReport(
        num_classes=num_classes, class_names=names and list(names)
    )
    ids = ids_of_classes(ids, class_attribute, names)
    try:
        listed, listed_masks = as_lists(images, masks, class_attribute, ids)
    except (KerasRssegError, OSError) as error:
        report.problems.append(str(error))
        return report
    read = _MaskReader(palette, ids, num_classes)
    kept = []
    for index, image in enumerate(listed):
        facts = _look(report, _facts, image, index, bands)
        mask = None if listed_masks is None else listed_masks[index]
        if facts is None:
            continue
        report.images.append(facts)
        if mask is None:
            continue
        report.num_masks += 1
        counts = _look(report, read.count, mask, facts)
        if counts is None:
            continue
        kept.append((image, mask))
        report.id_counts += counts
        report.images_with += counts > 0
        report.doubts += _doubt_places(image, mask)
    _check_alike(report)
    _check_together(report, read, model)
    one = only_class(report, class_attribute)
    report.doubts += [] if one is None else [one]
    if listed_masks is not None:
        report.samples = kept, bands, read, palette
    return report


class _MaskReader:
    """Reads masks in one way, and collects colours without a class."""

    def __init__(self, palette: Any, ids: Any, num_classes: int | None):
        self._palette, self._ids = palette, ids
        self._num_classes = num_classes
        self.unlisted = UnlistedColors()

    def read(self, mask: Any, window: Window) -> np.ndarray:
        """Return the ids of a window."""
        return read_mask(
            mask, window, self._palette, self.unlisted, "masks", self._ids
        )

    def count(self, mask: Any, facts: ImageFacts) -> np.ndarray:
        """Return the pixels of each id in a mask of the image's size."""
        name = _name(mask, f"the mask of {facts.name}")
        size = size_of(mask)
        if size != facts.size:
            raise KerasRssegError(
                f"{facts.name} has {facts.size[0]}x{facts.size[1]} pixels "
                f"(height x width), {name} has {size[0]}x{size[1]}"
            )
        counts = np.zeros(256, "int64")
        for window in reading_windows(*size, _STRIP_ROWS, size[1]):
            counts += count_ids(self.read(mask, window))
        check_ids(counts, self._num_classes, name)
        return counts


def _look(report: CheckReport, look: Callable[..., Any], *given: Any) -> Any:
    try:
        return look(*given)
    except (KerasRssegError, OSError) as error:
        report.problems.append(str(error))
        return None


def _facts(image: Any, index: int, bands: Any) -> ImageFacts:
    size = size_of(image)
    values: list[TileValues] = []
    for window in reading_windows(*size, _STRIP_ROWS, size[1]):
        pixels = read_image(image, window, bands, "images")
        found = [
            TileValues.of(pixels[..., band : band + 1])
            for band in range(pixels.shape[-1])
        ]
        values = [
            one + other
            for one, other in zip(
                values or [TileValues()] * len(found), found, strict=True
            )
        ]
    ground_size = None
    if is_path(image):
        with open_raster(image, "images") as dataset:
            ground_size = _ground_size(dataset)
            if bands is None and dataset.count == 4:
                alpha = dataset.colorinterp[3] == ColorInterp.alpha
                values = values[:3] if alpha else values
    name = name_of(image, f"images[{index}]")
    return ImageFacts(name, size, str(pixels.dtype), ground_size, values)


def _ground_size(dataset: Any) -> float | None:
    """Metres per pixel, from north to south."""
    if dataset.crs is None:
        return None
    step = float(np.hypot(dataset.transform.b, dataset.transform.e))
    if dataset.crs.is_geographic:
        return step * _DEGREE
    return step * dataset.crs.linear_units_factor[1]


def _doubt_places(image: Any, mask: Any) -> list[str]:
    """A doubt if a georeferenced image and mask do not lie together."""
    if not (is_path(image) and is_path(mask)):
        return []
    with open_raster(image) as one, open_raster(mask) as other:
        if one.crs is None or other.crs is None:
            return []
        far = np.abs(np.subtract(one.bounds, other.bounds)).max()
        pixel = max(map(abs, one.transform[:6:4]))
        if one.crs == other.crs and far < pixel:
            return []
    return [f"{image} and {mask} are not at the same place on the ground"]


def _check_alike(report: CheckReport) -> None:
    for what, value_of in (
        ("number of bands", lambda one: len(one.values)),
        ("dtype", lambda one: one.dtype),
    ):
        first: dict[Any, str] = {}
        for one in report.images:
            first.setdefault(value_of(one), one.name)
        if len(first) > 1:
            listed = ", ".join(f"{v} in {name}" for v, name in first.items())
            report.problems.append(
                f"All images must have the same {what}. Found: {listed}"
            )


def only_class(report: CheckReport, class_attribute: str | None) -> str | None:
    """Return what is wrong if all labels are of one class, else `None`.

    Args:
        report: a report of `check`.
        class_attribute: that of polygons, or `None`.
    """
    labelled = np.flatnonzero(report.id_counts[:VOID])
    if labelled.size != 1 or report.num_classes == 1:
        return None
    (index,) = labelled.tolist()
    name = f" ({report.class_names[index]})" if report.class_names else ""
    advice = "Label pixels of other classes, too"
    if class_attribute is not None:
        advice += (
            ". What no polygon covers is void here; without "
            "`class_attribute`, it is class 0 and all polygons are class 1"
        )
    return (
        f"All labelled pixels are of class {index}{name}: a model would learn "
        f"to answer nothing else. {advice}"
    )


def _check_together(report: CheckReport, read: Any, model: Any) -> None:
    unlisted = read.unlisted.message()
    report.doubts += [] if unlisted is None else [unlisted]
    report.doubts += doubt_ids(
        report.id_counts, report.num_classes, class_names=report.class_names
    )
    values = sum(
        (value for one in report.images for value in one.values), TileValues()
    )
    value_range = getattr(model, "value_range", None)
    found = _look(report, check_values, values, value_range, "Images")
    report.doubts += found or []
    report.doubts += _doubt_model(report, model)


def _doubt_model(report: CheckReport, model: Any) -> list[str]:
    doubts = []
    wanted = getattr(model, "bands", None)
    counts = {len(one.values) for one in report.images}
    if wanted is not None and counts - {len(wanted)}:
        report.problems.append(
            f"The model takes {counted(len(wanted), 'band')} "
            f"({', '.join(wanted)}); the images have "
            f"{', '.join(map(str, sorted(counts)))}. Say which to read with "
            "`bands`"
        )
    size = getattr(model, "ground_sample_distance", None)
    sizes = [one.ground_size for one in report.images if one.ground_size]
    if size is not None and sizes:
        middle = float(np.median(sizes))
        if max(middle / size, size / middle) > _OTHER_GROUND_SIZE:
            doubts.append(
                f"Images have {middle:.3g} m per pixel, but the model was "
                f"trained at {size:.3g} m: objects look larger or smaller to "
                "it. Resample the images, or train for longer"
            )
    return doubts


def _name(mask: Any, fallback: str) -> str:
    if isinstance(mask, VectorMask):
        return str(mask)
    return name_of(mask, fallback)
