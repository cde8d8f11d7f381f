"""Makes the scenes of small data sets in the layout of the real ones."""

import numpy as np

from tests.data.files import write_raster


def make_pair(image_path, mask_path, colors, seed, size=(11, 14), image=None):
    """Write an image and a mask in which every colour occurs.

    Args:
        image_path: PNG, JPEG or TIFF file.
        mask_path: PNG or TIFF file.
        colors: list of colours, or of values of a mask of one band.
        seed: seed of both; all scenes of a data set must differ.
        size: `(height, width)`.
        image: the image, or `None` for a random one.

    Returns:
        `(image, ids)`; `ids` counts `colors`.
    """
    rng = np.random.default_rng(seed)
    if image is None:
        image = rng.integers(0, 256, (*size, 3), "uint8")
    ids = np.arange(size[0] * size[1]) % len(colors)
    ids = rng.permutation(ids).reshape(size)
    write_raster(make_folder(image_path), image)
    write_raster(make_folder(mask_path), np.array(colors, "uint8")[ids])
    return image, ids


def make_folder(path):
    """Return `path` once its folder exists."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
