"""The arithmetic of the browser's page is that of `predict_scene`."""

import json
import shutil
import subprocess

import numpy as np
import pytest

from examples.build_demo import PAGE
from keras_rsseg.data import tile_starts
from keras_rsseg.scenes import predict_scene
from keras_rsseg.scenes.predicting.blending import linear_taps
from keras_rsseg.scenes.predicting.blending import tile_weights
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import read_map
from tests.scenes.scene_files import write_scene

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="needs node")

# Prints what a function of the page returns.
CALL = """
import {{ readFileSync }} from "node:fs";
import * as page from "{page}";
const given = JSON.parse(readFileSync(0));
{code}
"""
MAP = """
const pixels = Uint8ClampedArray.from(given.pixels);
const image = {data: pixels, width: given.width, height: given.height};
const {tile_size: size, num_classes: classes} = given.facts;
const shift = given.shift;
// As `Model`, whose answer depends on where in the tile a pixel is.
const run = async (tile) => Float32Array.from(
  {length: size * size * classes},
  (_, index) => {
    const k = index % classes;
    const pixel = (index - k) / classes;
    const x = pixel % size, y = (pixel - x) / size;
    return tile[3 * pixel + (k % 3)] / 40 + shift[k] * (x - y) / size;
  });
const seen = [];
const map = await page.mapImage(
  image, given.pixelSize, given.facts, run, (...done) => seen.push(done));
console.log(JSON.stringify(
  {map: [...map], seen, counts: page.countClasses(map, classes)}));
"""


def call(code, **given):
    script = CALL.format(page=(PAGE / "map.js").as_uri(), code=code)
    result = subprocess.run(
        [NODE, "--input-type=module", "-e", script],
        input=json.dumps(given),
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


class Model:
    """Results depend on the bands, and on the position in the tile."""

    num_classes = 4
    bands = 3
    ground_sample_distance = 0.8
    shift = np.array([0.0, 1.0, -2.0, 3.0], "float32")

    def predict_on_batch(self, tiles):
        size = tiles.shape[1]
        x, y = np.arange(size), np.arange(size)[:, None]
        place = ((x - y) / size)[..., None] * self.shift
        bands = np.take(tiles, [0, 1, 2, 0], axis=-1).astype("float32")
        return (bands / 40 + place).astype("float32")


def map_in_node(pixels, pixel_size, alpha=255):
    height, width = pixels.shape[1:]
    alpha = np.broadcast_to(alpha, (1, height, width))
    rgba = np.moveaxis(np.concatenate([pixels, alpha]), 0, -1)
    found = call(
        MAP,
        pixels=rgba.ravel().tolist(),
        width=width,
        height=height,
        pixelSize=pixel_size,
        shift=Model.shift.tolist(),
        facts={
            "tile_size": 32,
            "overlap": 8,
            "num_classes": 4,
            "ground_sample_distance": 0.8,
        },
    )
    return np.reshape(found["map"], (height, width)), found


@pytest.mark.parametrize(
    ("height", "width", "pixel_size", "agreement"),
    [
        (32, 32, None, 1.0),
        (75, 50, None, 1.0),
        # Reflected, more than once.
        (9, 40, None, 1.0),
        (1, 5, None, 1.0),
        # Within a factor of 1.25.
        (40, 50, 0.7, 1.0),
        # Finer and coarser pixels, for which GDAL has its own rounding.
        (100, 130, 0.25, 0.995),
        (31, 40, 2.0, 0.995),
    ],
)
def test_map_is_that_of_predict_scene(
    tmp_path, height, width, pixel_size, agreement
):
    pixels = random_scene(height, width)
    scene = write_scene(tmp_path / "s.tif", pixels, crs=None, transform=None)
    options = {"tile_size": 32, "overlap": 8, "progress": False}
    if pixel_size is None:
        options["ground_sample_distance"] = None
    predict_scene(
        Model(), scene, tmp_path / "m.tif", pixel_size=pixel_size, **options
    )
    expected, _ = read_map(tmp_path / "m.tif")
    found, told = map_in_node(pixels, pixel_size)
    # With only the classes of tiles' centres the map would differ.
    assert len(np.unique(expected)) > 1
    assert np.mean(found == expected) >= agreement
    assert told["counts"] == np.bincount(found.ravel(), minlength=4).tolist()
    assert told["seen"][0][0] == 0 and len(set(told["seen"][-1])) == 1


def test_transparent_pixels_have_no_class():
    pixels = random_scene(20, 30)
    alpha = np.full((20, 30), 255)
    alpha[:5] = 0
    found, told = map_in_node(pixels, None, alpha)
    assert (found[:5] == 255).all() and (found[5:] < 4).all()
    assert sum(told["counts"]) == 15 * 30


def test_tiles_weights_and_taps():
    code = """console.log(JSON.stringify({
      starts: given.lengths.map((n) => page.tileStarts(n, 32, 24)),
      weights: [...page.tileWeights(32)],
      taps: given.sizes.map((pair) => page.linearTaps(...pair)),
    }));"""
    lengths, sizes = [1, 32, 33, 56, 57, 200], [[7, 7], [10, 23], [23, 10]]
    found = call(code, lengths=lengths, sizes=sizes)
    assert found["starts"] == [tile_starts(n, 32, 24) for n in lengths]
    np.testing.assert_allclose(found["weights"], tile_weights(32), rtol=1e-6)
    for taps, pair in zip(found["taps"], sizes, strict=True):
        indices, weights = linear_taps(*pair)
        for output, tap in enumerate(taps):
            places = tap["first"] + np.arange(len(tap["weights"]))
            places = places.clip(0, pair[0] - 1)
            np.testing.assert_array_equal(places, indices[output])
            np.testing.assert_allclose(
                tap["weights"], weights[output], atol=1e-6
            )


@pytest.mark.parametrize(
    ("image", "pixel_size", "said"),
    [
        ((100, 100), 5.0, "too coarse: the network was trained at 0.8 m"),
        ((9000, 9000), None, "at most 25 million"),
        ((3000, 3000), 3.0, "would take 127 million pixels"),
    ],
)
def test_what_cannot_be_mapped_is_said(image, pixel_size, said):
    code = """try {
      page.modelGrid(given.image, given.pixelSize, 0.8);
    } catch (error) {
      console.log(JSON.stringify([error.message, error.constructor.name]));
    }"""
    size = dict(zip(("width", "height"), image, strict=True))
    message, kind = call(code, image=size, pixelSize=pixel_size)
    assert said in message and kind == "MapError"
