"""The one way to open a raster: strict, with errors that name the file."""

import contextlib
import logging
import os
import threading
import warnings
from collections.abc import Iterator
from typing import Any
from typing import NamedTuple
from typing import TypeGuard

import rasterio
from rasterio._err import CPLE_BaseError
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.env import ensure_env_with_credentials
from rasterio.errors import NotGeoreferencedWarning
from rasterio.errors import RasterioError
from rasterio.errors import RasterioIOError
from rasterio.io import DatasetReader

from keras_rsseg.errors import ArgumentTypeError
from keras_rsseg.errors import RasterError
from keras_rsseg.files import no_file
from keras_rsseg.rasters.not_rasters import what_it_is
from keras_rsseg.rasters.remote_files import is_remote
from keras_rsseg.rasters.remote_files import why_not
from keras_rsseg.rasters.sources import TileReader
from keras_rsseg.rasters.sources import in_archive
from keras_rsseg.rasters.sources import missing_file
from keras_rsseg.rasters.truncation import find_missing

# Makes GDAL's drivers fail on truncated or damaged files. By default they fill
# the rest of a PNG read in one go with whatever is in memory, and grey where
# libjpeg only warns; missing blocks of a TIFF become zeros only on request, but
# the environment may request it. JPEG 2000, WebP and the other formats need no
# option.
_STRICT = {
    "GDAL_PNG_WHOLE_IMAGE_OPTIM": False,
    "GDAL_ERROR_ON_LIBJPEG_WARNING": True,
    "GTIFF_IGNORE_READ_ERRORS": False,
}

# The filters of `warnings` are per process, not per thread.
_FILTERING = threading.Lock()

# GDAL only warns of damaged GeoKeys, and drops the georeference.
_GDAL_LOG = logging.getLogger("rasterio._env")
_CORRUPT = "tags apparently corrupt"

_LISTED = 20


class RasterReadError(RasterError, RasterioIOError):
    """A raster cannot be opened, or is truncated where it is read.

    It is also a `RasterioIOError`, which rasterio would raise.
    """


def is_path(source: Any) -> TypeGuard[str | os.PathLike]:
    """Return whether `source` names a file.

    Args:
        source: anything.
    """
    return isinstance(source, str | os.PathLike)


def name_of(source: Any, fallback: str = "the array") -> str:
    """Return what to call `source` in a message.

    Args:
        source: path or array.
        fallback: what to call an array.
    """
    return os.fspath(source) if is_path(source) else fallback


class Statements(NamedTuple):
    """What a user states about a raster that its file omits or gets wrong.

    Attributes:
        crs: reference system, where the file states none.
        pixel_size: length of a pixel on the ground in metres, if nothing else
            states it.
        alpha_is_data: whether a band tagged as alpha holds data.
        crs_file: path of the file beside it that states `crs`.
    """

    crs: CRS | None = None
    pixel_size: float | None = None
    alpha_is_data: bool = False
    crs_file: str | None = None


class _NamingReader(TileReader):
    """A rasterio dataset whose attributes name the file in their errors."""

    # Name, in errors, of the argument that gave the path.
    argument: str = "source"


def _named(name: str) -> property:
    """An attribute whose errors name the raster.

    What GDAL could not read on opening a file, rasterio raises at whatever it
    asks for next. Each is asked for once: rasterio rebuilds its lists of all
    bands every time.
    """
    attribute: Any = getattr(TileReader, name)
    key = f"_own_{name}"

    def read(raster: _NamingReader) -> Any:
        if not hasattr(raster, key):
            with strict_reading(raster.name, raster.argument):
                setattr(raster, key, attribute.__get__(raster, type(raster)))
        return getattr(raster, key)

    return property(read)


for _name in (
    *("block_shapes", "colorinterp", "crs", "descriptions", "dtypes"),
    *("files", "gcps", "mask_flag_enums", "nodatavals", "offsets", "rpcs"),
    *("scales", "subdatasets", "transform", "units"),
):
    setattr(_NamingReader, _name, _named(_name))


class Raster(_NamingReader):
    """A rasterio dataset whose errors name the file, and where it is damaged.

    Reads are strict in any thread, whatever the settings around them.
    """

    # The name it was given, if GDAL knows it by another.
    source: str | None = None
    stated: Statements = Statements()

    @property
    def name(self) -> str:
        return self.source or super().name

    @property
    def crs(self) -> CRS | None:
        own = super().crs
        if own is not None or self.stated.crs is None:
            return own
        # Control points have their own reference system.
        return None if super().gcps[0] else self.stated.crs

    @property
    def gcps(self) -> tuple[list[Any], CRS | None]:
        points, own = super().gcps
        if points and own is None:
            own = self.stated.crs
        return points, own

    def read(self, *args: Any, **options: Any) -> Any:
        with strict_reading(self.name, self.argument, _rows(options)):
            return super().read(*args, **options)

    def read_masks(self, *args: Any, **options: Any) -> Any:
        with strict_reading(self.name, self.argument, _rows(options)):
            return super().read_masks(*args, **options)

    def dataset_mask(self, *args: Any, **options: Any) -> Any:
        with strict_reading(self.name, self.argument, _rows(options)):
            return super().dataset_mask(*args, **options)

    def tags(self, *args: Any, **options: Any) -> dict[str, str]:
        with strict_reading(self.name, self.argument):
            return super().tags(*args, **options)

    def get_tag_item(self, *args: Any, **options: Any) -> str | None:
        with strict_reading(self.name, self.argument):
            return super().get_tag_item(*args, **options)

    def colormap(self, *args: Any) -> dict[int, tuple[int, ...]]:
        with strict_reading(self.name, self.argument):
            return super().colormap(*args)

    @property
    def colorinterp(self) -> tuple[Any, ...]:
        meanings = super().colorinterp
        if not self.stated.alpha_is_data:
            return meanings
        return tuple(
            ColorInterp.undefined if each == ColorInterp.alpha else each
            for each in meanings
        )

    @property
    def indexes(self) -> range:
        # rasterio looks up each band here; in its own tuple, looking up
        # 65,535 bands would take minutes.
        return range(1, self.count + 1)


@contextlib.contextmanager
def open_raster(
    path: str | os.PathLike, argument: str = "source"
) -> Iterator[Raster]:
    """Open a raster for reading.

    A truncated file raises an error, here or when it is read, and never
    yields pixels that were not in it.

    Args:
        path: path or URL of any raster that GDAL reads, or the XML of a VRT.
        argument: its name in error messages.

    Yields:
        A `Raster`, for use in one thread. GDAL's own reads of it, in a
        `WarpedVRT` or to trace shapes, are strict within the context.

    Raises:
        ArgumentTypeError: if it is not a path.
        FileNotFoundError: if there is no such file.
        RasterReadError: if it is not a raster, has no bands, or is truncated.
    """
    if not is_path(path):
        raise ArgumentTypeError(
            f"`{argument}` must be the path or URL of a raster. Received: "
            f"{_what_it_is(path)}"
        )
    path = in_archive(os.fspath(path))
    missing = missing_file(path)
    if missing is not None:
        raise FileNotFoundError(f"`{argument}`: {no_file(missing)}")
    with strict_settings(), _open(path, argument) as dataset:
        if not dataset.count:
            parts = listed(dataset.subdatasets)
            raise RasterReadError(
                f"`{argument}`: {path} has no bands of its own"
                + (f". Subdatasets to give instead: {parts}" if parts else "")
            )
        yield dataset


def _what_it_is(value: Any) -> str:
    """What was given as a path, and what to give instead."""
    kind = type(value)
    name = f"{kind.__module__}.{kind.__qualname__}"
    if isinstance(value, DatasetReader):
        return f"an open dataset ({name}). Give its path, `dataset.name`"
    if hasattr(value, "__array__"):
        return (
            f"an array ({name}). Write it to a GeoTIFF first, georeferenced "
            "as the map should be, or call the model's `predict` on it"
        )
    if isinstance(value, list | tuple | set):
        return f"a {name}. For several scenes use `predict_scenes`"
    return name.removeprefix("builtins.")


def opens(path: str) -> bool:
    """Return whether GDAL finds a raster in a file or a folder.

    Args:
        path: path of either.
    """
    try:
        with without_place_warnings(), _make_reader(path) as dataset:
            return bool(dataset.count or dataset.subdatasets)
    except (RasterioError, CPLE_BaseError, UnicodeDecodeError):
        return False


def _open(path: str, argument: str) -> Raster:
    try:
        with without_place_warnings(), _overheard() as warned:
            dataset = _make_reader(path)
            dataset.argument = argument
            # The first thing that GDAL looks up lazily: rasterio raises here
            # if GeoKeys are damaged; elsewhere it would lose the place.
            _ = dataset.colorinterp
    except RasterReadError:
        raise
    except (RasterioError, CPLE_BaseError, UnicodeDecodeError) as error:
        if is_remote(path):
            reason = why_not(path, str(error), opened=False)
            raise RasterReadError(
                f"`{argument}`: {path} cannot be read: {reason}"
            ) from error
        raise RasterReadError(
            f"`{argument}`: {path} cannot be read, it is not a raster that "
            "GDAL reads (GeoTIFF, VRT, PNG, JPEG ...): "
            f"{what_it_is(path) or error}"
        ) from error
    corrupt = [text for text in warned if _CORRUPT in text]
    missing = corrupt[0] if corrupt else find_missing(dataset, path)
    if missing is not None:
        dataset.close()
        raise RasterReadError(
            f"`{argument}`: {path} cannot be read as a whole: {missing}"
        )
    return dataset


@contextlib.contextmanager
def _overheard() -> Iterator[list[str]]:
    """Yield a list of what GDAL logs meanwhile in this thread."""
    found: list[str] = []
    thread = threading.get_ident()
    handler = logging.Handler(logging.WARNING)

    def emit(record: logging.LogRecord) -> None:
        if record.thread == thread:
            found.append(record.getMessage())

    vars(handler)["emit"] = emit
    _GDAL_LOG.addHandler(handler)
    try:
        yield found
    finally:
        _GDAL_LOG.removeHandler(handler)


@ensure_env_with_credentials
def _make_reader(path: str) -> Raster:
    return Raster(path, sharing=False)


@contextlib.contextmanager
def strict_settings() -> Iterator[None]:
    """Make GDAL fail, in this thread, where it would fill in missing data."""
    options = rasterio.env.getenv() if rasterio.env.hasenv() else {}
    if _STRICT.items() <= options.items():
        yield
        return
    with rasterio.Env(**_STRICT):
        yield


@contextlib.contextmanager
def strict_reading(
    name: str, argument: str, rows: tuple[int, int] | None = None
) -> Iterator[None]:
    """Read strictly, and name the raster in errors.

    Args:
        name: path of the raster.
        argument: its name in error messages.
        rows: the first row read and the end of them, `None` for all.

    Raises:
        RasterReadError: instead of what rasterio and GDAL raise.
    """
    try:
        with strict_settings():
            yield
    except RasterReadError:
        raise
    except (RasterioError, CPLE_BaseError, UnicodeDecodeError) as error:
        place = "" if rows is None else f" at rows {rows[0]} to {rows[1]}"
        reason = str(error.__cause__ or error)
        if isinstance(error, UnicodeDecodeError):
            reason = f"it, or a file that it names, is not in UTF-8 ({error})"
        elif is_remote(name):
            reason = why_not(name, reason, opened=True)
        raise RasterReadError(
            f"`{argument}`: {name} cannot be read{place}: {reason}"
        ) from error


@contextlib.contextmanager
def without_place_warnings() -> Iterator[None]:
    """Keep rasterio from warning about rasters that are not georeferenced.

    Other threads wait meanwhile: use it only for opening a raster.
    """
    with _FILTERING, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        yield


def listed(names: list[str]) -> str:
    """Return names for a message, the first few of them.

    Args:
        names: the names to list.
    """
    more = len(names) - _LISTED
    shown = ", ".join(names[:_LISTED])
    return f"{shown} and {more} more" if more > 0 else shown


def _rows(options: dict[str, Any]) -> tuple[int, int] | None:
    """Rows of the window passed to a reading method."""
    window = options.get("window")
    if window is None:
        return None
    if isinstance(window, tuple):
        return tuple(window[0])
    return int(window.row_off), int(window.row_off + window.height)
