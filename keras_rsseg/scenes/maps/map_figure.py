"""Figures of maps: panels, a legend, a scale bar. Needs matplotlib."""

import contextlib
import math
from collections.abc import Iterator
from collections.abc import Sequence
from typing import TYPE_CHECKING
from typing import Any

import numpy as np
import rasterio
from rasterio.enums import Resampling

from keras_rsseg.checks import Color
from keras_rsseg.errors import MissingPackageError
from keras_rsseg.rasters.bands import picture_bands
from keras_rsseg.rasters.validity import Validity
from keras_rsseg.rasters.windows import Window
from keras_rsseg.scenes.maps.class_map import Legend
from keras_rsseg.scenes.maps.class_map import count_classes
from keras_rsseg.scenes.maps.class_map import hex_color
from keras_rsseg.scenes.maps.class_map import map_window
from keras_rsseg.scenes.maps.class_map import open_class_map
from keras_rsseg.scenes.maps.class_map import read_legend
from keras_rsseg.scenes.reading.ground_size import ground_pixel_size
from keras_rsseg.scenes.reading.scene_file import open_scene
from keras_rsseg.typing import PathLike
from keras_rsseg.void import VOID

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Length of the longer side of a panel, in inches.
_PANEL = 6.0
# The colour of pixels without data, behind the pictures.
_NO_DATA = "#d0d0d0"
_NAME_LENGTH = 26
# Percentage of a band's values that a stretch cuts off at each end.
_CUT = 2


class MapFigure:
    """A figure of panels that show the same grid.

    Args:
        dataset: an open rasterio dataset on that grid.
        shape: height and width of the pictures, in pixels.
        count: number of panels side by side.
        title: str above the figure, or `None`.

    Raises:
        ImportError: without matplotlib.
    """

    def __init__(
        self,
        dataset: rasterio.DatasetReader,
        shape: tuple[int, ...],
        count: int = 1,
        title: str | None = None,
    ) -> None:
        try:
            from matplotlib.figure import Figure
        except ImportError as error:
            raise MissingPackageError(
                "Figures need matplotlib: pip install 'keras-rsseg[plot]'"
            ) from error
        size = ground_pixel_size(dataset)
        self.metric = size is not None
        width, height = size or (1, 1)
        self._width = dataset.width * width
        self._height = dataset.height * height
        inch = _PANEL / max(self._width, self._height)
        # Even a strip of a few pixels gets a panel.
        sides = [
            max(side * inch, _PANEL / 4) for side in (self._width, self._height)
        ]
        self.figure = Figure(
            figsize=(count * sides[0] + 0.2, sides[1] + 1.0),
            dpi=min(max(max(shape) / _PANEL, 100), 400),
            layout="constrained",
        )
        self.panels = self.figure.subplots(1, count, squeeze=False)[0]
        if title:
            self.figure.suptitle(title, parse_math=False)

    def show(
        self,
        number: int,
        picture: np.ndarray,
        title: str | None = None,
        **options: Any,
    ) -> Any:
        """Show a picture in a panel, over those already there.

        Args:
            number: int, number of the panel.
            picture: array `(h, w)` or `(h, w, 4)`.
            title: str above the panel, or `None`.
            **options: options of `imshow`.

        Returns:
            What `imshow` returns.
        """
        panel = self.panels[number]
        panel.set(xticks=[], yticks=[], facecolor=_NO_DATA)
        if title:
            panel.set_title(title, fontsize="medium", parse_math=False)
        return panel.imshow(
            picture,
            # In metres, so that non-square pixels look right.
            extent=(0, self._width, self._height, 0),
            **options,
        )

    def add_legend(self, legend: Legend, counts: np.ndarray) -> None:
        """Name the classes that occur, with their shares of valid pixels.

        Args:
            legend: a complete `Legend`.
            counts: int array `(256,)`, the number of pixels of each class.
        """
        entries = class_labels(legend, counts)
        if not entries:
            return
        from matplotlib.patches import Patch

        longest = max(len(label) for label, _ in entries)
        inches = 0.45 + 0.085 * min(longest, _NAME_LENGTH)
        columns = int(self.figure.get_size_inches()[0] / inches)
        result = self.figure.legend(
            handles=[
                Patch(
                    facecolor=hex_color(color) if color else _NO_DATA,
                    edgecolor="black",
                    linewidth=0.5,
                    label=label,
                )
                for label, color in entries
            ],
            loc="outside lower center",
            ncols=max(1, min(columns, len(entries))),
            fontsize="small",
            frameon=False,
        )
        for text in result.get_texts():
            text.set_parse_math(False)

    def add_scale_bar(self, number: int) -> None:
        """Draw a scale bar, if the pixel size is known.

        Args:
            number: int, number of the panel.
        """
        if not self.metric:
            return
        draw_scale_bar(self.panels[number], self._width, self._height)


def draw_scale_bar(panel: Any, width: float, height: float) -> None:
    """Draw a scale bar into the lower left of a panel.

    Args:
        panel: matplotlib `Axes` that show metres, the first row at 0.
        width: width of the picture, in metres.
        height: likewise.
    """
    from matplotlib.patches import Rectangle
    from matplotlib.patheffects import withStroke

    length = scale_bar_length(width)
    longer = max(width, height)
    left, thickness = 0.02 * longer, 0.008 * longer
    bottom = height - 0.02 * longer
    panel.add_patch(
        Rectangle(
            (left, bottom - thickness),
            length,
            thickness,
            facecolor="black",
            edgecolor="white",
            linewidth=1,
        )
    )
    panel.text(
        left + length / 2,
        bottom - 1.6 * thickness,
        format_length(length),
        ha="center",
        va="bottom",
        fontsize="small",
        path_effects=[withStroke(linewidth=2.5, foreground="white")],
    )


@contextlib.contextmanager
def open_both(
    scene: PathLike, classes: PathLike
) -> Iterator[tuple[rasterio.DatasetReader, rasterio.DatasetReader, Window]]:
    """Open a scene and its map.

    Args:
        scene: path or URL of the scene.
        classes: path of its map.

    Yields:
        `(scene, map, window)`: two rasterio datasets, and the part of the
        scene that the map shows.

    Raises:
        ValueError: if they are not on the same grid.
    """
    with contextlib.ExitStack() as stack:
        ids = stack.enter_context(open_class_map(classes))
        # As when it was mapped.
        alpha = "none" if ids.tags().get("alpha") == "none" else "auto"
        opened = open_scene(scene, alpha=alpha, argument="scene")
        image = stack.enter_context(opened)
        yield image, ids, map_window(ids, image)


def draw_side_by_side(
    scene: PathLike,
    classes: PathLike,
    bands: Sequence[int | str] | None = None,
    max_size: int = 1024,
    title: str | None = None,
) -> "Figure":
    """Draw a scene beside its map.

    Args:
        scene: path or URL of the scene.
        classes: path of its map.
        bands: bands to show; see `scene_picture`.
        max_size: maximum length of the longer side of each picture, in
            pixels.
        title: str above the figure, or `None`.

    Returns:
        A `matplotlib.figure.Figure`.
    """
    with open_both(scene, classes) as (image, ids, window):
        legend = read_legend(ids)
        picture = scene_picture(image, max_size, bands, window)
        figure = MapFigure(ids, picture.shape[:2], 2, title)
        figure.show(0, picture, "scene")
        colored = class_picture(ids, max_size, legend)
        figure.show(1, colored, "classes", interpolation="nearest")
        figure.add_legend(legend, count_classes(ids))
        figure.add_scale_bar(0)
    return figure.figure


def class_labels(
    legend: Legend, counts: np.ndarray
) -> list[tuple[str, Color | None]]:
    """Return `(label, color)` of the classes that occur.

    Labels include the class's share of the valid pixels; that of no data,
    with the colour `None`, its share of all pixels.
    """
    valid = max(int(counts[:VOID].sum()), 1)
    entries: list[tuple[str, Color | None]] = [
        (f"{name} {_percent(counts[index] / valid)}", color)
        for index, (name, color) in enumerate(
            zip(legend.names or [], legend.colors or [], strict=True)
        )
        if counts[index]
    ]
    if counts[VOID]:
        share = counts[VOID] / counts.sum()
        entries.append((f"no data {_percent(share)}", None))
    return entries


def scale_bar_length(width: float) -> float:
    """Return a round length of at most a quarter of a width, in metres.

    Args:
        width: width of the picture, in metres.

    Example:

    ```python
    from keras_rsseg.scenes.maps.map_figure import scale_bar_length

    scale_bar_length(1000)  # 200.0
    ```
    """
    decade = 10.0 ** math.floor(math.log10(width / 4))
    return max(
        step * decade for step in (1, 2, 5) if step * decade <= width / 4
    )


def format_length(metres: float) -> str:
    """Return a length with its unit: 50 cm, 200 m, 5 km."""
    if metres >= 1000:
        return f"{metres / 1000:g} km"
    return f"{metres:g} m" if metres >= 1 else f"{100 * metres:g} cm"


def _percent(share: float) -> str:
    if share < 0.001:
        return "<0.1 %"
    return f"{share:.1%}".replace("%", " %")


def picture_shape(size: tuple[int, ...], max_size: int) -> tuple[int, int]:
    """Return the height and width of a raster's picture.

    Args:
        size: `(height, width)` of the raster.
        max_size: maximum length of the longer side, in pixels.
    """
    height, width = size
    shrink = max(1, max(height, width) / max_size)
    return math.ceil(height / shrink), math.ceil(width / shrink)


def scene_picture(
    dataset: rasterio.DatasetReader,
    max_size: int,
    bands: Sequence[int | str] | None = None,
    window: Window | None = None,
) -> np.ndarray:
    """Read a scene as a picture, in memory for the picture only.

    Shows the bands that are red, green and blue by their names or colours,
    else the first three, else the first one. uint8 is shown unchanged; any
    other dtype is stretched from the 2nd to the 98th percentile per band.

    Args:
        dataset: an open rasterio dataset.
        max_size: maximum length of the longer side, in pixels.
        bands: three band numbers (from 1) or names, or one, or `None`.
        window: the part to show, `None` for all.

    Returns:
        A uint8 array `(h, w, 4)`, alpha 0 where the scene is not valid.

    Raises:
        ValueError: for bands that do not exist, or two, or more than three.
    """
    numbers = picture_bands(dataset, bands)
    window = window or Window(0, 0, *dataset.shape)
    shape = picture_shape(window[2:], max_size)
    part = window.to_rasterio()
    pixels = dataset.read(
        numbers,
        window=part,
        out_shape=(len(numbers), *shape),
        resampling=Resampling.average,
    )

    def read(method, bands, window):
        bands = numbers if bands is None else bands
        planes = () if isinstance(bands, int) else (len(bands),)
        return getattr(dataset, method)(
            bands, window=part, out_shape=(*planes, *shape)
        )

    valid = Validity(dataset, numbers).read(read, Window(0, 0, *shape), pixels)
    planes = [_stretched(plane, valid) for plane in pixels]
    planes = planes * 3 if len(planes) == 1 else planes
    picture = np.stack([*planes, valid * np.uint8(255)], axis=-1)
    picture[~valid] = 0
    return picture


def class_picture(
    dataset: rasterio.DatasetReader, max_size: int, legend: Legend
) -> np.ndarray:
    """Read a class map as a picture in its colours.

    Args:
        dataset: an open class map.
        max_size: maximum length of the longer side, in pixels.
        legend: its `Legend`.

    Returns:
        A uint8 array `(h, w, 4)`, alpha 0 where the map is void.
    """
    ids = dataset.read(
        1,
        out_shape=picture_shape(dataset.shape, max_size),
        resampling=Resampling.nearest,
    )
    table: np.ndarray = np.zeros((VOID + 1, 4), "uint8")
    for index, color in legend.colormap().items():
        table[index] = color
    return table[ids]


def _stretched(plane: np.ndarray, valid: np.ndarray) -> np.ndarray:
    if plane.dtype == np.uint8:
        return plane
    plane = plane.astype("float32")
    if not valid.any():
        return np.zeros(plane.shape, "uint8")
    low, high = np.percentile(plane[valid], (_CUT, 100 - _CUT))
    plane = (plane - low) / max(high - low, 1e-12)
    plane = np.where(valid, np.clip(plane, 0, 1), 0)
    return np.rint(255 * plane).astype("uint8")
