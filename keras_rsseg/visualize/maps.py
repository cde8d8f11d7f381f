"""Draw maps beside and over their scenes."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING
from typing import Any

import numpy as np
from rasterio.enums import Resampling

from keras_rsseg.errors import ArgumentError
from keras_rsseg.errors import RasterError
from keras_rsseg.rasters.opener import open_raster
from keras_rsseg.scenes.maps.class_map import count_classes
from keras_rsseg.scenes.maps.class_map import read_legend
from keras_rsseg.scenes.maps.map_figure import MapFigure
from keras_rsseg.scenes.maps.map_figure import class_picture
from keras_rsseg.scenes.maps.map_figure import draw_side_by_side
from keras_rsseg.scenes.maps.map_figure import open_both
from keras_rsseg.scenes.maps.map_figure import picture_shape
from keras_rsseg.scenes.maps.map_figure import scene_picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def plot_side_by_side(
    scene: str | os.PathLike[str],
    classes: str | os.PathLike[str],
    *,
    bands: Sequence[int | str] | None = None,
    max_size: int = 1024,
    title: str | None = None,
) -> "Figure":
    """Draw a scene beside its map, with legend and scale bar.

    Both are shown as stored, so north is up if it is in the files.
    The legend lists the classes that occur, with their shares of the valid
    pixels; pixels without data are grey. The scale bar shows metres on the
    ground, and is left out if the scene has no reference system.

    Needs matplotlib: `pip install keras-rsseg[plot]`.

    Args:
        scene: path or URL of a raster of any dtype. It is read at the size
            of the picture; memory does not grow with the scene. uint8 is
            shown unchanged; any other dtype is stretched from the 2nd to the
            98th percentile per band.
        classes: path of the map that `predict_scene` wrote for it.
        bands: three bands to show as red, green and blue, or one, by number
            (from 1) or name. Defaults to those that are red, green and
            blue, else the first three, else the first.
        max_size: maximum length of the longer side of each picture, in
            pixels.
        title: str above the figure, or `None`.

    Returns:
        A `matplotlib.figure.Figure`. Save it by
        `figure.savefig("map.png")`.

    Raises:
        FileNotFoundError: if one of the two does not exist.
        MissingPackageError: without matplotlib.
        SceneError: if `classes` is not a class map.
        ArgumentError: if it is not a map of `scene`; for `bands` that the
            scene does not have.

    Example:

    ```python
    import rasterio

    size = {"width": 64, "height": 64, "count": 3, "dtype": "uint8"}
    half_a_metre = rasterio.Affine.scale(0.5, -0.5)
    with rasterio.open(
        "scene.tif", "w", **size, crs="EPSG:32631", transform=half_a_metre
    ) as file:
        file.write(np.arange(3 * 64 * 64).reshape(3, 64, 64) % 251)

    def model(tiles):  # or a task, such as from_preset() returns
        return np.stack([tiles[..., 0] / 8, 16 - tiles[..., 0] / 8], axis=-1)

    keras_rsseg.predict_scene(model, "scene.tif", "classes.tif", tile_size=32)
    figure = keras_rsseg.visualize.plot_side_by_side(
        "scene.tif", "classes.tif"
    )
    figure.savefig("map.png")
    ```
    """
    return draw_side_by_side(scene, classes, bands, max_size, title)


def plot_overlay(
    scene: str | os.PathLike[str],
    classes: str | os.PathLike[str],
    *,
    opacity: float = 0.5,
    bands: Sequence[int | str] | None = None,
    max_size: int = 1024,
    title: str | None = None,
) -> "Figure":
    """Draw a map over its scene, with legend and scale bar.

    Needs matplotlib: `pip install keras-rsseg[plot]`.

    Args:
        scene: path or URL of a raster; see `plot_side_by_side`.
        classes: path of the map that `predict_scene` wrote for it.
        opacity: opacity of the map, from 0 (only the scene) to 1 (only the
            map).
        bands: bands to show; see `plot_side_by_side`.
        max_size: maximum length of the picture's longer side, in pixels.
        title: str above the figure, or `None`.

    Returns:
        A `matplotlib.figure.Figure`. Save it by
        `figure.savefig("overlay.png")`.

    Raises:
        FileNotFoundError: if one of the two does not exist.
        MissingPackageError: without matplotlib.
        SceneError: if `classes` is not a class map.
        ArgumentError: if it is not a map of `scene`; for `bands` that the
            scene does not have; if `opacity` is not from 0 to 1.

    Example:

    ```python
    import rasterio

    size = {"width": 64, "height": 64, "count": 3, "dtype": "uint8"}
    half_a_metre = rasterio.Affine.scale(0.5, -0.5)
    with rasterio.open(
        "scene.tif", "w", **size, crs="EPSG:32631", transform=half_a_metre
    ) as file:
        file.write(np.arange(3 * 64 * 64).reshape(3, 64, 64) % 251)

    def model(tiles):  # or a task, such as from_preset() returns
        return np.stack([tiles[..., 0] / 8, 16 - tiles[..., 0] / 8], axis=-1)

    keras_rsseg.predict_scene(model, "scene.tif", "classes.tif", tile_size=32)
    figure = keras_rsseg.visualize.plot_overlay("scene.tif", "classes.tif")
    figure.savefig("overlay.png")
    ```
    """
    if not 0 <= opacity <= 1:
        raise ArgumentError(
            f"`opacity` must be from 0 to 1. Received: {opacity!r}"
        )
    with open_both(scene, classes) as (image, ids, window):
        legend = read_legend(ids)
        picture = scene_picture(image, max_size, bands, window)
        figure = MapFigure(ids, picture.shape[:2], title=title)
        figure.show(0, picture)
        colored = class_picture(ids, max_size, legend)
        figure.show(0, colored, alpha=opacity, interpolation="nearest")
        figure.add_legend(legend, count_classes(ids))
        figure.add_scale_bar(0)
    return figure.figure


def plot_confidence(
    raster: str | os.PathLike[str],
    *,
    max_size: int = 1024,
    title: str | None = None,
) -> "Figure":
    """Draw the uncertainty or the probabilities of a map.

    Of the probabilities, the highest of each pixel is shown. In both, bright
    pixels are certain and dark ones are not; pixels without data are grey.

    Needs matplotlib: `pip install keras-rsseg[plot]`.

    Args:
        raster: path of a raster that `predict_scene` wrote: `uncertainty`
            (one band), or `probabilities` (one band per class).
        max_size: maximum length of the picture's longer side, in pixels.
        title: str above the figure, or `None`.

    Returns:
        A `matplotlib.figure.Figure`. Save it by
        `figure.savefig("confidence.png")`.

    Raises:
        FileNotFoundError: if there is no such file.
        MissingPackageError: without matplotlib.
        RasterError: if the raster's values are not from 0 to 1.

    Example:

    ```python
    import rasterio

    size = {"width": 64, "height": 64, "count": 3, "dtype": "uint8"}
    half_a_metre = rasterio.Affine.scale(0.5, -0.5)
    with rasterio.open(
        "scene.tif", "w", **size, crs="EPSG:32631", transform=half_a_metre
    ) as file:
        file.write(np.arange(3 * 64 * 64).reshape(3, 64, 64) % 251)

    def model(tiles):  # or a task, such as from_preset() returns
        return np.stack([tiles[..., 0] / 8, 16 - tiles[..., 0] / 8], axis=-1)

    keras_rsseg.predict_scene(
        *(model, "scene.tif", "classes.tif"),
        tile_size=32,
        uncertainty="uncertainty.tif",
    )
    figure = keras_rsseg.visualize.plot_confidence("uncertainty.tif")
    figure.savefig("confidence.png")
    ```
    """
    with open_raster(raster, "raster") as dataset:
        values = _read(dataset, max_size)
        figure = MapFigure(dataset, values.shape, title=title)
        single = dataset.count == 1
        image = figure.show(
            0,
            values,
            vmin=0,
            vmax=1,
            cmap="viridis_r" if single else "viridis",
            interpolation="nearest",
        )
        figure.figure.colorbar(
            image,
            ax=figure.panels[0],
            location="bottom",
            shrink=0.6,
            aspect=40,
            pad=0.02,
            label="uncertainty (0: certain)"
            if single
            else "probability of the likeliest class",
        )
        figure.add_scale_bar(0)
    return figure.figure


def _read(dataset, max_size):
    """The highest value of all bands, masked where there is no data."""
    shape = picture_shape(dataset.shape, max_size)
    highest: Any = None
    for band in dataset.indexes:
        values = dataset.read(
            band, out_shape=shape, resampling=Resampling.nearest, masked=True
        )
        values = values * np.float32(dataset.scales[band - 1])
        values = values + np.float32(dataset.offsets[band - 1])
        values = np.ma.masked_invalid(values.astype("float32"))
        highest = values if highest is None else np.ma.maximum(highest, values)
    known = highest.compressed()
    if len(known) and not (known.min() >= 0 and known.max() <= 1.001):
        raise RasterError(
            "`raster` must hold uncertainties or probabilities, from 0 to "
            f"1. Received: {dataset.name} with values from "
            f"{known.min():g} to {known.max():g}"
        )
    return highest
