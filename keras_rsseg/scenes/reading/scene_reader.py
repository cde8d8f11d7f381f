"""Read windows of a scene and their valid pixels, on its grid or another."""

import contextlib
import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
from rasterio.io import DatasetReader
from rasterio.vrt import WarpedVRT

from keras_rsseg.errors import SceneError
from keras_rsseg.option_values import as_percentages
from keras_rsseg.rasters.bands import ModelBands
from keras_rsseg.rasters.bands import alpha_band
from keras_rsseg.rasters.bands import choose_bands
from keras_rsseg.rasters.opener import strict_reading
from keras_rsseg.rasters.validity import BORDER
from keras_rsseg.rasters.validity import Validity
from keras_rsseg.rasters.windows import Window
from keras_rsseg.scenes.reading.area_of_interest import AreaOfInterest
from keras_rsseg.scenes.reading.plain_border import PlainBorder
from keras_rsseg.scenes.reading.resampled_view import ResampledView
from keras_rsseg.scenes.reading.resampled_view import any_in_cells
from keras_rsseg.scenes.reading.scene_file import open_scene
from keras_rsseg.scenes.reading.value_scale import ValueScale
from keras_rsseg.scenes.reading.value_scale import check_color_table
from keras_rsseg.scenes.reading.value_scale import check_values
from keras_rsseg.scenes.reading.value_scale import scene_scale


class SceneReader:
    """Windows of a scene: pixels, and which of them are valid.

    A pixel is invalid where it holds no data by the rule of
    `keras_rsseg.rasters.validity` (nodata value, alpha, mask, NaN), and
    outside the area of interest.

    Readers keep no state between calls, but GDAL's datasets belong to one
    thread; each further thread needs its own reader, see `reopened`.

    Args:
        dataset: an open rasterio dataset.
        bands: list of band numbers (from 1) or names; see `choose_bands`.
        nodata: value that means no data, instead of the dataset's own.
            Alpha and mask bands still count. `"border"`: pixels of one plain
            colour, black or another, from the scene's border inwards hold no
            data, see `PlainBorder`; for mosaics with plain corners and no
            nodata value. The scene, or the part given to `find_border`, is
            read once more for that. `"none"`: the dataset's own value is
            data.
        model_bands: number or names of the bands that the model takes.
        area: where to map, anything that `AreaOfInterest` accepts; `None`
            for everywhere.
        value_range: `(low, high)`, values of the scene that map to the
            model's lowest and highest, in its own units if it states scale
            and offset; or percentages, see `scene_scale`. Values beyond are
            clipped.
        model_range: `(low, high)`, values that the model was made for;
            `None` if unknown.
        crop: whether to map only the area's extent.
        border_later: whether `find_border` will be called before anything
            is read.

    Attributes:
        window: the part of the scene to map.

    Raises:
        RasterError: for bands that do not exist, or a `nodata` that the
            scene's dtype cannot hold.
        SceneError: for an area that does not meet the scene, or, without a
            `value_range`, a dtype that the model was not made for.

    Example:

    ```python
    keras.utils.save_img("scene.png", np.zeros((64, 48, 3)), scale=False)
    with keras_rsseg.scenes.open_scene("scene.png") as dataset:
        reader = keras_rsseg.scenes.SceneReader(dataset, bands=[3, 2, 1])
        pixels, valid = reader.read(row=0, col=0, height=32, width=32)
    pixels.shape, valid.all()  # ((32, 32, 3), True)
    ```
    """

    def __init__(
        self,
        dataset: DatasetReader,
        bands: Any = None,
        nodata: float | str | None = None,
        model_bands: ModelBands = None,
        area: Any = None,
        value_range: tuple[float, float] | tuple[str, str] | None = None,
        model_range: tuple[float, float] | None = None,
        crop: bool = False,
        border_later: bool = False,
    ):
        self.dataset = dataset
        self.name = dataset.name
        self.bands = choose_bands(dataset, bands, model_bands)
        check_color_table(dataset, self.bands)
        self.dtype = np.dtype(dataset.dtypes[self.bands[0] - 1])
        self.nodata = nodata
        self.validity = Validity(dataset, self.bands, nodata)
        self.area = None if area is None else AreaOfInterest.of(area)
        self._inside = None if self.area is None else self.area.on(dataset)
        whole = Window(0, 0, self.height, self.width)
        self.window = self.extent if crop else whole
        self._scale = ValueScale.between(None, model_range)
        self.value_range: tuple[float, float] | None = None
        if value_range is None:
            check_values(self, model_range)
        # Percentages refer to a sample of the whole scene.
        if not border_later or as_percentages(value_range) is not None:
            self.find_border()
        if value_range is not None:
            self._scale, self.value_range = scene_scale(
                self, value_range, model_range
            )

    def find_border(self, place: Window | None = None) -> None:
        """Find where the scene's border is plain, if that was requested.

        Args:
            place: the part of the scene that will be read, `None` for all.
        """
        if self.nodata == BORDER and self.validity.border is None:
            self.validity.border = PlainBorder.find(self, place)

    @property
    def height(self) -> int:
        """Number of rows."""
        return self.dataset.height

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.dataset.width

    @property
    def extent(self) -> Window:
        """The window around the area of interest, or the whole scene."""
        if self._inside is None:
            return Window(0, 0, self.height, self.width)
        return self._inside.window(self.height, self.width)

    def read_band(self, number: int, window: Window) -> np.ndarray:
        """Return pixels `(height, width)` of any band, chosen or not.

        Args:
            number: band number, from 1.
            window: which pixels; must lie within the scene.
        """
        return self._read("read", number, window)

    def read(
        self, row: int, col: int, height: int, width: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Read a window that lies within the scene.

        Args:
            row: first row.
            col: first column.
            height: number of rows.
            width: number of columns.

        Returns:
            `(pixels, valid)`: an array `(height, width, bands)` and a
            boolean array `(height, width)`. Without a `value_range`, pixels
            are as in the scene, uint8 if it is uint8 and float32 otherwise;
            with one, float32 in the model's range. Pixels without data or
            without finite values are filled with the mean of the window's
            others, band by band: to a network, black or an extreme nodata
            value would look like an object. Pixels outside the area of
            interest are invalid but keep their values, as context for those
            inside; windows entirely outside are not read.

        Raises:
            RasterError: if the file is damaged there.
        """
        window = Window(row, col, height, width)
        inside = self._within_area(window)
        if inside is not None and not inside.any():
            shape = height, width, len(self.bands)
            bytes_only = self.dtype == np.uint8 and self._scale is None
            pixels = np.zeros(shape, "uint8" if bytes_only else "float32")
            return pixels, inside
        pixels = self._read("read", None, window)
        valid = self._data(window, pixels)
        _fill(pixels, valid)
        if self._scale is not None:
            pixels = self._scale.apply(pixels)
        elif pixels.dtype != np.uint8:
            pixels = pixels.astype("float32", copy=False)
        pixels = np.ascontiguousarray(np.moveaxis(pixels, 0, -1))
        return pixels, valid if inside is None else valid & inside

    def read_valid(
        self, row: int, col: int, height: int, width: int
    ) -> np.ndarray:
        """Return which pixels of a window are valid.

        Args:
            row: first row.
            col: first column.
            height: number of rows.
            width: number of columns.

        Returns:
            A boolean array `(height, width)`.
        """
        window = Window(row, col, height, width)
        inside = self._within_area(window)
        if inside is not None and not inside.any():
            return inside
        valid = self.read_data(row, col, height, width)
        return valid if inside is None else valid & inside

    def read_stored(
        self, row: int, col: int, height: int, width: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return pixels `(bands, height, width)` as the scene has them.

        Args:
            row: first row.
            col: first column.
            height: number of rows.
            width: number of columns.

        Returns:
            `(pixels, valid)`; `valid` disregards the area of interest.
        """
        window = Window(row, col, height, width)
        pixels = self._read("read", None, window)
        return pixels, self._data(window, pixels)

    def read_data(
        self, row: int, col: int, height: int, width: int
    ) -> np.ndarray:
        """Like `read_valid`, but disregards the area of interest."""
        window = Window(row, col, height, width)
        pixels = None
        if self.validity.needs_pixels:
            pixels = self._read("read", None, window)
        return self._data(window, pixels)

    @contextlib.contextmanager
    def reopened(self) -> Iterator["SceneReader"]:
        """Yield an equal reader with its own dataset, for another thread.

        Results of analysing the scene are shared, not computed again.
        """
        with open_scene(self.name) as dataset:
            dataset.stated = getattr(self.dataset, "stated", dataset.stated)
            reader = copy.copy(self)
            reader.dataset = dataset
            yield reader

    @contextlib.contextmanager
    def resampled(
        self, height: int, width: int, window: Window | None = None
    ) -> Iterator["SceneReader"]:
        """Yield a reader of the same extent on another grid.

        Averages if pixels become larger, bilinear if smaller. Pixels without
        data are left out; a new pixel is valid if it covers a valid one.

        Args:
            height: number of rows of the new grid.
            width: number of columns of the new grid.
            window: the part of the scene that will be read, `None` for all.

        Yields:
            A reader with `height`, `width`, `read`, `read_valid` and
            `reopened`.

        Raises:
            SceneError: if the alpha band is read as data.
        """
        alpha = alpha_band(self.dataset)
        if alpha in self.bands:
            raise SceneError(
                f"Band {alpha} of {self.name} is tagged as alpha; it cannot "
                "be resampled as data. Give `alpha='none'` if it is data, or "
                "`resample='never'`"
            )
        with ResampledView(self, height, width, window) as view:
            with view.open() as warped:
                yield _ResampledReader(self, view, warped)

    def _within_area(self, window: Window) -> np.ndarray | None:
        """Mark the pixels in the area of interest; `None` for all."""
        if self._inside is None:
            return None
        return self._inside.read(*window)

    def _data(self, window: Window, pixels: np.ndarray | None) -> np.ndarray:
        """Mark the pixels of a window that hold data."""
        return self.validity.read(self._read, window, pixels)

    def _read(self, method: str, bands: Any, window: Window) -> np.ndarray:
        """Call a method of the dataset, by default for all chosen bands."""
        bands = self.bands if bands is None else bands
        with strict_reading(self.name, "source", self._scene_rows(window)):
            read = getattr(self.dataset, method)
            return read(bands, window=window.to_rasterio())

    def _scene_rows(self, window: Window) -> tuple[int, int]:
        return window.row, window.row + window.height


class _ResampledReader(SceneReader):
    """A warped dataset, whose alpha band tells where there is data."""

    def __init__(
        self, scene: SceneReader, view: ResampledView, warped: WarpedVRT
    ):
        vars(self).update(vars(scene))
        self._scene = scene
        self._view = view
        self.dataset = warped
        self.bands = list(range(1, len(scene.bands) + 1))

    @contextlib.contextmanager
    def reopened(self) -> Iterator["SceneReader"]:
        with self._view.open() as warped:
            yield _ResampledReader(self._scene, self._view, warped)

    def read_data(
        self, row: int, col: int, height: int, width: int
    ) -> np.ndarray:
        return self._data(Window(row, col, height, width), None)

    def _data(self, window: Window, pixels: np.ndarray | None) -> np.ndarray:
        return self._read("read", self.dataset.count, window) > 0

    def _within_area(self, window: Window) -> np.ndarray | None:
        """Mark pixels that contain any of the scene's pixels inside."""
        if self._inside is None:
            return None
        return any_in_cells(self._inside.read, self._view.factors, *window)

    def _scene_rows(self, window: Window) -> tuple[int, int]:
        factor = self._view.factors[0]
        first, end = super()._scene_rows(window)
        return int(first * factor), min(
            int(np.ceil(end * factor)), self._scene.height
        )


def _fill(pixels: np.ndarray, valid: np.ndarray) -> None:
    """Fill pixels without data, in place, with the mean of the others."""
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
