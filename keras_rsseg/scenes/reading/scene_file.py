"""Open a scene as its file and its user describe it."""

import contextlib
import functools
import logging
import os
import warnings
from collections.abc import Iterator
from typing import Any

from rasterio._err import CPLE_BaseError
from rasterio.crs import CRS
from rasterio.errors import RasterioError
from rasterio.warp import transform

from keras_rsseg.checks import check_choice
from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import RasterError
from keras_rsseg.option_values import check_pixel_size
from keras_rsseg.rasters.band_stack import open_source
from keras_rsseg.rasters.opener import Raster
from keras_rsseg.rasters.opener import Statements
from keras_rsseg.rasters.opener import listed
from keras_rsseg.rasters.opener import strict_settings
from keras_rsseg.rasters.sources import is_part
from keras_rsseg.scene_options import SceneOptions
from keras_rsseg.scenes.reading.ground_size import ground_pixel_size

logger = logging.getLogger(__name__)

# Relative difference allowed between a stated size and a measured one.
_SAME_SIZE = 0.01


@contextlib.contextmanager
def open_scene(
    source: str | os.PathLike,
    *,
    alpha: str = "auto",
    crs: Any = None,
    pixel_size: float | None = None,
    argument: str = "source",
) -> Iterator[Raster]:
    """Open a scene for reading.

    Args:
        source: path or URL of any raster that GDAL reads, GDAL's name of a
            subdataset, the XML of a VRT; or names of several files joined
            by plus signs, whose bands become one raster.
        alpha: `"none"` says that a band tagged as alpha holds data.
        crs: reference system, anything that rasterio accepts, of a scene
            that states none.
        pixel_size: pixel size on the ground in metres, if it is not stated.
        argument: name of `source` in errors.

    Yields:
        A `rasterio.DatasetReader`, for one thread.

    Raises:
        FileNotFoundError: if there is no such file.
        RasterError: if it is not a raster, has no bands, or is truncated; if
            the files of several bands have different grids; if it has a
            reference system, but PROJ does not work.
        ArgumentError: for an invalid `crs` or `pixel_size`.

    Example:

    ```python
    keras.utils.save_img("scene.png", np.zeros((64, 48, 3)), scale=False)
    with keras_rsseg.scenes.open_scene("scene.png") as dataset:
        shape = dataset.shape
    shape  # (64, 48)
    ```
    """
    check_choice("alpha", alpha, ("auto", "none"))
    stated = Statements(
        None if crs is None else as_crs("crs", crs),
        None
        if pixel_size is None
        else check_pixel_size("pixel_size", pixel_size),
        alpha == "none",
    )
    with open_source(source, argument) as dataset:
        if stated.crs is None:
            stated = stated._replace(**_system_beside(dataset))
        systems = stated.crs_file, dataset.crs, dataset.gcps[1]
        if any(system is not None for system in systems):
            check_projections()
        dataset.stated = stated
        yield dataset


def _system_beside(dataset: Raster) -> dict[str, Any]:
    """The contents of a .prj beside a world file, which GDAL ignores.

    Many deliveries have one for each image.
    """
    placed = dataset.crs is not None or dataset.gcps[0]
    if placed or dataset.transform.is_identity:
        return {}
    stem = os.path.splitext(dataset.name)[0]
    for path in (f"{stem}.prj", f"{stem}.PRJ"):
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                system = CRS.from_wkt(file.read())
        except (CPLE_BaseError, OSError, RasterioError, ValueError):
            continue
        return {"crs": system, "crs_file": path}
    return {}


@contextlib.contextmanager
def open_as(
    source: str | os.PathLike, options: SceneOptions
) -> Iterator[Raster]:
    """Open a scene as the options describe it.

    Args:
        source: as for `open_scene`.
        options: the scene's options.

    Yields:
        A `rasterio.DatasetReader`, for one thread.
    """
    with open_scene(
        source,
        alpha=options.alpha,
        crs=options.crs,
        pixel_size=options.pixel_size,
    ) as dataset:
        yield dataset


def as_crs(name: str, value: Any, others: str = "") -> CRS:
    """Return a reference system.

    Args:
        name: name of the argument, for the error.
        value: anything that rasterio accepts.
        others: what else is accepted, for the error.

    Raises:
        ArgumentError: if it is not a reference system.
        RasterError: if PROJ does not work.
    """
    check_projections()
    try:
        # Without it GDAL would print errors of its own.
        with strict_settings():
            return CRS.from_user_input(value)
    except (CPLE_BaseError, RasterioError, TypeError, ValueError) as error:
        raise ArgumentError(
            f"`{name}` must be a reference system, such as 'EPSG:25832'"
            f"{others}. Received: {value!r}"
        ) from error


@functools.cache
def check_projections() -> None:
    """Raise unless PROJ finds its database, in the version that it needs.

    GDAL would carry on without it, with wrong reference systems and sizes.

    Raises:
        RasterError: if it does not.
    """
    try:
        x, y = transform("EPSG:4326", "EPSG:3857", [1.0], [60.0])
        if abs(x[0] - 111319.49) < 1 and abs(y[0] - 8399737.89) < 1:
            return
        cause = "EPSG:4326 to EPSG:3857 is transformed wrongly"
    except (CPLE_BaseError, RasterioError, ValueError) as error:
        cause = str(error)
    names = [name for name in ("PROJ_DATA", "PROJ_LIB") if name in os.environ]
    advice = "Reinstall rasterio"
    if names:
        values = (f"{name}={os.environ[name]}" for name in names)
        advice = (
            f"The environment has {' and '.join(values)}, perhaps of another "
            f"installation: unset {' and '.join(names)}"
        )
    raise RasterError(
        "PROJ cannot find its database of reference systems (proj.db), or "
        f"finds one of another version: {cause}. {advice}"
    )


def tell_of_scene(dataset: Any) -> None:
    """Log contradictory statements, and further contents of a file.

    Args:
        dataset: a scene, opened by `open_scene`.
    """
    parts = dataset.subdatasets
    if len(parts) > 1 and not is_part(dataset.name):
        warnings.warn(
            f"{dataset.name} has {len(parts)} pages or subdatasets; the "
            f"first is read. Others can be given: {listed(parts)}",
            stacklevel=2,
        )
    own, crs = dataset.gcps[1], dataset.stated.crs
    if dataset.stated.crs_file is not None:
        logger.warning(
            "%s states no reference system; that of %s is used (%s).",
            dataset.name,
            dataset.stated.crs_file,
            crs.to_string(),
        )
    own = own if dataset.gcps[0] else dataset.crs
    if crs is not None and own is not None and own != crs:
        logger.warning(
            "%s states the reference system %s, which is kept; `crs=` is for "
            "scenes that state none.",
            dataset.name,
            own.to_string(),
        )
    size, measured = dataset.stated.pixel_size, ground_pixel_size(dataset)
    if size is not None and measured is not None:
        if max(abs(side / size - 1) for side in measured) > _SAME_SIZE:
            logger.warning(
                "The pixels of %s are %.4g x %.4g m, as the scene itself "
                "states; `pixel_size=` is for scenes that do not.",
                dataset.name,
                *measured,
            )
