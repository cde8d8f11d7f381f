"""Class ids survive only some kinds of raster compression."""

import numpy as np
import pytest

from keras_rsseg.data.reading import is_lossy
from keras_rsseg.rasters.opener import open_raster
from tests.data.files import write_raster


@pytest.mark.parametrize(
    "name, options, lossy",
    [
        ("a.jpg", {}, True),
        ("a.png", {}, False),
        ("a.tif", {}, False),
        ("a.tif", {"compress": "deflate"}, False),
        ("a.tif", {"compress": "jpeg"}, True),
        ("a.tif", {"compress": "webp", "WEBP_LOSSLESS": True}, False),
        ("a.tif", {"compress": "webp"}, True),
        ("a.tif", {"compress": "lerc"}, False),
        ("a.tif", {"compress": "lerc", "MAX_Z_ERROR": 2}, True),
    ],
)
def test_compressions(tmp_path, name, options, lossy):
    pixels = np.random.default_rng(0).integers(0, 9, (64, 64, 3), "uint8")
    path = write_raster(tmp_path / name, pixels, **options)
    with open_raster(path) as dataset:
        assert is_lossy(dataset) == lossy
