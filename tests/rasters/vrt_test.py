"""Virtual rasters, as GDAL reads them."""

import numpy as np
import pytest
import rasterio
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.enums import ColorInterp

from keras_rsseg.rasters.opener import open_raster
from keras_rsseg.rasters.vrt import VirtualRaster
from keras_rsseg.rasters.vrt import pixel_view
from keras_rsseg.rasters.windows import Window
from tests.rasters.raster_files import GRID
from tests.scenes.scene_files import random_scene
from tests.scenes.scene_files import write_scene

UTM = CRS.from_epsg(32632)


@pytest.mark.parametrize("block", [None, 512])
def test_parts_lie_where_they_were_put(tmp_path, block):
    pixels = random_scene(40, 60)
    virtual = VirtualRaster(40, 60, UTM, GRID["transform"], tags={"a": "<b>"})
    bands = [virtual.add_band(block=block) for _ in range(3)]
    for window in (Window(0, 0, 40, 25), Window(0, 25, 40, 35)):
        path = write_scene(
            tmp_path / f"{window.col}.tif", pixels[:, *window.slices]
        )
        for band in bands:
            band.add_source(path, window)
    # In the other order.
    last = virtual.add_band(block=block)
    last.add_source(tmp_path / "0.tif", Window(0, 0, 40, 25), number=2)
    path = tmp_path / "scene.vrt"
    path.write_bytes(virtual.to_xml())
    with open_raster(path) as dataset:
        np.testing.assert_array_equal(dataset.read([1, 2, 3]), pixels)
        np.testing.assert_array_equal(
            dataset.read(4)[:, :25], pixels[1, :, :25]
        )
        assert not dataset.read(4)[:, 25:].any()
        assert dataset.crs == UTM and dataset.transform == GRID["transform"]
        assert dataset.tags()["a"] == "<b>"


def test_what_values_mean(tmp_path):
    virtual = VirtualRaster(4, 6, UTM, GRID["transform"])
    virtual.add_band().describe(
        nodata=255,
        tags={"class_0": "road & roof"},
        description="class",
        color="Palette",
        colors={0: (1, 2, 3, 255), 255: (0, 0, 0, 0)},
    )
    virtual.add_band("Float32").describe(scale=0.25, color="Gray")
    with open_raster(virtual.to_xml().decode()) as dataset:
        assert dataset.dtypes == ("uint8", "float32")
        assert dataset.nodatavals == (255, None)
        assert dataset.tags(1)["class_0"] == "road & roof"
        assert dataset.descriptions == ("class", None)
        assert dataset.colorinterp == (ColorInterp.palette, ColorInterp.gray)
        colors = dataset.colormap(1)
        assert colors[0] == (1, 2, 3, 255) and colors[255] == (0, 0, 0, 0)
        assert dataset.scales == (1, 0.25)


def test_control_points_in_place_of_a_transform():
    points = [GroundControlPoint(1, 2, 9.5, 50.25, 7)]
    virtual = VirtualRaster(4, 6, CRS.from_epsg(4326), gcps=points)
    virtual.add_band()
    with open_raster(virtual.to_xml().decode()) as dataset:
        (point,), crs = dataset.gcps
        assert (point.row, point.col, point.x, point.y) == (1, 2, 9.5, 50.25)
        assert crs == CRS.from_epsg(4326)


class TestPixelView:
    def test_bands_in_another_order(self, tmp_path):
        pixels = random_scene(20, 30)
        path = write_scene(tmp_path / "scene.tif", pixels, nodata=0)
        with open_raster(path) as dataset:
            xml = pixel_view(dataset, [3, 1, 3])
        with open_raster(xml) as view:
            np.testing.assert_array_equal(view.read(), pixels[[2, 0, 2]])
            assert view.nodatavals == (None,) * 3 and view.crs is None
            assert view.transform == rasterio.Affine(1, 0, 0, 0, -1, 0)

    def test_a_mask_in_place_of_all_others(self, tmp_path):
        own = np.full((20, 30), 255, "uint8")
        own[:5] = 0
        path = write_scene(tmp_path / "a.tif", random_scene(20, 30), mask=own)
        other = np.flipud(own)
        mask = write_scene(tmp_path / "mask.tif", other[None])
        with open_raster(path) as dataset:
            xml = pixel_view(dataset, [1], str(mask))
        with open_raster(xml) as view:
            np.testing.assert_array_equal(view.dataset_mask(), other)
