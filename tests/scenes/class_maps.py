"""Class maps made for the tests."""

import warnings

import numpy as np
import rasterio
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import Affine

# Metres east and north that are exact in floating point.
TRANSFORM = Affine(0.5, 0, 500_000, 0, -0.5, 5_000_000)
NAMES = ["roof", "grass & trees", "water"]
PALETTE = [(200, 0, 0), (0, 200, 0), (0, 0, 200)]


def write_classes(path, ids, names=NAMES, palette=PALETTE, **profile):
    """Write ids `(H, W)` as `predict_scene` does, UTM 32N at 50 cm."""
    ids = np.asarray(ids, "uint8")
    options = {
        "driver": "GTiff",
        "crs": "EPSG:32632",
        "transform": TRANSFORM,
        "height": ids.shape[0],
        "width": ids.shape[1],
        "count": 1,
        "dtype": "uint8",
        "nodata": 255,
        **profile,
    }
    options = {key: value for key, value in options.items() if value}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", **options) as output:
            output.write(ids, 1)
            if palette:
                colors = {i: (*rgb, 255) for i, rgb in enumerate(palette)}
                output.write_colormap(1, {**colors, 255: (0, 0, 0, 0)})
            for index, name in enumerate(names or []):
                output.update_tags(1, **{f"class_{index}": name})
    return path


def random_classes(height, width, seed=0, cell=1, void=0.1):
    """Return random ids of three classes and void, in square cells."""
    rng = np.random.default_rng(seed)
    rows, columns = -(-height // cell), -(-width // cell)
    ids = rng.integers(0, 3, (rows, columns)).astype("uint8")
    ids[rng.random(ids.shape) < void] = 255
    return np.kron(ids, np.ones((cell, cell), "uint8"))[:height, :width]
