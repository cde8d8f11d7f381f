"""Files are read exactly; unreadable ones raise a clear error."""

import numpy as np
import pytest

from keras_rsseg.data.palette import Palette
from keras_rsseg.data.palette import UnlistedColorWarning
from keras_rsseg.data.reading import may_lack_data
from keras_rsseg.data.reading import read_image
from keras_rsseg.data.reading import read_mask
from keras_rsseg.data.reading import read_valid
from keras_rsseg.rasters.windows import Window
from tests.data.files import DUBAI_COLORS
from tests.data.files import DUBAI_VOID
from tests.data.files import dubai_pair
from tests.data.files import random_image
from tests.data.files import write_raster


class TestReadImage:
    @pytest.mark.parametrize("name", ["a.png", "a.tif"])
    def test_file_equals_array(self, tmp_path, name):
        image = random_image(13, 17)
        path = write_raster(tmp_path / name, image)
        for window in (None, Window(3, 4, 5, 6), Window(-2, 10, 20, 20)):
            np.testing.assert_array_equal(
                read_image(path, window), read_image(image, window)
            )

    def test_outside_is_zero(self):
        image = random_image(4, 5)
        tile = read_image(image, Window(-1, -2, 6, 9))
        np.testing.assert_array_equal(tile[1:5, 2:7], image)
        assert tile.sum() == image.sum()

    def test_bands_count_from_one_in_the_order_asked(self, tmp_path):
        image = random_image(6, 7, bands=4).astype("uint16") * 200
        path = write_raster(tmp_path / "a.tif", image)
        for source in (path, image):
            read = read_image(source, bands=[4, 1])
            assert read.dtype == np.uint16
            np.testing.assert_array_equal(read, image[..., [3, 0]])

    @pytest.mark.parametrize("bands", [[0], [4], [1, 9], [], [1.5]])
    def test_a_band_that_is_not_there_is_refused(self, tmp_path, bands):
        path = write_raster(tmp_path / "a.tif", random_image(4, 4))
        with pytest.raises(ValueError, match="`bands` must list.*1 to 3"):
            read_image(path, bands=bands)
        with pytest.raises(ValueError, match="`bands` must list.*1 to 3"):
            read_image(random_image(4, 4), bands=bands)

    def test_an_indexed_image_is_read_in_its_colours(self, tmp_path):
        colors = {0: (9, 8, 7, 255), 1: (200, 100, 50, 255)}
        indices = np.array([[0, 1], [1, 0]], "uint8")
        path = write_raster(tmp_path / "a.png", indices, colors)
        image = read_image(path)
        assert image[0].tolist() == [[9, 8, 7], [200, 100, 50]]
        assert read_image(path, bands=[3])[1, :, 0].tolist() == [50, 7]

    def test_a_missing_file_is_named(self, tmp_path):
        with pytest.raises(FileNotFoundError, match="nothing_here.png"):
            read_image(tmp_path / "nothing_here.png")

    def test_a_text_file_is_named(self, tmp_path):
        path = tmp_path / "notes.png"
        path.write_text("no image at all")
        with pytest.raises(ValueError, match="notes.png cannot be read"):
            read_image(path)

    @pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif"])
    def test_a_file_that_breaks_off_is_refused(self, tmp_path, name):
        path = write_raster(tmp_path / name, random_image(300, 300))
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2])
        with pytest.raises(ValueError, match=f"{name} cannot be read"):
            read_image(path)

    def test_a_window_outside_is_refused(self):
        with pytest.raises(ValueError, match="outside the image of 4x5"):
            read_image(random_image(4, 5), Window(4, 0, 2, 2))

    def test_an_array_of_another_rank_is_refused(self):
        with pytest.raises(ValueError, match=r"\(2, 4, 5, 3\)"):
            read_image(np.zeros((2, 4, 5, 3)))


class TestReadMask:
    ids = np.array([[0, 1, 2], [255, 1, 0]], "uint8")

    def test_file_equals_array_and_outside_is_void(self, tmp_path):
        path = write_raster(tmp_path / "a.png", self.ids)
        window = Window(-1, 1, 3, 4)
        tile = read_mask(path, window)
        assert tile.tolist() == [
            [255] * 4,
            [1, 2, 255, 255],
            [1, 0, 255, 255],
        ]
        np.testing.assert_array_equal(read_mask(self.ids, window), tile)

    def test_rgb_rgba_and_indexed_masks_agree(self, tmp_path):
        palette = Palette([(9, 0, 0), (0, 9, 0), (0, 0, 9)])
        rgb = palette.to_rgb(self.ids)
        opaque = np.where(self.ids == 255, 0, 255)[..., None].astype("uint8")
        # The transparent pixel has the colour of a class.
        rgba = np.concatenate([np.maximum(rgb, 0), opaque], axis=-1)
        rgba[1, 0, :3] = (9, 0, 0)
        index = np.where(self.ids == 255, 7, self.ids)
        colors = {i: (*c, 255) for i, c in enumerate(palette.colors)}
        colors[7] = (1, 1, 1, 255)
        listed = Palette(palette.colors, void_colors=[(0, 0, 0), (1, 1, 1)])
        for name, array, color_map in (
            ("rgb.png", rgb, None),
            ("rgba.png", rgba, None),
            ("indexed.png", index, colors),
            ("rgb.tif", rgb, None),
        ):
            path = write_raster(tmp_path / name, array, color_map)
            ids = read_mask(path, palette=listed)
            np.testing.assert_array_equal(ids, self.ids, name)

    def test_an_unlisted_colour_of_a_file_is_reported_with_its_name(
        self, tmp_path
    ):
        path = write_raster(tmp_path / "a.png", np.full((2, 2, 3), 7, "u1"))
        with pytest.warns(UnlistedColorWarning, match="a.png"):
            assert (read_mask(path, palette=[(0, 0, 0)]) == 255).all()

    def test_declared_no_data_is_void(self, tmp_path):
        array = np.array([[0, 1], [-9999, 2]], "int16")
        path = write_raster(tmp_path / "a.tif", array, nodata=-9999)
        assert read_mask(path).tolist() == [[0, 1], [255, 2]]
        small = np.array([[0, 1], [9, 2]], "uint8")
        path = write_raster(tmp_path / "b.tif", small, nodata=9)
        assert read_mask(path).tolist() == [[0, 1], [255, 2]]

    def test_colours_without_a_palette_are_refused(self, tmp_path):
        path = write_raster(tmp_path / "a.png", random_image(4, 4))
        with pytest.raises(ValueError, match="a.png has 3 bands.*`palette`"):
            read_mask(path)

    def test_a_palette_for_ids_is_refused(self, tmp_path):
        path = write_raster(tmp_path / "a.png", self.ids)
        with pytest.raises(ValueError, match="class ids already"):
            read_mask(path, palette=[(0, 0, 0)])
        with pytest.raises(ValueError, match="RGB or RGBA"):
            read_mask(self.ids, palette=[(0, 0, 0)])

    @pytest.mark.parametrize("value", [-1, 256, 70000])
    def test_ids_that_do_not_fit_are_refused(self, value):
        mask = np.array([[0, value]], "int32")
        with pytest.raises(ValueError, match=rf"outside 0\.\.255: \[{value}"):
            read_mask(mask)

    def test_fractions_are_refused(self):
        mask = np.array([[0, 1, 0.5, 1.25]], "float32")
        with pytest.raises(ValueError, match=r"0\.5, 1\.25.*nearest"):
            read_mask(mask)

    def test_whole_numbers_are_ids_whatever_their_dtype(self, tmp_path):
        ids = np.array([[0, 1], [255, 2]])
        for dtype in ("float32", "float64", "int16", "uint32"):
            path = write_raster(tmp_path / f"{dtype}.tif", ids.astype(dtype))
            for source in (path, ids.astype(dtype)):
                read = read_mask(source)
                assert read.dtype == np.uint8
                np.testing.assert_array_equal(read, ids)

    def test_no_data_of_floats_is_void(self, tmp_path):
        values = np.array([[0, 1], [np.nan, -9999]], "float32")
        path = write_raster(tmp_path / "a.tif", values, nodata=-9999)
        assert read_mask(path).tolist() == [[0, 1], [255, 255]]

    @pytest.mark.parametrize(
        "name, profile",
        [
            ("a.jpg", {}),
            ("a.tif", {"compress": "jpeg"}),
            ("b.tif", {"compress": "lerc", "MAX_Z_ERROR": 1}),
        ],
    )
    def test_lossy_files_of_ids_are_refused(self, tmp_path, name, profile):
        ids = np.zeros((64, 64), "uint8")
        ids[20:] = 4
        path = write_raster(tmp_path / name, ids, **profile)
        with pytest.raises(ValueError, match=f"{name} has lossy.*PNG"):
            read_mask(path)

    @pytest.mark.parametrize("compress", ["deflate", "lzw", "lerc", "zstd"])
    def test_other_compressions_are_not(self, tmp_path, compress):
        ids = np.arange(16, dtype="uint8").reshape(4, 4)
        path = write_raster(tmp_path / "a.tif", ids, compress=compress)
        np.testing.assert_array_equal(read_mask(path), ids)


class TestIds:
    """File contents become class ids."""

    def test_files_and_arrays_are_mapped(self, tmp_path):
        ids = np.array([[0, 255], [7, 3]], "uint8")
        path = write_raster(tmp_path / "a.png", ids)
        for source in (ids, path, ids.astype("float32"), ids.astype("int32")):
            read = read_mask(source, ids={255: 1, 7: 255})
            assert read.tolist() == [[0, 1], [255, 3]]

    def test_codes_beyond_255(self):
        codes = np.array([[111, 523], [999, -1]], "int32")
        read = read_mask(codes, ids={111: 0, 523: 1, 999: 255, -1: 255})
        assert read.tolist() == [[0, 1], [255, 255]]
        with pytest.raises(ValueError, match=r"outside 0..255: \[523\]"):
            read_mask(codes, ids={111: 0, 999: 255, -1: 255})

    def test_a_mapping_comes_before_a_no_data_value(self, tmp_path):
        ids = np.array([[0, 255], [1, 0]], "uint8")
        path = write_raster(tmp_path / "a.tif", ids, nodata=0)
        assert read_mask(path).tolist() == [[255, 255], [1, 255]]
        read = read_mask(path, ids={0: 0, 255: 1})
        assert read.tolist() == [[0, 1], [1, 0]]
        # Void by the file's declaration, not the class of 255.
        assert read_mask(path, ids={255: 1}).tolist() == [[255, 1], [1, 255]]

    def test_classes_of_colours_are_merged(self):
        rgb = np.array([[[1, 1, 1], [2, 2, 2], [3, 3, 3]]], "uint8")
        palette = [(1, 1, 1), (2, 2, 2), (3, 3, 3)]
        assert read_mask(rgb, palette=palette, ids={2: 1}).tolist() == [
            [0, 1, 1]
        ]

    @pytest.mark.parametrize("ids", [[0, 1], {0: -1}, {0: 256}, {0: "a"}])
    def test_mappings_to_no_class_are_refused(self, ids):
        with pytest.raises(ValueError, match="`ids` must be a dict"):
            read_mask(np.zeros((2, 2), "uint8"), ids=ids)


HOLE = np.zeros((8, 9), bool)
HOLE[2:5, 3:6] = True


def with_hole(kind, path):
    image = random_image(8, 9)
    if kind == "nodata":
        image[HOLE] = 0
        return write_raster(path, image, nodata=0)
    if kind == "alpha":
        alpha = np.where(HOLE, 0, 255).astype("uint8")[..., None]
        image = np.concatenate([image, alpha], axis=-1)
        return write_raster(path, image, photometric="RGB", alpha="yes")
    image = image.astype("float32")
    image[HOLE, 1] = np.nan
    return image if kind == "array" else write_raster(path, image)


class TestReadValid:
    """However the file declares no data."""

    @pytest.mark.parametrize("kind", ["nodata", "alpha", "nan", "array"])
    def test_a_hole_is_found(self, tmp_path, kind):
        source = with_hole(kind, tmp_path / "a.tif")
        assert may_lack_data(source, [1, 2, 3])
        valid = read_valid(source, bands=[1, 2, 3])
        np.testing.assert_array_equal(valid, ~HOLE)
        window = Window(3, 4, 8, 8)
        expected = np.zeros((8, 8), bool)
        expected[:5, :5] = ~HOLE[3:, 4:]
        np.testing.assert_array_equal(
            read_valid(source, window, [1, 2, 3]), expected
        )

    def test_an_alpha_band_that_is_read_is_data(self, tmp_path):
        source = with_hole("alpha", tmp_path / "a.tif")
        assert read_valid(source).all() and not may_lack_data(source)
        assert read_valid(source, bands=[1, 4]).all()

    def test_one_band_without_data_is_not_enough(self, tmp_path):
        image = random_image(4, 4)
        image[1, 1, 0] = 0
        path = write_raster(tmp_path / "a.tif", image, nodata=0)
        assert read_valid(path).all()

    def test_plain_images_need_no_look(self, tmp_path):
        image = random_image(4, 4)
        assert not may_lack_data(image)
        assert not may_lack_data(write_raster(tmp_path / "a.png", image))
        assert not may_lack_data(write_raster(tmp_path / "a.tif", image))


def test_indexed_and_rgb_masks_of_dubai_hold_the_same_classes():
    palette = Palette(DUBAI_COLORS, void_colors=DUBAI_VOID)
    for scene in (2, 7):
        image, mask = dubai_pair(scene, 1)
        ids = read_mask(mask, palette=palette)
        assert ids.shape == read_image(image).shape[:2]
        found = np.unique(ids)
        assert set(found.tolist()) <= {0, 1, 2, 3, 4, 255}
        assert len(found) >= 2
