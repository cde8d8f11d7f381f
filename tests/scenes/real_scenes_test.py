"""Real scenes: grid and mask as read by GDAL, not by our own code."""

import math

import numpy as np
import pytest
import rasterio
from rasterio.features import rasterize
from rasterio.features import shapes
from rasterio.warp import transform

from keras_rsseg.scenes.predict_scene import predict_scene
from keras_rsseg.scenes.reading.ground_size import ground_pixel_size
from keras_rsseg.scenes.reading.ground_size import model_grid_size
from keras_rsseg.scenes.reading.scene_reader import SceneReader
from keras_rsseg.scenes.reading.scene_reader import open_scene
from tests.scenes.scene_files import threshold_model
from tests.shared import shared_path

SCENES = {
    "drone": ("scenes", "drone_epsg32632.tif"),
    "harbour": ("scenes", "harbour_epsg28992.tif"),
    "corners": ("scenes", "tile_with_black_corners_epsg3395.tif"),
    "kampala": ("kampala", "kampala_z21_rgb.tif"),
}


def scene_path(name):
    return shared_path("data", *SCENES[name])


def ground_distance(dataset, one, two):
    """Metres on a sphere between two points of the grid (haversine)."""
    points = [dataset.xy(row, col, offset="ul") for row, col in (one, two)]
    lon, lat = np.radians(
        transform(dataset.crs, "EPSG:4326", *zip(*points, strict=True))
    )
    half = np.sin(np.diff(lat) / 2) ** 2
    half += np.prod(np.cos(lat)) * np.sin(np.diff(lon) / 2) ** 2
    return 2 * 6_371_009 * math.asin(math.sqrt(half[0]))


@pytest.mark.parametrize("name", SCENES)
class TestRealScenes:
    def test_pixels_and_mask(self, name):
        """Windows across blocks and at the end, whatever compression."""
        with open_scene(scene_path(name)) as dataset:
            reader = SceneReader(dataset, model_bands=("red", "green", "blue"))
            height, width = dataset.shape
            for row, col in ((0, 0), (250, 130), (height - 300, width - 300)):
                place = (row, row + 300), (col, col + 300)
                pixels, valid = reader.read(row, col, 300, 300)
                expected = dataset.read([1, 2, 3], window=place)
                np.testing.assert_array_equal(
                    np.moveaxis(pixels, -1, 0), expected
                )
                mask = dataset.dataset_mask(window=place) > 0
                np.testing.assert_array_equal(valid, mask)
                assert valid.all()

    def test_pixel_size(self, name):
        """Within the Earth's deviation from a sphere."""
        with open_scene(scene_path(name)) as dataset:
            size = ground_pixel_size(dataset)
            row, col = dataset.height // 2, dataset.width // 2
            along = ground_distance(dataset, (row, col - 100), (row, col + 100))
            down = ground_distance(dataset, (row - 100, col), (row + 100, col))
        assert size == pytest.approx((along / 200, down / 200), rel=0.007)

    def test_at_the_models_resolution(self, name):
        """Means of areas, to the rounding to whole numbers.

        GDAL's reading at a lower size is no help here: on the drone's scene
        it is wrong by up to 240 in single pixels.
        """
        with open_scene(scene_path(name)) as dataset:
            size = model_grid_size(dataset, 0.8)
            width, height = ground_pixel_size(dataset)
            assert size == pytest.approx(
                (dataset.height * height / 0.8, dataset.width * width / 0.8),
                abs=0.5,
            )
            with SceneReader(dataset).resampled(*size) as grid:
                pixels, valid = grid.read(0, 0, *size)
            expected = area_means(dataset.read(), *size)
        assert valid.all()
        found = np.moveaxis(pixels, -1, 0)
        np.testing.assert_allclose(found, expected, atol=0.51)


def area_means(pixels, height, width):
    """Means of areas with fractions of pixels, by sums from the corner."""
    sums = pixels.astype("float64")
    for axis, size in ((1, height), (2, width)):
        sums = np.cumsum(np.insert(sums, 0, 0, axis=axis), axis=axis)
        last = sums.shape[axis] - 1
        places = np.linspace(0, last, size + 1)
        whole = np.minimum(places.astype(int), last - 1)
        part = (places - whole).reshape((-1, 1) if axis == 1 else (1, -1))
        below, above = sums.take(whole, axis), sums.take(whole + 1, axis)
        sums = np.diff(below + part * (above - below), axis=axis)
        sums /= places[1]
    return sums


def test_black_corners_without_a_tag():
    """Against a flood fill with GDAL's polygons of nearly black pixels."""
    with open_scene(scene_path("corners")) as dataset:
        assert dataset.nodata is None
        reader = SceneReader(dataset, nodata="border")
        valid = reader.read_valid(0, 0, *dataset.shape)
        brightest = dataset.read().max(axis=0)
    dark = (brightest <= 15).astype("uint8")
    size = set(dark.shape) | {0}
    at_border = [
        shape
        for shape, _ in shapes(dark, mask=dark > 0, connectivity=8)
        if size & {place for xy in shape["coordinates"][0] for place in xy}
    ]
    flooded = rasterize(at_border, out_shape=dark.shape) > 0
    assert 0.18 < flooded.mean() < 0.19
    assert not (flooded < ~valid).any()
    # Some shadows can be reached around a corner.
    assert (flooded != ~valid).mean() < 1e-4
    # Compression has left 2 % above 0, which nodata=0 would map.
    assert 0.015 < (brightest[~valid] > 0).mean() < 0.025


# Two of the three have none.
@pytest.mark.filterwarnings("ignore:.nodata='border'. found no plain border")
@pytest.mark.parametrize("name", SCENES)
def test_maps_lie_on_the_scenes(name, tmp_path):
    """By rasterio; black corners are void, and little else."""
    path = tmp_path / "map.tif"
    predict_scene(
        threshold_model,
        scene_path(name),
        path,
        nodata="border",
        ground_sample_distance=0.8,
        tile_size=256,
        progress=False,
    )
    with rasterio.open(scene_path(name)) as scene, rasterio.open(path) as made:
        assert made.crs == scene.crs
        assert made.transform == scene.transform
        assert made.shape == scene.shape
        assert made.dtypes == ("uint8",)
        void = made.read(1) == 255
        np.testing.assert_array_equal(void, made.dataset_mask() == 0)
        dark = scene.read().max(axis=0) <= 15
    share = {"corners": 0.185}.get(name, 0)
    assert void.mean() == pytest.approx(share, abs=0.001)
    assert not (void & ~dark).any()
