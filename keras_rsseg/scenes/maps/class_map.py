"""A class map: its grid, legend, and finished files."""

import colorsys
import contextlib
import copy
import dataclasses
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

import numpy as np
import rasterio
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.rpc import RPC
from rasterio.transform import Affine

from keras_rsseg.checks import Color
from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import SceneError
from keras_rsseg.option_values import check_class_names
from keras_rsseg.option_values import check_palette
from keras_rsseg.rasters.opener import open_raster
from keras_rsseg.rasters.windows import Window
from keras_rsseg.rasters.windows import reading_windows
from keras_rsseg.scene_options import HasColors
from keras_rsseg.typing import PathLike
from keras_rsseg.void import VOID

_GOLDEN_RATIO = 0.618034
# The tag with the part of its scene that a map covers, in pixels.
WINDOW = "window"


@dataclasses.dataclass(frozen=True)
class MapGrid:
    """Size and georeference of a raster, apart from its file.

    If the raster has ground control points, they replace the transform.
    Rational polynomial coefficients are valid on equal grids.

    Attributes:
        height: number of rows.
        width: number of columns.
        crs: `rasterio.crs.CRS` (of the control points, if there are any) or
            `None`.
        transform: `Affine`, or `None` if the raster has none.
        gcps: tuple of `rasterio.control.GroundControlPoint`.
        rpcs: `rasterio.rpc.RPC` or `None`.

    Example:

    ```python
    from keras_rsseg.scenes.maps.class_map import MapGrid

    keras.utils.save_img("scene.png", np.zeros((4, 8, 3)))
    with keras_rsseg.scenes.open_scene("scene.png") as dataset:
        grid = MapGrid.of(dataset)
    (grid.height, grid.width)  # (4, 8)
    ```
    """

    height: int
    width: int
    crs: CRS | None = None
    transform: Affine | None = None
    gcps: tuple[GroundControlPoint, ...] = ()
    rpcs: RPC | None = None

    @classmethod
    def of(
        cls, dataset: rasterio.DatasetReader, window: Window | None = None
    ) -> "MapGrid":
        """Return the grid of an open rasterio dataset.

        Args:
            dataset: the raster.
            window: a part of the raster, `None` for all.
        """
        window = window or Window(0, 0, *dataset.shape)
        row, col, height, width = window
        points, points_crs = dataset.gcps
        rpcs = dataset.rpcs and _moved_rpcs(dataset.rpcs, row, col)
        if points:
            moved = tuple(_moved(point, row, col) for point in points)
            return cls(height, width, points_crs, gcps=moved, rpcs=rpcs)
        matrix = window.place(dataset.transform)
        placed = None if matrix.is_identity else matrix
        return cls(height, width, dataset.crs, placed, rpcs=rpcs)

    def to_dict(self) -> dict[str, Any]:
        """Return a dict for JSON; equal grids have equal dicts."""
        return {
            "height": self.height,
            "width": self.width,
            "crs": self.crs.to_wkt() if self.crs else None,
            "transform": self.transform and list(self.transform)[:6],
            "gcps": [
                [point.row, point.col, point.x, point.y, point.z]
                for point in self.gcps
            ],
            **({"rpcs": self.rpcs.to_gdal()} if self.rpcs else {}),
        }


def _moved_rpcs(rpcs: RPC, row: int, col: int) -> RPC:
    """Polynomials with pixels counted from another corner."""
    moved = copy.copy(rpcs)
    moved.line_off -= row
    moved.samp_off -= col
    return moved


def _moved(point: GroundControlPoint, row: int, col: int) -> GroundControlPoint:
    """A control point in a part that begins at a row and column."""
    if not row and not col:
        return point
    return GroundControlPoint(
        point.row - row,
        point.col - col,
        point.x,
        point.y,
        point.z,
        point.id,
        point.info,
    )


class Legend:
    """Names and colours of classes, in the order of their ids.

    Missing ones are made up when the number of classes is known: names
    `class_0`, `class_1` ..., colours spread over the hues.

    Args:
        names: list of class names, or `None`.
        palette: list of `(r, g, b)`, 0 to 255, a `keras_rsseg.data.Palette`,
            or `None`.
        num_classes: number of classes, or `None` if not known yet.

    Raises:
        ValueError: if the numbers disagree, a name occurs twice, or a
            colour is invalid.

    Example:

    ```python
    legend = keras_rsseg.scenes.Legend(["land", "water"])
    legend.complete(2)
    len(legend.colors)  # 2
    ```
    """

    def __init__(
        self,
        names: Sequence[str] | None = None,
        palette: Sequence[Sequence[int]] | HasColors | None = None,
        num_classes: int | None = None,
    ) -> None:
        self.names: list[str] | None = None
        self.colors: list[Color] | None = None
        if names is not None:
            self.names = check_class_names("class_names", names)
        if palette is not None:
            self.colors = check_palette("palette", palette)
        known = {
            "`class_names`": len(self.names or []),
            "`palette`": len(self.colors or []),
            "the model": num_classes or 0,
        }
        known = {key: count for key, count in known.items() if count}
        if len(set(known.values())) > 1:
            raise ArgumentError(
                "`class_names`, `palette` and the model must agree on the "
                "number of classes. Received: "
                + ", ".join(f"{key} {count}" for key, count in known.items())
            )
        self.num_classes = next(iter(known.values()), None)

    def complete(self, num_classes: int) -> None:
        """Make up what is missing.

        Args:
            num_classes: number of classes that the model returned.

        Raises:
            ValueError: if it is not the number given before.
        """
        if self.num_classes not in (None, num_classes):
            raise ArgumentError(
                f"`model` returned {num_classes} classes, but its class "
                f"names or palette have {self.num_classes}"
            )
        self.num_classes = num_classes
        if self.names is None:
            self.names = [f"class_{i}" for i in range(num_classes)]
        if self.colors is None:
            self.colors = [_made_up_color(i) for i in range(num_classes)]

    def colormap(self) -> dict[int, tuple[int, int, int, int]]:
        """Return `{id: (r, g, b, a)}`, with void transparent."""
        colors = {i: (*rgb, 255) for i, rgb in enumerate(self.colors or [])}
        return {**colors, VOID: (0, 0, 0, 0)}


def _made_up_color(index: int) -> Color:
    hue = index * _GOLDEN_RATIO % 1
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.65, 0.9 - 0.25 * (index % 2))
    return round(255 * red), round(255 * green), round(255 * blue)


@contextlib.contextmanager
def open_class_map(classes: PathLike) -> Iterator[rasterio.DatasetReader]:
    """Open a map that `predict_scene` wrote.

    Args:
        classes: path of the map.

    Yields:
        A `rasterio.DatasetReader`.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not a raster of one uint8 band, or has another
            nodata value than 255.
    """
    with open_raster(classes, "classes") as dataset:
        if dataset.dtypes != ("uint8",) or dataset.nodata not in (None, VOID):
            raise SceneError(
                "`classes` must be a class map: one band, uint8, "
                f"nodata {VOID}. Received: {dataset.name} with {dataset.count} "
                f"bands, {dataset.dtypes[0]}, nodata {dataset.nodata}"
            )
        yield dataset


def map_window(
    classes: rasterio.DatasetReader, scene: rasterio.DatasetReader
) -> Window:
    """Return the part of a scene that a map shows.

    Args:
        classes: an open map.
        scene: its scene, open.

    Raises:
        ArgumentError: if it is a map of another scene.
    """
    window = Window(0, 0, *scene.shape)
    with contextlib.suppress(KeyError, TypeError, ValueError):
        window = Window(*map(int, classes.tags()[WINDOW].split()))
    matrix = window.place(scene.transform)
    same = matrix.almost_equals(classes.transform, precision=1e-6)
    rows, columns = window.slices
    within = rows.stop <= scene.height and columns.stop <= scene.width
    if not same or not within or classes.shape != window[2:]:
        raise ArgumentError(
            "`classes` must be a map of `scene`, on its grid. Received: "
            f"{classes.name} of {classes.shape} pixels, {scene.name} of "
            f"{scene.shape}"
        )
    return window


def read_legend(dataset: rasterio.DatasetReader) -> Legend:
    """Return the names and colours of a map's classes.

    Args:
        dataset: an open map.

    Returns:
        A complete `Legend`. What the map does not state is made up.
    """
    tags = dataset.tags(1)
    names: list[str] = []
    while f"class_{len(names)}" in tags:
        names.append(tags[f"class_{len(names)}"])
    count = len(names) or _highest(count_classes(dataset)) + 1
    try:
        table = dataset.colormap(1)
        colors = [table[index][:3] for index in range(count)]
    except ValueError:
        colors = None
    legend = Legend(names or None, colors)
    legend.complete(count)
    return legend


def count_classes(dataset: rasterio.DatasetReader) -> np.ndarray:
    """Count the pixels of each id, with a few rows in memory.

    Args:
        dataset: an open map.

    Returns:
        An int64 array `(256,)`.
    """
    counts = np.zeros(256, "int64")
    height, width = dataset.shape
    for window in reading_windows(height, width, columns=width):
        part = dataset.read(1, window=window.to_rasterio())
        counts += np.bincount(part.ravel(), minlength=256)
    return counts


def hex_color(color: Color) -> str:
    """Return `(r, g, b)` as `#rrggbb`."""
    return "#{:02x}{:02x}{:02x}".format(*color)


def _highest(counts: np.ndarray) -> int:
    ids = np.flatnonzero(counts[:VOID])
    return int(ids[-1]) if len(ids) else 0
