"""Which pixels of a raster hold data: the one rule, for tiles and scenes.

A pixel holds data unless one of these signs says that it does not:

- the file's nodata value in all bands that are read, each band by its own
  value (pure blue has no red, and is data); or, instead, a value that the user
  gives (`nodata`), or no value at all (`nodata="none"`);
- the file's alpha band, where it is 0 (half transparent is data);
- the file's mask, in it or in a file beside it; as in GDAL, it also replaces a
  nodata value that the file states;
- NaN or infinity in any band that is read;
- one plain colour from the border inwards, if the user asks for that
  (`nodata="border"`).

Signs add up. Bands that are not read do not count, and an alpha band that is
read is data like any other. A stated nodata value that the bands' dtype
cannot hold is ignored.

Training tiles and scenes to map differ only in the argument `nodata`: scenes
have it, tiles go by what their files state. An array states nothing; only its
non-finite pixels hold no data.
"""

from collections.abc import Callable
from collections.abc import Sequence
from typing import Any
from typing import Protocol

import numpy as np
from rasterio.dtypes import in_dtype_range
from rasterio.enums import MaskFlags
from rasterio.io import DatasetReader

from keras_rsseg.errors import RasterError
from keras_rsseg.rasters.bands import alpha_band
from keras_rsseg.rasters.windows import Window

# Values of `nodata=` for plain borders, and for treating a stated value as
# data.
BORDER, NONE = "border", "none"

# Calls a method of the dataset by its name, with bands and a window.
_Read = Callable[[str, Any, Window], np.ndarray]


class _Border(Protocol):
    """Tells which pixels of a window belong to a plain border."""

    def read(
        self, row: int, col: int, height: int, width: int
    ) -> np.ndarray: ...


class Validity:
    """Decides which pixels of a raster hold data, by the rule of this module.

    Args:
        dataset: an open rasterio dataset.
        bands: list of the bands that are read, from 1.
        nodata: value that means no data, instead of the dataset's own;
            `"border"` for what `border` finds; `"none"` for no value; or
            `None`.

    Attributes:
        alpha: number of the alpha band; `None` if there is none or it is
            read as data.
        border: what finds plain borders, set by the caller, or `None`.
        nodata: the value that means no data where all bands have it, or
            `None`.
        needs_pixels: whether the dataset's masks do not tell everything.
        sparse_bands: bands without a valid pixel where a sparse file stores
            no block; `[]` if there are none.

    Raises:
        RasterError: if the raster's dtype cannot hold `nodata`.
    """

    def __init__(
        self,
        dataset: DatasetReader,
        bands: Sequence[int],
        nodata: float | str | None = None,
    ):
        self._bands = list(bands)
        self._dtype = np.dtype(dataset.dtypes[bands[0] - 1])
        given = nodata is not None and nodata not in (BORDER, NONE)
        self.nodata = _check_nodata(nodata, self._dtype) if given else None
        values = dataset.nodatavals
        stated = {values[band - 1] for band in bands}
        # Files may state a value that none of their pixels can have.
        own = {value for value in stated if _fits(value, self._dtype)}
        # Then one value for all bands is not enough for GDAL's warper.
        self._several = nodata is None and bool(own) and len(stated) > 1
        if nodata is None and len(own) == 1:
            (self.nodata,) = own
        alpha = alpha_band(dataset)
        self.alpha = None if alpha in bands else alpha
        self._masks = _masks_that_count(dataset, bands, nodata)
        # GDAL's masks are either nodata's or alpha's.
        if alpha is not None and self._masks and self.nodata is not None:
            self._masks, given = set(), True
        elif self.alpha is not None:
            self._masks = set()
        # The value to compare pixels with, as no mask does.
        self._value = self.nodata if given else None
        self._floats = self._dtype.kind == "f"
        self.needs_pixels = self._value is not None or self._floats
        self.border: _Border | None = None
        # GDAL fills blocks that are not stored with the nodata value, or 0.
        self.sparse_bands: list[int] = []
        if self.alpha is not None and values[0] is None:
            self.sparse_bands = [self.alpha]
        elif self.nodata is not None and stated == {self.nodata}:
            self.sparse_bands = self._bands

    @property
    def may_lack_data(self) -> bool:
        """Whether any sign could say that pixels hold no data."""
        return (
            self.needs_pixels
            or self.alpha is not None
            or bool(self._masks)
            or self.border is not None
        )

    @property
    def needs_mask(self) -> bool:
        """Whether the signs that GDAL's warper knows are not enough."""
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

    def read(
        self, read: _Read, window: Window, pixels: np.ndarray | None = None
    ) -> np.ndarray:
        """Return which pixels of a window hold data.

        Args:
            read: callable `(name, bands, window)` that calls a method of the
                dataset by its name; `None` stands for the bands that are read.
            window: which pixels.
            pixels: the bands read there, `(bands, height, width)`; may be
                `None` unless `needs_pixels`.

        Returns:
            A boolean array `(height, width)`.
        """
        valid = np.ones((window.height, window.width), bool)
        if self.alpha is not None:
            valid &= read("read", self.alpha, window) > 0
        if MaskFlags.per_dataset in self._masks:
            valid &= read("read_masks", 1, window) > 0
        elif self._masks:
            masks = read("read_masks", None, window)
            valid &= (masks > 0).any(axis=0)
        if pixels is not None:
            valid &= self._hold_data(pixels)
        if self.border is not None:
            valid &= ~self.border.read(*window)
        return valid

    def _hold_data(self, pixels: np.ndarray) -> np.ndarray:
        valid = np.ones(pixels.shape[1:], bool)
        if self._value is not None and not np.isnan(self._value):
            valid &= (pixels != self._value).any(axis=0)
        if self._floats:
            valid &= np.isfinite(pixels).all(axis=0)
        return valid

    def read_from(self, dataset: DatasetReader, window: Window) -> np.ndarray:
        """Return which pixels of a window hold data.

        Args:
            dataset: the raster, opened.
            window: which pixels.

        Returns:
            A boolean array `(height, width)`.
        """

        def read(method: str, bands: Any, window: Window) -> np.ndarray:
            bands = self._bands if bands is None else bands
            return getattr(dataset, method)(bands, window=window.to_rasterio())

        pixels = read("read", None, window) if self.needs_pixels else None
        return self.read(read, window, pixels)


def _masks_that_count(
    dataset: DatasetReader, bands: Sequence[int], nodata: float | str | None
) -> set[MaskFlags]:
    """What the masks of bands are made of, besides alpha."""
    flags = dataset.mask_flag_enums
    found = {flag for band in bands for flag in flags[band - 1]}
    if MaskFlags.nodata in found:
        return set() if nodata is not None else {MaskFlags.nodata}
    if MaskFlags.per_dataset in found and MaskFlags.alpha not in found:
        return {MaskFlags.per_dataset}
    return set()


def _check_nodata(nodata: Any, dtype: np.dtype) -> float:
    if isinstance(nodata, str) or not _fits(nodata, dtype):
        raise RasterError(
            f"`nodata` must be '{BORDER}' or '{NONE}' or a value of {dtype}, "
            f"the scene's dtype. Received: {nodata!r}"
        )
    return nodata


def _fits(nodata: float | None, dtype: np.dtype) -> bool:
    if nodata is None or dtype.kind == "f":
        return nodata is not None
    return float(nodata).is_integer() and in_dtype_range(nodata, dtype)
