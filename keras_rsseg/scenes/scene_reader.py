"""Read windows of a scene with their validity, on its grid or another."""

import contextlib

import numpy as np
from rasterio.dtypes import in_dtype_range
from rasterio.enums import MaskFlags
from rasterio.enums import Resampling
from rasterio.errors import RasterioIOError
from rasterio.transform import Affine
from rasterio.vrt import WarpedVRT
from rasterio.windows import Window

from keras_rsseg.scenes.scene_source import alpha_band
from keras_rsseg.scenes.scene_source import choose_bands


class SceneReader:
    """Windows of a scene: pixels, and which of them are valid.

    A pixel is invalid where the dataset's mask says so (its nodata value in
    all bands, an alpha of 0, a mask band), where all read bands equal
    `nodata`, and where a band is NaN or infinite.

    Args:
        dataset: an open rasterio dataset.
        bands: list of band numbers (from 1) or names; see `choose_bands`.
        nodata: value that means no data, in place of the dataset's own.
            Alpha and mask bands still count.
        model_bands: number or names of the bands that the model takes.

    Raises:
        ValueError: for bands that do not exist, or a `nodata` that the
            scene's dtype cannot hold.

    Example:

    ```python
    with open_scene("scene.tif") as dataset:
        pixels, valid = SceneReader(dataset).read(0, 0, 256, 256)
    ```
    """

    def __init__(self, dataset, bands=None, nodata=None, model_bands=None):
        self.dataset = dataset
        self.bands = choose_bands(dataset, bands, model_bands)
        self.dtype = np.dtype(dataset.dtypes[self.bands[0] - 1])
        self.nodata = nodata
        if nodata is not None and not _fits(nodata, self.dtype):
            raise ValueError(
                f"`nodata` must be a value of {self.dtype}, the scene's "
                f"dtype. Received: {nodata}"
            )

    @property
    def height(self):
        """Number of rows."""
        return self.dataset.height

    @property
    def width(self):
        """Number of columns."""
        return self.dataset.width

    def read(self, row, col, height, width):
        """Read a window that lies within the scene.

        Args:
            row: first row.
            col: first column.
            height: number of rows.
            width: number of columns.

        Returns:
            `(pixels, valid)`: an array `(height, width, bands)`, uint8
            where the scene is uint8 and float32 else, in the scene's own
            value range, and a boolean array `(height, width)`. Pixels that
            hold no finite value, and invalid ones, are filled with the mean
            of the window's valid ones, band by band: black or an extreme
            nodata value would be an object to a network.

        Raises:
            RasterioIOError: if the file is damaged there.
        """
        window = Window(col, row, width, height)
        pixels = self._read_pixels(window)
        valid = self._valid(window, pixels)
        _fill(pixels, valid)
        if pixels.dtype != np.uint8:
            pixels = pixels.astype("float32", copy=False)
        return np.ascontiguousarray(np.moveaxis(pixels, 0, -1)), valid

    def read_valid(self, row, height):
        """Return which pixels of some rows are valid.

        Args:
            row: first row.
            height: number of rows.

        Returns:
            A boolean array `(height, width)`.
        """
        window = Window(0, row, self.width, height)
        needs_pixels = self.nodata is not None or self.dtype.kind == "f"
        pixels = self._read_pixels(window) if needs_pixels else None
        return self._valid(window, pixels)

    @contextlib.contextmanager
    def resampled(self, height, width):
        """Yield a reader of the same extent on another grid.

        Averages where pixels become larger, bilinear where smaller. What is
        invalid takes no part; a pixel is valid there if it holds anything
        valid.

        Args:
            height: number of rows of the new grid.
            width: number of columns of the new grid.

        Yields:
            A reader with `height`, `width` and `read`.

        Raises:
            ValueError: if the alpha band is read as data.
        """
        alpha = alpha_band(self.dataset)
        if alpha in self.bands:
            raise ValueError(
                f"Band {alpha} of {self.dataset.name} is marked as alpha; it "
                "cannot be resampled as data. Change its colour "
                "interpretation, or give `ground_sample_distance=None`"
            )
        source = self.dataset
        rows, columns = source.height / height, source.width / width
        finer = max(rows, columns) <= 1
        with WarpedVRT(
            source,
            crs=source.crs,
            transform=_scaled(source.transform, columns, rows),
            width=width,
            height=height,
            resampling=Resampling.bilinear if finer else Resampling.average,
            src_nodata=self._warp_nodata(),
            add_alpha=alpha is None,
            tolerance=1e-3,
        ) as warped:
            yield _ResampledReader(warped, self.bands)

    def _warp_nodata(self):
        if self.nodata is not None:
            return self.nodata
        nodata = self.dataset.nodata
        if nodata is None:
            return np.nan if self.dtype.kind == "f" else None
        # Files may state one that none of their pixels can have.
        return nodata if _fits(nodata, self.dtype) else None

    def _read_pixels(self, window):
        try:
            return self.dataset.read(self.bands, window=window)
        except RasterioIOError as error:
            rows = f"{window.row_off} to {window.row_off + window.height}"
            raise RasterioIOError(
                f"{self.dataset.name} cannot be read at rows {rows}: "
                f"{error.__cause__ or error}"
            ) from error

    def _valid(self, window, pixels):
        valid = np.ones((window.height, window.width), bool)
        if self._has_mask():
            valid &= self.dataset.dataset_mask(window=window) > 0
        if self.nodata is not None and not np.isnan(self.nodata):
            valid &= (pixels != self.nodata).any(axis=0)
        if self.dtype.kind == "f":
            valid &= np.isfinite(pixels).all(axis=0)
        return valid

    def _has_mask(self):
        """Whether the dataset itself says what is valid."""
        if alpha_band(self.dataset) in self.bands:
            return False
        flags = {flag for band in self.dataset.mask_flag_enums for flag in band}
        if self.nodata is not None:
            return MaskFlags.per_dataset in flags
        return bool(flags & {MaskFlags.per_dataset, MaskFlags.nodata})


class _ResampledReader(SceneReader):
    """A warped dataset, whose alpha band tells what is valid."""

    def __init__(self, warped, bands):
        super().__init__(warped, bands)
        self.alpha = alpha_band(warped)

    def _valid(self, window, pixels):
        return self.dataset.read(self.alpha, window=window) > 0


def _scaled(matrix, columns, rows):
    """The transform of a grid with pixels so many times as large."""
    return Affine(
        matrix.a * columns,
        matrix.b * rows,
        matrix.c,
        matrix.d * columns,
        matrix.e * rows,
        matrix.f,
    )


def _fits(nodata, dtype):
    if dtype.kind == "f":
        return True
    return float(nodata).is_integer() and in_dtype_range(nodata, dtype)


def _fill(pixels, valid):
    """Fill what is not valid, in place, with the mean of what is."""
    for band in pixels:
        good = valid
        if band.dtype.kind == "f":
            good = valid & np.isfinite(band)
        if good.all():
            continue
        mean = band[good].mean(dtype="float64") if good.any() else 0
        if band.dtype.kind != "f":
            mean = np.rint(mean)
        band[~good] = mean
