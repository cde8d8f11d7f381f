"""GDAL's own program, in another version, reads our files."""

import json
import shutil
import subprocess

import numpy as np
import pytest
from rasterio.transform import Affine

import keras_rsseg
from tests.scenes.scene_files import NUM_CLASSES
from tests.scenes.scene_files import TRANSFORM
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import threshold_classes
from tests.scenes.scene_files import threshold_model
from tests.scenes.scene_files import write_scene

pytestmark = pytest.mark.skipif(
    shutil.which("gdalinfo") is None, reason="gdalinfo (gdal-bin) is missing"
)
TURNED = Affine(0.4, 0.3, 500_000, 0.3, -0.4, 5_000_000)


def gdalinfo(path, *options):
    """Return the program's report on a raster."""
    run = subprocess.run(
        ["gdalinfo", "-json", *options, str(path)],
        capture_output=True,
        check=True,
        text=True,
    )
    assert not run.stderr, run.stderr
    return json.loads(run.stdout)


@pytest.mark.parametrize("transform", [TRANSFORM, TURNED])
def test_grid_classes_and_pixels(tmp_path, transform):
    pixels = random_scene(70, 600)
    scene = write_scene(tmp_path / "scene.tif", pixels, transform=transform)
    output = tmp_path / "map.tif"
    names = ["water", "land", "road", "roof"]
    colors = [(0, 0, 255), (9, 9, 9), (80, 80, 80), (255, 0, 0)]
    keras_rsseg.predict_scene(
        threshold_model,
        scene,
        output,
        tile_size=32,
        probabilities=tmp_path / "probabilities.tif",
        class_names=names,
        palette=colors,
        progress=False,
    )
    said, of_scene = gdalinfo(output, "-hist"), gdalinfo(scene)
    for key in ("size", "geoTransform", "cornerCoordinates"):
        assert said[key] == of_scene[key]
    assert said["coordinateSystem"] == of_scene["coordinateSystem"]
    structure = said["metadata"]["IMAGE_STRUCTURE"]
    assert structure["LAYOUT"] == "COG"
    (band,) = said["bands"]
    assert band["type"] == "Byte" and band["noDataValue"] == 255
    assert band["colorInterpretation"] == "Palette"
    entries = band["colorTable"]["entries"]
    assert [tuple(entry[:3]) for entry in entries[:NUM_CLASSES]] == colors
    counts = np.bincount(threshold_classes(pixels).ravel())
    assert band["histogram"]["buckets"][:NUM_CLASSES] == counts.tolist()
    said = gdalinfo(tmp_path / "probabilities.tif")
    assert said["geoTransform"] == of_scene["geoTransform"]
    assert [band["description"] for band in said["bands"]] == names
