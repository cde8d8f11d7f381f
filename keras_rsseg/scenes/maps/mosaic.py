"""One virtual raster over the maps of many scenes."""

import os
import pathlib
from collections.abc import Iterable
from collections.abc import Mapping

import numpy as np
from rasterio.transform import Affine

from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import SceneError
from keras_rsseg.files import check_free
from keras_rsseg.files import link_target
from keras_rsseg.files import write_durably
from keras_rsseg.rasters.opener import open_raster
from keras_rsseg.rasters.output_files import BLOCK
from keras_rsseg.rasters.vrt import VirtualRaster
from keras_rsseg.rasters.windows import Window
from keras_rsseg.scenes.maps.class_map import MapGrid
from keras_rsseg.scenes.maps.class_map import open_class_map
from keras_rsseg.scenes.maps.class_map import read_legend
from keras_rsseg.typing import PathLike
from keras_rsseg.void import VOID

# Relative difference allowed between pixel sizes.
_TOLERANCE = 1e-6
_TAGS = ("TIFFTAG_SOFTWARE", "model", "preset", "product")


def write_mosaic(
    maps: Iterable[PathLike], destination: PathLike, overwrite: bool = False
) -> pathlib.Path:
    """Join class maps in one virtual raster, without copying a pixel.

    It is a small file (GDAL's VRT) that GIS programs open as one raster with
    the classes and colours of the maps. Their paths are relative to it, so
    that a folder can be moved as a whole. Where maps overlap, the later one
    is on top, and void lets the others show through.

    Maps whose pixels do not line up are shifted by at most half a pixel.

    Args:
        maps: paths of maps that `predict_scene` wrote.
        destination: path of the file, `.vrt`.
        overwrite: whether an existing file may be replaced.

    Returns:
        The destination as a `pathlib.Path`.

    Raises:
        FileExistsError: if it exists and `overwrite` is false.
        FileNotFoundError: if a map or the destination's folder does not
            exist.
        ArgumentError: for any other suffix; if a map differs from the first
            in reference system, pixel size or classes, or has no place.

    Example:

    ```python
    import rasterio

    profile = {"height": 8, "width": 8, "count": 3, "dtype": "uint8"}
    for step in (0, 8):
        place = rasterio.Affine(1, 0, 500_000 + step, 0, -1, 5_000_000)
        with rasterio.open(
            f"{step}.tif", "w", crs="EPSG:32632", transform=place, **profile
        ) as dataset:
            dataset.write(np.full((3, 8, 8), 9, "uint8"))
    jobs = keras_rsseg.scenes.list_scenes(["0.tif", "8.tif"], "maps")
    keras_rsseg.predict_scenes(lambda tiles: tiles / 1.0, jobs, tile_size=8)
    path = keras_rsseg.scenes.write_mosaic(
        [job.destination for job in jobs], "all.vrt"
    )
    with keras_rsseg.scenes.open_scene(path) as dataset:
        shape = dataset.shape
    shape  # (8, 16)
    ```
    """
    path = check_mosaic(destination, overwrite)
    paths = [pathlib.Path(each) for each in maps]
    if not paths:
        raise ArgumentError(f"There are no maps to join in {path}")
    with open_class_map(paths[0]) as dataset:
        legend, known = read_legend(dataset), dataset.tags()
    grids: dict[str, MapGrid] = {}
    for each in paths:
        with open_class_map(each) as dataset:
            grids[str(each)] = MapGrid.of(dataset)
            names = read_legend(dataset).names
        if names != legend.names:
            raise ArgumentError(
                f"Maps to join must have the same classes. {paths[0]} has "
                f"{', '.join(legend.names or [])}; {each} has "
                f"{', '.join(names or [])}"
            )
    whole, places = _joined(grids)
    tags = {name: known[name] for name in _TAGS if name in known}
    raster = VirtualRaster(
        whole.height, whole.width, whole.crs, whole.transform, (), tags
    )
    band = raster.add_band("Byte", BLOCK)
    band.describe(
        nodata=VOID,
        tags={f"class_{i}": name for i, name in enumerate(legend.names or [])},
        description="class",
        color="Palette",
        colors=legend.colormap(),
    )
    for name, place in places.items():
        band.add_overlay(name, place, VOID, os.path.realpath(path.parent))
    write_durably(path, raster.to_xml())
    return path


def check_mosaic(
    destination: PathLike,
    overwrite: bool = False,
    scenes: Iterable[PathLike] = (),
    make_folder: bool = False,
) -> pathlib.Path:
    """Raise what `write_mosaic` would raise about its destination.

    Args:
        destination: path of the file.
        overwrite: whether an existing file may be replaced.
        scenes: paths of the scenes of the maps. Scenes that cannot be read,
            or have no place of their own, are left out.
        make_folder: whether its folder will be created with those of the
            maps.

    Returns:
        The destination as a `pathlib.Path`, with links resolved.
    """
    path = link_target(destination)
    if path.suffix.lower() != ".vrt":
        raise ArgumentError(f"A mosaic must end in .vrt. Received: {path}")
    if not path.parent.is_dir() and not make_folder:
        raise FileNotFoundError(f"There is no folder {path.parent}")
    if path.parent.is_dir():
        check_free(path, overwrite)
    grids = {}
    for scene in scenes:
        try:
            with open_raster(scene) as dataset:
                grid = MapGrid.of(dataset)
        except (OSError, ValueError):
            continue
        if grid.crs is not None and grid.transform is not None:
            grids[str(scene)] = grid
    if grids:
        _joined(grids)
    return path


def _joined(
    grids: Mapping[str, MapGrid],
) -> tuple[MapGrid, dict[str, Window]]:
    """The grid around several others, and their places in it."""
    matrices = {name: _matrix(name, grid) for name, grid in grids.items()}
    (first, base), *_ = matrices.items()
    system = grids[first].crs
    for name, matrix in matrices.items():
        if grids[name].crs != system:
            raise ArgumentError(
                f"Maps to join must have one reference system. {first} has "
                f"{system}, {name} has {grids[name].crs}: join each system's "
                "maps separately, or warp them first (gdalwarp -r near)"
            )
        _check_size(first, base, name, matrix)
    corners = np.array(
        [
            ((matrix.c - base.c) / base.a, (matrix.f - base.f) / base.e)
            for matrix in matrices.values()
        ]
    )
    corners = np.rint(corners).astype(int)
    sizes = np.array([(grid.width, grid.height) for grid in grids.values()])
    left, top = corners.min(axis=0).tolist()
    right, bottom = (corners + sizes).max(axis=0).tolist()
    places = {
        name: Window(row - top, col - left, grid.height, grid.width)
        for (name, grid), (col, row) in zip(
            grids.items(), corners.tolist(), strict=True
        )
    }
    west, north = base.c + left * base.a, base.f + top * base.e
    matrix = Affine(base.a, 0, west, 0, base.e, north)
    return MapGrid(bottom - top, right - left, system, matrix), places


def _matrix(name: str, grid: MapGrid) -> Affine:
    matrix = grid.transform
    if grid.crs is None or matrix is None or matrix.b or matrix.d:
        raise SceneError(
            f"Maps to join must be georeferenced, north up. {name} is "
            "not; warp it first (gdalwarp)"
        )
    return matrix


def _check_size(first: str, base: Affine, name: str, matrix: Affine) -> None:
    lengths = [(matrix.a, base.a), (matrix.e, base.e)]
    if any(abs(own / other - 1) > _TOLERANCE for own, other in lengths):
        raise ArgumentError(
            f"Maps to join must have the same pixel size. {first} has "
            f"{base.a:g} x {-base.e:g}, {name} has {matrix.a:g} x "
            f"{-matrix.e:g}: `gdalbuildvrt -resolution highest` joins these"
        )
