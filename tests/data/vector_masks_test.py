"""Polygons become masks on the grid of their image."""

import json

import geopandas
import numpy as np
import pytest
import shapely
from rasterio.transform import Affine

from keras_rsseg.data.pairs import ImageMaskPairs
from keras_rsseg.data.vector_masks import VectorMask
from keras_rsseg.errors import MaskError
from keras_rsseg.rasters.windows import Window
from tests.data.files import random_image
from tests.data.files import write_raster

ORIGIN = (500_000, 4_000_000)
CRS = "EPSG:32631"


def box(left, top, right, bottom):
    """A rectangle in pixels of the image, in ground coordinates."""
    x, y = ORIGIN
    return shapely.box(x + left, y - bottom, x + right, y - top)


@pytest.fixture
def image(tmp_path):
    return write_raster(
        tmp_path / "scene.tif",
        random_image(40, 60),
        crs=CRS,
        transform=Affine(1, 0, ORIGIN[0], 0, -1, ORIGIN[1]),
    )


def write(path, shapes, crs=CRS, **columns):
    frame = geopandas.GeoDataFrame(columns, geometry=shapes, crs=crs)
    frame.to_file(path)
    return path


def expected():
    mask = np.zeros((40, 60), "uint8")
    mask[5:15, 10:30] = 1
    mask[20:35, 40:55] = 2
    return mask


SHAPES = [box(10, 5, 30, 15), box(40, 20, 55, 35), box(900, 0, 910, 9)]


class TestVectorMask:
    @pytest.mark.parametrize("suffix", ["gpkg", "geojson", "shp", "fgb"])
    def test_every_format_on_the_grid_of_the_image(
        self, tmp_path, image, suffix
    ):
        path = write(tmp_path / f"a.{suffix}", SHAPES, kind=[1, 2, 7])
        mask = VectorMask(path, image, "kind")
        assert mask.polygons == 2
        whole = mask.read(Window(0, 0, 40, 60))
        np.testing.assert_array_equal(whole, expected())
        part = mask.read(Window(10, 20, 20, 30))
        np.testing.assert_array_equal(part, expected()[10:30, 20:50])

    def test_another_reference_system_is_transformed(self, tmp_path, image):
        frame = geopandas.GeoDataFrame(geometry=SHAPES, crs=CRS)
        path = tmp_path / "a.geojson"
        path.write_text(frame.to_crs("EPSG:4326").to_json())
        mask = VectorMask(path, image).read(Window(0, 0, 40, 60))
        np.testing.assert_array_equal(mask, expected() > 0)

    def test_names_are_mapped_and_empty_ones_are_void(self, tmp_path, image):
        path = write(
            tmp_path / "a.gpkg", SHAPES, kind=["roof", None, "elsewhere"]
        )
        mask = VectorMask(path, image, "kind", {"roof": 3})
        ids = mask.read(Window(0, 0, 40, 60))
        np.testing.assert_array_equal(
            ids, np.array([0, 3, 255], "uint8")[expected()]
        )

    def test_what_is_not_covered_is_void_where_polygons_are_class_0(
        self, tmp_path, image
    ):
        path = write(tmp_path / "a.gpkg", SHAPES, kind=["a", "b", "a"])
        ids = VectorMask(path, image, "kind", {"a": 0, "b": 1}).read(
            Window(0, 0, 40, 60)
        )
        np.testing.assert_array_equal(
            ids, np.array([255, 0, 1], "uint8")[expected()]
        )

    def test_it_is_void_if_such_polygons_lie_on_other_images(
        self, tmp_path, image
    ):
        # The last lies elsewhere.
        path = write(tmp_path / "a.gpkg", SHAPES, kind=[1, 2, 0])
        ids = VectorMask(path, image, "kind").read(Window(0, 0, 40, 60))
        np.testing.assert_array_equal(
            ids, np.array([255, 1, 2], "uint8")[expected()]
        )

    def test_it_is_void_if_class_0_has_a_name(self, tmp_path, image):
        path = write(tmp_path / "a.gpkg", SHAPES, kind=["b", "c", "c"])
        mask = VectorMask(path, image, "kind", {"a": 0, "b": 1, "c": 2})
        ids = mask.read(Window(0, 0, 40, 60))
        np.testing.assert_array_equal(
            ids, np.array([255, 1, 2], "uint8")[expected()]
        )

    def test_a_changed_file_is_read_again(self, tmp_path, image):
        for kinds, background in (([1, 2, 3], 0), ([1, 2, 0], 255)):
            path = write(tmp_path / "a.geojson", SHAPES, kind=kinds)
            assert VectorMask(path, image, "kind").background == background

    def test_errors_say_what_to_do(self, tmp_path, image):
        path = write(tmp_path / "a.gpkg", SHAPES, kind=["a", "b", "c"])
        with pytest.raises(MaskError, match="a.gpkg: kind. Received: 'type'"):
            VectorMask(path, image, "type")
        with pytest.raises(MaskError, match=r"ids={'b': 1}.*Received: b"):
            VectorMask(path, image, "kind", {"a": 1})
        plain = write_raster(tmp_path / "plain.png", random_image(40, 60))
        with pytest.raises(MaskError, match="plain.png has no coordinate"):
            VectorMask(path, plain)
        with pytest.raises(MaskError, match="an array"):
            VectorMask(path, random_image(40, 60))
        lines = write(tmp_path / "b.gpkg", [s.boundary for s in SHAPES])
        with pytest.raises(MaskError, match="Received: LineString"):
            VectorMask(lines, image)
        broken = tmp_path / "c.geojson"
        broken.write_text(json.dumps({"a": 1}))
        with pytest.raises(MaskError, match="c.geojson is not a vector file"):
            VectorMask(broken, image)
        with pytest.raises(FileNotFoundError, match="d.gpkg"):
            VectorMask(tmp_path / "d.gpkg", image)


class TestPairs:
    @pytest.mark.parametrize("cache", [True, False])
    def test_one_file_is_the_mask_of_all_images(self, tmp_path, image, cache):
        path = write(tmp_path / "a.gpkg", SHAPES, kind=[1, 2, 7])
        pairs = ImageMaskPairs(
            [image, image],
            path,
            num_classes=3,
            cache=cache,
            class_attribute="kind",
        )
        _, mask = pairs.read(1, Window(-2, 0, 42, 60))
        np.testing.assert_array_equal(mask[2:], expected())
        assert (mask[:2] == -1).all()
        assert pairs.id_counts[2] == 2 * 15 * 15
        with pytest.raises(MaskError, match=r"a.gpkg holds.*range: \[2\]"):
            ImageMaskPairs(image, path, num_classes=2, class_attribute="kind")

    def test_polygons_far_from_all_images(self, tmp_path, image):
        path = write(tmp_path / "a.gpkg", SHAPES[2:])
        with pytest.raises(MaskError, match="No polygon of .*a.gpkg lies"):
            ImageMaskPairs(image, path)

    def test_unlabelled_is_the_same_on_all_images(self, tmp_path, image):
        paths = [
            write(tmp_path / f"{index}.gpkg", SHAPES, kind=kinds)
            for index, kinds in enumerate([[1, 2, 2], [1, 0, 1]])
        ]
        pairs = ImageMaskPairs([image] * 2, paths, class_attribute="kind")
        for index in range(2):
            mask = pairs.read_mask(index)
            assert (mask[expected() == 0] == 255).all()

    def test_an_attribute_of_rasters(self, image):
        with pytest.raises(ValueError, match="is for masks that are poly"):
            ImageMaskPairs(image, expected(), class_attribute="kind")
