"""A map laid over its scene."""

from keras_rsseg.scenes.pictures.map_figure import MapFigure
from keras_rsseg.scenes.pictures.map_figure import open_both
from keras_rsseg.scenes.pictures.map_picture import class_picture
from keras_rsseg.scenes.pictures.map_picture import scene_picture
from keras_rsseg.scenes.writing.class_map import count_classes
from keras_rsseg.scenes.writing.class_map import read_legend


def plot_overlay(
    scene, classes, *, opacity=0.5, bands=None, max_size=1024, title=None
):
    """Draw a map over its scene, with legend and scale bar.

    Needs matplotlib: `pip install keras-rsseg[plot]`.

    Args:
        scene: path or URL of a raster; see `plot_side_by_side`.
        classes: path of the map that `predict_scene` wrote of it.
        opacity: of the map, from 0 (the scene alone) to 1 (the map alone).
        bands: which bands to show; see `plot_side_by_side`.
        max_size: length of the picture's longer side, pixels, at most.
        title: str above the figure, or `None`.

    Returns:
        A `matplotlib.figure.Figure`. Save it by
        `figure.savefig("overlay.png")`.

    Raises:
        FileNotFoundError: if one of the two does not exist.
        ImportError: without matplotlib.
        ValueError: if `classes` is no map of classes, or not one of
            `scene`; if `opacity` is not from 0 to 1.

    Example:

    ```python
    figure = keras_rsseg.visualize.plot_overlay("scene.tif", "classes.tif")
    figure.savefig("overlay.png")
    ```
    """
    if not 0 <= opacity <= 1:
        raise ValueError(
            f"`opacity` must be from 0 to 1. Received: {opacity!r}"
        )
    with open_both(scene, classes) as (image, ids):
        legend = read_legend(ids)
        picture = scene_picture(image, max_size, bands)
        figure = MapFigure(image, picture.shape[:2], title=title)
        figure.show(0, picture)
        colored = class_picture(ids, max_size, legend)
        figure.show(0, colored, alpha=opacity, interpolation="nearest")
        figure.add_legend(legend, count_classes(ids))
        figure.add_scale_bar(0)
    return figure.figure
