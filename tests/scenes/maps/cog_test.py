"""Written maps, read by rasterio and validated by rio-cogeo."""

import numpy as np
import pytest
import rasterio
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import Affine

from keras_rsseg.scenes.maps.block_store import BlockStore
from keras_rsseg.scenes.maps.class_map import Legend
from keras_rsseg.scenes.maps.class_map import MapGrid
from keras_rsseg.scenes.maps.map_products import Product
from tests.scenes.scene_files import TRANSFORM
from tests.scenes.scene_files import write_scene
from tests.scenes.stored_maps import NAMES
from tests.scenes.stored_maps import SETTINGS
from tests.scenes.stored_maps import make_blocks
from tests.scenes.stored_maps import make_grid
from tests.scenes.stored_maps import make_probabilities
from tests.scenes.stored_maps import make_products
from tests.scenes.stored_maps import read_raster
from tests.scenes.stored_maps import write_maps

CORNERS = [(0, 0, 9.0, 50.0), (0, 90, 9.1, 50.0), (60, 0, 9.0, 49.9)]
POINTS = tuple(
    GroundControlPoint(row, col, x, y, 7.5) for row, col, x, y in CORNERS
)
UTM = CRS.from_epsg(32632)
TURNED = Affine(0.4, 0.3, 500_000, 0.3, -0.4, 5_000_000)
ROTATED_POLE = CRS.from_string(
    "+proj=ob_tran +o_proj=longlat +o_lat_p=40 +o_lon_p=0 +lon_0=18 "
    "+datum=WGS84 +type=crs"
)
PLACES = {
    "north-up": {"crs": UTM, "transform": TRANSFORM},
    "south-up": {"crs": UTM, "transform": Affine(0.5, 0, 5e5, 0, 0.5, 5e6)},
    "turned": {"crs": UTM, "transform": TURNED},
    "degrees": {
        "crs": CRS.from_epsg(4326),
        "transform": Affine(1e-5, 0, 1 / 3, 0, -1e-5, 2 / 3),
    },
    "own projection": {
        "crs": CRS.from_string("+proj=laea +lat_0=52.5 +lon_0=10 +units=m"),
        "transform": TRANSFORM,
    },
    "no GeoTIFF keys": {
        "crs": ROTATED_POLE,
        "transform": Affine(0.1, 0, 5, 0, -0.1, 5),
    },
    "no system": {"transform": TRANSFORM},
    "control points": {"crs": CRS.from_epsg(4326), "gcps": POINTS},
}


def assert_valid(path):
    cogeo = pytest.importorskip("rio_cogeo.cogeo")
    with pytest.MonkeyPatch.context() as patch:
        # The validator asks files without one for their transform.
        patch.setattr("warnings.warn", lambda *args, **kwargs: None)
        assert cogeo.cog_validate(path, strict=True, quiet=True) == (
            True,
            [],
            [],
        )


class TestGrid:
    def write(self, tmp_path, **place):
        probabilities = make_probabilities(60, 90)
        products = make_products(tmp_path)
        grid = make_grid(probabilities, **place)
        write_maps(products, probabilities, make_blocks(60, 90, 25, 50), grid)
        return grid, products, probabilities

    @pytest.mark.parametrize("place", PLACES)
    def test_grid_is_kept(self, tmp_path, place):
        grid, products, probabilities = self.write(tmp_path, **PLACES[place])
        wanted = grid.to_dict() | {"crs": 0}
        for product in products:
            with rasterio.open(product.path) as dataset:
                found = MapGrid.of(dataset)
                assert found.crs == grid.crs
                assert found.to_dict() | {"crs": 0} == wanted
                np.testing.assert_array_equal(
                    dataset.read(), product.render(probabilities)
                )
            assert_valid(product.path)

    def test_no_place_at_all(self, tmp_path):
        probabilities = make_probabilities(60, 90)
        grid = MapGrid(60, 90)
        products = make_products(tmp_path)
        write_maps(products, probabilities, make_blocks(60, 90, 60, 90), grid)
        for product in products:
            with pytest.warns(NotGeoreferencedWarning):
                with rasterio.open(product.path) as dataset:
                    assert MapGrid.of(dataset) == grid
            assert_valid(product.path)

    @pytest.mark.parametrize("size", [(1, 1), (1, 700), (700, 1), (513, 3)])
    def test_small_and_thin(self, tmp_path, size):
        probabilities = make_probabilities(*size)
        products = make_products(tmp_path, "float16", "margin")
        write_maps(products, probabilities, make_blocks(*size, 300, 300))
        for product in products:
            np.testing.assert_array_equal(
                read_raster(product.path), product.render(probabilities)
            )
            # It takes the sizes of overviews only from the width.
            if size[1] > 1:
                assert_valid(product.path)

    def test_of_a_scene(self, tmp_path):
        pixels = np.zeros((1, 4, 5), "uint8")
        scene = write_scene(tmp_path / "scene.tif", pixels)
        with rasterio.open(scene) as dataset:
            assert MapGrid.of(dataset) == MapGrid(4, 5, UTM, TRANSFORM)
        scene = write_scene(
            tmp_path / "points.tif",
            pixels,
            transform=None,
            crs=CRS.from_epsg(4326),
            gcps=POINTS,
        )
        with rasterio.open(scene) as dataset:
            grid = MapGrid.of(dataset)
        assert grid.crs == CRS.from_epsg(4326) and grid.transform is None
        assert [point.x for point in grid.gcps] == [9.0, 9.1, 9.0]


class TestContent:
    def write(self, tmp_path, dtype="uint8", num_classes=4):
        probabilities = make_probabilities(530, 700, num_classes)
        products = make_products(tmp_path, dtype)
        blocks = make_blocks(530, 700, 300, 400)
        tags = {"model": "m & n", "TIFFTAG_SOFTWARE": "keras_rsseg 1"}
        write_maps(products, probabilities, blocks, tags=tags)
        return products, probabilities

    def test_classes(self, tmp_path):
        (product, *_), _ = self.write(tmp_path)
        assert_valid(product.path)
        with rasterio.open(product.path) as dataset:
            assert dataset.profile["compress"] == "deflate"
            assert dataset.block_shapes == [(512, 512)]
            assert dataset.dtypes == ("uint8",)
            assert dataset.nodata == 255
            assert dataset.colorinterp == (ColorInterp.palette,)
            colors = dataset.colormap(1)
            legend = Legend(NAMES)
            legend.complete(4)
            assert [colors[i][:3] for i in range(4)] == legend.colors
            assert colors[0][3] == 255 and colors[255][3] == 0
            assert dataset.tags(1) == {
                f"class_{i}": name for i, name in enumerate(NAMES)
            }
            tags = dataset.tags()
        assert tags["model"] == "m & n"
        assert tags["TIFFTAG_SOFTWARE"] == "keras_rsseg 1"
        assert tags["product"] == "classes"

    def test_probabilities_are_shown_from_0_to_1(self, tmp_path):
        (_, product, doubt), probabilities = self.write(tmp_path)
        with rasterio.open(product.path) as dataset:
            assert dataset.nodata == 255
            assert dataset.descriptions == tuple(NAMES)
            assert dataset.scales == (0.004,) * 4
            assert dataset.offsets == (0,) * 4
            # Of four bands GDAL makes red, green, blue and alpha.
            assert ColorInterp.alpha not in dataset.colorinterp
            assert ColorInterp.red not in dataset.colorinterp
            values = dataset.read() * dataset.scales[0]
        valid = probabilities.sum(axis=0) > 0
        error = np.abs(values - probabilities)[:, valid].max()
        assert error <= 0.00201
        with rasterio.open(doubt.path) as dataset:
            assert dataset.scales == (0.004,)
            assert dataset.descriptions == ("entropy",)
            assert dataset.tags()["uncertainty"] == "entropy"

    @pytest.mark.parametrize("num_classes", [2, 3])
    def test_halves_read_back_as_they_are(self, tmp_path, num_classes):
        products, probabilities = self.write(tmp_path, "float16", num_classes)
        for product in products[1:]:
            assert_valid(product.path)
            with rasterio.open(product.path) as dataset:
                assert dataset.dtypes[0] == "float32"
                assert np.isnan(dataset.nodata)
                assert dataset.scales[0] == 1
                np.testing.assert_array_equal(
                    dataset.read(), product.render(probabilities)
                )

    def test_overviews_mix_no_classes(self, tmp_path):
        """Class 1 is between 0 and 2 only as a number."""
        ids = np.zeros((1100, 1300), "uint8")
        ids[:, 1::2] = 2
        ids[::3] = 255
        ids[:, 900:] = 3
        ids[600:] = 255
        product = Product("classes", tmp_path / "map.tif")
        grid = MapGrid(1100, 1300, UTM, TRANSFORM)
        with BlockStore([product], grid, SETTINGS) as store:
            (block,) = make_blocks(1100, 1300, 1100, 1300)
            store.write(block, {"classes": ids[None]}, 4)
            store.publish(Legend())
        with rasterio.open(product.path) as dataset:
            assert dataset.overviews(1) == [2, 4]
        with rasterio.open(product.path, overview_level=0) as dataset:
            half = dataset.read(1)
        assert half.shape == (550, 650)
        assert set(np.unique(half[:300, :450])) <= {0, 2, 255}
        assert (half[300:] == 255).all()
        # One of two rows can be void: the other is shown.
        assert (half[:300, 450:] == 3).all()

    @pytest.mark.parametrize("dtype", ["uint8", "float16"])
    def test_overviews_leave_out_no_data(self, tmp_path, dtype):
        probabilities = np.zeros((2, 600, 600), "float32")
        probabilities[0], probabilities[1] = 0.2, 0.8
        probabilities[:, ::2] = 0
        probabilities[:, 300:] = 0
        _, product, _ = products = make_products(tmp_path, dtype)
        write_maps(products, probabilities, make_blocks(600, 600, 600, 600))
        with rasterio.open(product.path, overview_level=0) as dataset:
            half = dataset.read(masked=True) * product.scale
        np.testing.assert_allclose(half[0, :150], 0.2, atol=1e-3)
        np.testing.assert_allclose(half[1, :150], 0.8, atol=1e-3)
        assert half.mask[:, 150:].all()

    def test_bytes_do_not_depend_on_blocks(self, tmp_path):
        probabilities = make_probabilities(530, 700)
        files = []
        for number, size in enumerate([(530, 700), (128, 700), (333, 250)]):
            folder = tmp_path / str(number)
            folder.mkdir()
            blocks = make_blocks(530, 700, *size)[:: 1 - 2 * (number % 2)]
            products = make_products(folder, "float16")
            write_maps(products, probabilities, blocks)
            files.append([product.path.read_bytes() for product in products])
        assert files[0] == files[1] == files[2]

    def test_void_blocks(self, tmp_path):
        """Empty blocks need no files."""
        probabilities = make_probabilities(600, 600)
        products = make_products(tmp_path, "float16")
        blocks = make_blocks(600, 600, 200, 200)
        grid = make_grid(probabilities)
        with BlockStore(products, grid, SETTINGS) as store:
            store.write(blocks[0], None)
            for block in blocks[1:]:
                part = probabilities[:, block.row :, block.col :]
                part = part[:, :200, :200]
                store.write(block, {p.name: p.render(part) for p in products})
            assert store.counts[255] == 200 * 200
            legend = Legend(NAMES)
            store.publish(legend)
        for product in products:
            np.testing.assert_array_equal(
                read_raster(product.path), product.render(probabilities)
            )

    @pytest.mark.parametrize("names", [NAMES, None])
    def test_nothing_but_void(self, tmp_path, names):
        products = make_products(tmp_path)
        with BlockStore(products, MapGrid(9, 9, UTM, TRANSFORM), {}) as store:
            store.write(make_blocks(9, 9, 9, 9)[0], None)
            store.publish(Legend(names))
        bands = [len(read_raster(product.path)) for product in products]
        assert bands == [1, 4 if names else 1, 1]
        for product in products:
            assert (read_raster(product.path) == 255).all()
            assert_valid(product.path)
