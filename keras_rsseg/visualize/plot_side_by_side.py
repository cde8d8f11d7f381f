"""A scene beside its map."""

from keras_rsseg.scenes.pictures.map_figure import draw_side_by_side


def plot_side_by_side(scene, classes, *, bands=None, max_size=1024, title=None):
    """Draw a scene beside its map, with legend and scale bar.

    Both are shown as they lie in their files, so north is up where it is
    there. The legend has the classes that occur, with their shares of what
    is valid; what holds no data is grey. The scale bar follows the ground,
    not the projection's units, and is left out without a reference system.

    Needs matplotlib: `pip install keras-rsseg[plot]`.

    Args:
        scene: path or URL of a raster of any dtype. It is read at the size
            of the picture; memory does not grow with the scene. uint8 is
            shown as it is, anything else from the 2nd to the 98th
            percentile of each band.
        classes: path of the map that `predict_scene` wrote of it.
        bands: three bands to show as red, green and blue, or one, by number
            (from 1) or name. Defaults to those that are red, green and
            blue, else the first three, else the first.
        max_size: length of the longer side of each picture, pixels, at
            most.
        title: str above the figure, or `None`.

    Returns:
        A `matplotlib.figure.Figure`. Save it by
        `figure.savefig("map.png")`.

    Raises:
        FileNotFoundError: if one of the two does not exist.
        ImportError: without matplotlib.
        ValueError: if `classes` is no map of classes, or not one of
            `scene`; for `bands` that the scene does not have.

    Example:

    ```python
    figure = keras_rsseg.visualize.plot_side_by_side(
        "scene.tif", "classes.tif"
    )
    figure.savefig("map.png")
    ```
    """
    return draw_side_by_side(scene, classes, bands, max_size, title)
