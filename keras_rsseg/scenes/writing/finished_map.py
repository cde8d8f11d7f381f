"""Maps that a run before has finished."""

import os

from rasterio.errors import RasterioError

from keras_rsseg.scenes.reading.scene_source import open_scene
from keras_rsseg.scenes.writing.class_map import count_classes
from keras_rsseg.scenes.writing.class_map import open_class_map
from keras_rsseg.scenes.writing.class_map import read_legend


def made_by(path, digest):
    """Return whether a raster is one of a run with that digest.

    Args:
        path: `pathlib.Path` of the raster; it need not exist.
        digest: what `settings_digest` returned.
    """
    if not path.exists():
        return False
    try:
        with open_scene(path) as dataset:
            return dataset.tags().get("run") == digest
    except (OSError, ValueError, RasterioError):
        return False


def finished_counts(products, dataset, digest, legend):
    """Return the pixels of each id, if the maps are there already.

    They are if they come from a run with the same digest, and are younger
    than all of the scene's files.

    Args:
        products: list of `Product`s, classes first.
        dataset: the scene, an open rasterio dataset.
        digest: what `settings_digest` returned.
        legend: `Legend`; it is completed.

    Returns:
        An int64 array `(256,)`, or `None`.
    """
    paths = [product.path for product in products]
    if not all(made_by(path, digest) for path in paths):
        return None
    made = min(os.stat(path).st_mtime_ns for path in paths)
    sources = [path for path in dataset.files if os.path.exists(path)]
    if any(os.stat(path).st_mtime_ns >= made for path in sources):
        return None
    with open_class_map(paths[0]) as classes:
        legend.complete(read_legend(classes).num_classes)
        return count_classes(classes)
