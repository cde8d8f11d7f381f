"""Writes the small image and mask files of the tests."""

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning

from tests.shared import shared_path

DUBAI_COLORS = [
    (60, 16, 152),
    (132, 41, 246),
    (110, 193, 228),
    (254, 221, 58),
    (226, 169, 41),
]
DUBAI_VOID = [(155, 155, 155), (0, 0, 0)]


def write_raster(path, array, color_map=None, **profile):
    """Write `(H, W)` or `(H, W, C)` with the driver of the suffix."""
    import warnings

    array = np.atleast_3d(array)
    drivers = {".png": "PNG", ".tif": "GTiff", ".jpg": "JPEG"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(
            path,
            "w",
            driver=drivers[path.suffix],
            height=array.shape[0],
            width=array.shape[1],
            count=array.shape[2],
            dtype=array.dtype,
            **profile,
        ) as dataset:
            dataset.write(np.moveaxis(array, -1, 0))
            if color_map is not None:
                dataset.write_colormap(1, color_map)
    return path


def random_image(height, width, bands=3, seed=0):
    """An image without black pixels."""
    rng = np.random.default_rng(seed)
    return rng.integers(1, 255, (height, width, bands), "uint8")


def dubai_pair(scene, part):
    """The paths of an image of the Dubai data and its mask."""
    folder = shared_path("data", "dubai", f"tile_{scene}")
    return (
        folder / "images" / f"image_part_{part:03d}.jpg",
        folder / "masks" / f"image_part_{part:03d}.png",
    )
