"""Pictures of a scene and its map."""

import io
import logging
import pathlib

import numpy as np

from keras_rsseg.errors import ArgumentError
from keras_rsseg.rasters.output_files import write_picture
from keras_rsseg.rasters.output_files import write_png
from keras_rsseg.scenes.maps.class_map import open_class_map
from keras_rsseg.scenes.maps.class_map import read_legend
from keras_rsseg.scenes.maps.map_figure import class_picture
from keras_rsseg.scenes.maps.map_figure import draw_side_by_side
from keras_rsseg.scenes.maps.map_figure import open_both
from keras_rsseg.scenes.maps.map_figure import scene_picture
from keras_rsseg.typing import PathLike

logger = logging.getLogger(__name__)

# Pixels between scene and map.
_GAP = 8


def write_preview(
    classes: PathLike,
    destination: PathLike,
    scene: PathLike | None = None,
    max_size: int = 2048,
) -> pathlib.Path:
    """Draw a class map, alone or beside its scene, as a PNG.

    Alone, it is only the map's pixels in their colours, with void
    transparent. With its scene, it is a figure with a scale bar and a legend
    of the classes that occur and their shares; without matplotlib (`pip
    install keras-rsseg[plot]`), only the two pictures.

    Args:
        classes: path of a map that `predict_scene` wrote.
        destination: path of the PNG; replaced if it exists.
        scene: path or URL of the scene to draw beside it, or `None`.
        max_size: maximum length of the longer side of map and scene, in
            pixels.

    Returns:
        The PNG's path.

    Raises:
        ValueError: if `destination` does not end in .png, or `classes` is not
            a class map, or not one of `scene`.

    Example:

    ```python
    keras.utils.save_img("scene.png", np.zeros((8, 8, 3)))
    keras_rsseg.predict_scene(
        lambda tiles: tiles, "scene.png", "classes.tif", tile_size=8
    )
    path = keras_rsseg.scenes.write_preview(
        "classes.tif", "map.png", "scene.png"
    )
    path.name  # 'map.png'
    ```
    """
    path = check_preview(destination)
    if scene is None:
        with open_class_map(classes) as dataset:
            picture = class_picture(dataset, max_size, read_legend(dataset))
        write_picture(path, picture)
        return path
    try:
        figure = draw_side_by_side(scene, classes, max_size=max_size)
    except ImportError:
        logger.warning(
            "%s has no legend and no scale bar, which need matplotlib: pip "
            "install 'keras-rsseg[plot]'",
            path,
        )
        write_picture(path, _pair(scene, classes, max_size))
    else:
        image = io.BytesIO()
        figure.savefig(image, format="png")
        write_png(path, image.getvalue())
    return path


def check_preview(destination: PathLike) -> pathlib.Path:
    """Raise if a preview cannot be written, else return its path.

    Args:
        destination: path of the PNG.

    Raises:
        FileNotFoundError: if its folder does not exist.
        ValueError: if it does not end in .png.
    """
    path = pathlib.Path(destination)
    if path.suffix.lower() != ".png":
        raise ArgumentError(f"The preview must end in .png. Received: {path}")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {path.parent}")
    return path


def _pair(scene: PathLike, classes: PathLike, max_size: int) -> np.ndarray:
    with open_both(scene, classes) as (image, ids, window):
        left = scene_picture(image, max_size, window=window)
        right = class_picture(ids, max_size, read_legend(ids))
    gap = np.zeros((len(left), _GAP, 4), "uint8")
    return np.concatenate([left, gap, right], axis=1)
