"""What tells which pixels of a scene hold data."""

import numpy as np
from rasterio.dtypes import in_dtype_range
from rasterio.enums import MaskFlags

from keras_rsseg.errors import ArgumentError
from keras_rsseg.scenes.reading.black_border import BORDER
from keras_rsseg.scenes.reading.scene_source import alpha_band


class SceneValidity:
    """Judges the pixels of a scene by all signs that there are.

    Args:
        dataset: an open rasterio dataset.
        bands: list of the bands that are read.
        nodata: value that means no data, in place of the dataset's own;
            `"border"` for what `border` says; or `None`.

    Attributes:
        alpha: number of the alpha band; `None` without, or where it is read
            as data.
        border: a `BlackBorder`, or `None`.
        nodata: the value that means no data where all bands have it, or
            `None`.
        needs_pixels: whether pixels tell what the dataset's masks do not.

    Raises:
        ValueError: for a `nodata` that the scene's dtype cannot hold.
    """

    def __init__(self, dataset, bands, nodata):
        self._dtype = np.dtype(dataset.dtypes[bands[0] - 1])
        self._given = nodata is not None and nodata != BORDER
        if self._given:
            _check_nodata(nodata, self._dtype)
        own = [dataset.nodatavals[band - 1] for band in bands]
        # Files may state one that none of their pixels can have.
        own = {value for value in own if _fits(value, self._dtype)}
        self._several = nodata is None and len(own) > 1
        self.nodata = nodata if self._given else None
        if nodata is None and len(own) == 1:
            (self.nodata,) = own
        alpha = alpha_band(dataset)
        self.alpha = None if alpha in bands else alpha
        self._masks = _masks_that_count(dataset, bands, nodata)
        # GDAL's masks are either nodata's or alpha's.
        if self.alpha is not None and self._masks:
            self._masks, self._given = set(), self.nodata is not None
        self._floats = self._dtype.kind == "f"
        self.needs_pixels = self._given or self._floats
        self.border = None

    @property
    def needs_mask(self):
        """Whether no sign that GDAL's warper knows tells it all."""
        signs = [
            self.alpha is not None,
            MaskFlags.per_dataset in self._masks,
            self.nodata is not None,
        ]
        return (
            sum(signs) > 1
            or self._several
            or self._floats
            or self.border is not None
        )

    def read(self, read, window, pixels=None):
        """Return which pixels of a window hold data.

        Args:
            read: callable that calls a method of the dataset by its name:
                `(name, bands, window)`.
            window: a `rasterio.windows.Window`.
            pixels: the bands read there, `(bands, height, width)`; may be
                `None` if not `needs_pixels`.

        Returns:
            A boolean array `(height, width)`.
        """
        valid = np.ones((window.height, window.width), bool)
        if self.alpha is not None:
            valid &= read("read", self.alpha, window) > 0
        if MaskFlags.per_dataset in self._masks:
            valid &= read("read_masks", 1, window) > 0
        elif self._masks:
            valid &= (read("read_masks", None, window) > 0).any(axis=0)
        if self._given and not np.isnan(self.nodata):
            valid &= (pixels != self.nodata).any(axis=0)
        if self._floats:
            valid &= np.isfinite(pixels).all(axis=0)
        if self.border is not None:
            valid &= ~self.border.read(
                window.row_off, window.col_off, window.height, window.width
            )
        return valid


def _masks_that_count(dataset, bands, nodata):
    """What the masks of bands are made of, beside alpha; as `MaskFlags`."""
    found = {
        flag for band in bands for flag in dataset.mask_flag_enums[band - 1]
    }
    if MaskFlags.nodata in found:
        return set() if nodata is not None else {MaskFlags.nodata}
    if MaskFlags.per_dataset in found and MaskFlags.alpha not in found:
        return {MaskFlags.per_dataset}
    return set()


def _check_nodata(nodata, dtype):
    if isinstance(nodata, str) or not _fits(nodata, dtype):
        raise ArgumentError(
            f"`nodata` must be '{BORDER}' or a value of {dtype}, the scene's "
            f"dtype. Received: {nodata!r}"
        )


def _fits(nodata, dtype):
    if nodata is None or dtype.kind == "f":
        return nodata is not None
    return float(nodata).is_integer() and in_dtype_range(nodata, dtype)
