"""Scenes made for the tests, and models with known results."""

import warnings

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import Affine

TRANSFORM = Affine(0.5, 0, 500_000, 0, -0.5, 5_000_000)
NUM_CLASSES = 4


def write_scene(path, pixels, mask=None, inside=True, **profile):
    """Write `(bands, H, W)` as a GeoTIFF, UTM 32N at 50 cm by default.

    `inside`: whether the mask goes into the file, or into one beside it.
    """
    options = {
        "driver": "GTiff",
        "crs": "EPSG:32632",
        "transform": TRANSFORM,
        "photometric": "minisblack",
        "count": pixels.shape[0],
        "height": pixels.shape[1],
        "width": pixels.shape[2],
        "dtype": pixels.dtype,
        **profile,
    }
    options = {key: value for key, value in options.items() if value}
    if "nodata" in profile:
        options["nodata"] = profile["nodata"]
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=inside),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", **options) as output:
            output.write(pixels)
            if mask is not None:
                output.write_mask(mask)
    return path


def random_scene(height, width, seed=0):
    """Return uint8 `(3, H, W)` whose first band is never 0."""
    pixels = np.random.default_rng(seed).integers(
        1, 256, (3, height, width), "uint8"
    )
    return pixels


def threshold_classes(pixels):
    """Return the result of `threshold_model`: band 1 in four classes."""
    return (pixels[0] // 64).astype("uint8")


def threshold_model(tiles):
    """Logits that are highest for the class of a pixel's first band."""
    classes = np.asarray(tiles)[..., 0] // 64
    return 8.0 * np.eye(NUM_CLASSES, dtype="float32")[classes.astype(int)]


def read_map(path):
    """Return the ids and the profile of a written map."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path) as dataset:
            return dataset.read(1), dataset.profile
