"""Masks are scored as they come: other ids, and polygons."""

import json

import numpy as np
import pytest

import keras_rsseg
from keras_rsseg.errors import ArgumentError
from tests.data.files import write_raster

TILING = keras_rsseg.data.TilingProtocol("small", tile_size=32, stride=32)
PLACE = {
    "crs": "EPSG:32636",
    "transform": (1.0, 0.0, 450000.0, 0.0, -1.0, 100000.0),
}


def left_half(tiles):
    """A model that returns 1 where tiles are bright."""
    return np.stack([100.0 - tiles[..., 0], tiles[..., 0] - 100.0], -1)


@pytest.fixture
def image(tmp_path):
    image = np.zeros((64, 64, 3), "uint8")
    image[:, :32] = 200
    (tmp_path / "images").mkdir()
    return write_raster(tmp_path / "images" / "a.tif", image, **PLACE)


def score(images, masks, **options):
    report = keras_rsseg.evaluate(
        left_half,
        (images, masks),
        TILING,
        class_names=["dark", "bright"],
        progress=False,
        **options,
    )
    return report.scores["scene"].mean_iou


def test_other_ids(image, tmp_path):
    mask = np.zeros((64, 64), "uint8")
    mask[:, :32] = 255
    mask_path = write_raster(tmp_path / "mask.png", mask)
    assert score(image, mask_path, ids={255: 1}) == 1
    assert score(f"{image.parent}/*.tif", [mask], ids={255: 1}) == 1


def test_polygons_by_the_names_of_classes(image, tmp_path):
    pytest.importorskip("pyogrio")

    def square(left, right, name):
        ring = [(left, 0), (right, 0), (right, 64), (left, 64), (left, 0)]
        ring = [[450000 + x, 100000 - y] for x, y in ring]
        return {
            "type": "Feature",
            "properties": {"kind": name},
            "geometry": {"type": "Polygon", "coordinates": [ring]},
        }

    path = tmp_path / "kinds.geojson"
    crs = {"type": "name", "properties": {"name": "EPSG:32636"}}
    features = [square(0, 32, "bright"), square(32, 64, "dark")]
    path.write_text(
        json.dumps(
            {"type": "FeatureCollection", "crs": crs, "features": features}
        )
    )
    assert score(image, path, class_attribute="kind") == 1
    swapped = {"bright": 0, "dark": 1}
    assert score(image, path, class_attribute="kind", ids=swapped) == 0


def test_an_attribute_needs_polygons(image):
    record = {"image": np.zeros((64, 64, 3), "uint8")}
    record["mask"] = record["image"][..., 0]
    with pytest.raises(ArgumentError, match="`class_attribute`"):
        keras_rsseg.evaluate(
            left_half,
            [record],
            TILING,
            class_names=["dark", "bright"],
            class_attribute="kind",
        )
